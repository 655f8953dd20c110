package dashboard

func peoplePage() room { return room{Name: "People", Path: "/people", file: "people"} }
