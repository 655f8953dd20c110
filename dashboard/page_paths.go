package dashboard

func pathsPage() room { return room{Name: "Paths", Path: "/paths", file: "paths"} }
