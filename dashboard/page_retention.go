package dashboard

func retentionPage() room {
	return room{Name: "Retention", Path: "/retention", file: "retention", charts: true}
}
