package dashboard

func settingsPage() room { return room{Name: "Settings", Path: "/settings", file: "settings"} }
