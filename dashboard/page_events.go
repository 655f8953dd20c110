package dashboard

func eventsPage() room { return room{Name: "Events", Path: "/events", file: "events", charts: true} }
