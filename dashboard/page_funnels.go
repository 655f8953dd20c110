package dashboard

func funnelsPage() room { return room{Name: "Funnels", Path: "/funnels", file: "funnels"} }
