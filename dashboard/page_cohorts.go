package dashboard

func cohortsPage() room { return room{Name: "Cohorts", Path: "/cohorts", file: "cohorts"} }
