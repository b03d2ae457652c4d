package paas

// CheckStatus is what one health check says now.
type CheckStatus string

// The statuses, after Consul's. A warning is not passing: Fabio does not route to it.
const (
	CheckPassing  CheckStatus = "passing"
	CheckWarning  CheckStatus = "warning"
	CheckCritical CheckStatus = "critical"
)

// Check is one health check of one instance, as Consul sees it.
type Check struct {
	ID      string // unique on the node
	Service Service
	Alloc   string // id of the allocation whose service it checks
	Port    string // name of the service's port
	Name    string
	Status  CheckStatus
	Output  string // of the last run, at most a few hundred bytes
}

// RouterTable is the route table that stands in one router.
type RouterTable struct {
	Router  string // address of its admin API
	Entries []RouterEntry
}

// RouterEntry is one target of one route in a router's table.
type RouterEntry struct {
	Service string
	Host    string
	Path    string
	Dst     string // HOST:PORT that requests are sent to
	Weight  float64
}

// Rule is the text of an app's routing rule as it stands in Consul's KV, with the index that a
// compare-and-set write of it has to name.
type Rule struct {
	Text  string
	Index uint64
}
