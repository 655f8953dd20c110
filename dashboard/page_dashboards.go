package dashboard

func dashboardsPage() room {
	return room{Name: "Dashboards", Path: "/dashboards", file: "dashboards", charts: true}
}
