package install

// What tests look at from outside.
var (
	Downgrade     = downgrade
	PlacementText = placementText
)

// Placement is why Nomad places nothing.
type Placement = placement
