package bootstrap

// The scripts of destroy, which the tests try out for real in a shell.
var (
	Removing  = removing
	Relinking = relinking
)
