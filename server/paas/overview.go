package paas

// Overview is what a list shows of an app, without reading all of it.
type Overview struct {
	App App
	// Plain says that nothing is to be told of it: it has a release and no deployment under way, as many
	// healthy instances of each process as are wanted, some of them, none that ends again and again, and no
	// route that a router lacks.
	Plain bool
}

// LiveRoutes are the routes of the release that an app serves, in the order of its spec.
type LiveRoutes struct {
	Release int
	Routes  []Route
}
