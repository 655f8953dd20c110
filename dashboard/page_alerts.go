package dashboard

func alertsPage() room { return room{Name: "Alerts", Path: "/alerts", file: "alerts"} }
