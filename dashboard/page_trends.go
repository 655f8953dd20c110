package dashboard

func trendsPage() room { return room{Name: "Trends", Path: "/trends", file: "trends", charts: true} }
