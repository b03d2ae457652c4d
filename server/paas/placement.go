package paas

// Placement says on which nodes instances may or should run.
type Placement struct {
	Pool          string       `json:"pool,omitempty"`        // Nomad's node pool; "" for "default"
	Datacenters   []string     `json:"datacenters,omitempty"` // none for those of the server's configuration
	DistinctHosts bool         `json:"distinct_hosts,omitempty"`
	Constraints   []Constraint `json:"constraints,omitempty"`
	Affinities    []Affinity   `json:"affinities,omitempty"`
	Spreads       []Spread     `json:"spreads,omitempty"`
}

// Constraint must hold of a node. Attribute is what Nomad has between ${ and }, such as
// attr.kernel.name, node.class or meta.rack; Operator and Value are Nomad's.
type Constraint struct {
	Attribute string `json:"attribute"`
	Operator  string `json:"operator"`
	Value     string `json:"value,omitempty"`
}

// Affinity should hold of a node, the more the greater Weight is, from -100 to 100.
type Affinity struct {
	Constraint
	Weight int `json:"weight"`
}

// Spread shares instances out over the values of an attribute: evenly, or as Targets say.
type Spread struct {
	Attribute string   `json:"attribute"`
	Weight    int      `json:"weight"` // 1 to 100
	Targets   []Target `json:"targets,omitempty"`
}

// Target is the share of instances, in percent, that one value of an attribute should get.
type Target struct {
	Value   string `json:"value"`
	Percent int    `json:"percent"`
}
