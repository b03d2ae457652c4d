package paas

// Finding is one thing on the cluster that is not as Crumpet wishes it, and what a repair does about it.
type Finding struct {
	Kind   FindingKind  `json:"kind"`
	Team   string       `json:"team,omitempty"`
	App    string       `json:"app,omitempty"` // "" for a thing of no app
	Thing  string       `json:"thing"`         // the job's id, the key, the service's id, the router's address
	Wished string       `json:"wished"`
	Found  string       `json:"found"`
	Repair string       `json:"repair"` // what a repair does, a sentence without its full stop
	Heals  bool         `json:"heals"`  // a repair can do it; else a person must
	State  FindingState `json:"status"`
	Reason string       `json:"reason,omitempty"` // why it was not healed
}

// Same says whether two findings are of one fault.
func (f Finding) Same(o Finding) bool {
	return f.Kind == o.Kind && f.Team == o.Team && f.App == o.App && f.Thing == o.Thing
}

// FindingKind names a kind of drift, where.what.
type FindingKind string

// The kinds of drift.
const (
	JobMissing        FindingKind = "job.missing"        // instances are wished for, but Nomad has no such job
	JobChanged        FindingKind = "job.changed"        // somebody else wrote the job: its count, its tags, anything
	JobOrphan         FindingKind = "job.orphan"         // a job of Crumpet's that no row names
	RuleMissing       FindingKind = "rule.missing"       // the key of an app's routing rule is gone
	RuleChanged       FindingKind = "rule.changed"       // it holds another text
	RuleOrphan        FindingKind = "rule.orphan"        // a key of an app that wishes for none
	RuleBad           FindingKind = "rule.bad"           // a key that routers can't read, which freezes all of them
	ServiceOrphan     FindingKind = "service.orphan"     // a service in Consul without an instance
	RouterUnreachable FindingKind = "router.unreachable" // its table can't be read
	TokenEnding       FindingKind = "token.ending"       // Crumpet's own token in Vault ends, and nothing renews it
	RouterBehind      FindingKind = "router.behind"      // its table is not what Consul says
	VolumeMissing     FindingKind = "volume.missing"     // Nomad knows no such volume any more
)

// FindingState is what became of a finding.
type FindingState string

// The states.
const (
	FindingFound  FindingState = "found"  // nothing was done about it yet
	FindingHealed FindingState = "healed" // it is as wished again
	FindingLeft   FindingState = "left"   // it is still so
)

// RuleKey is one key that routers read as a part of their rules.
type RuleKey struct {
	Key   string
	Text  string
	Index uint64 // to write it with
	Own   bool   // it stands below Crumpet's own prefix, where nobody else should write
	Ref   AppRef // of an own key TEAM/APP; else zero
}

// Registered is one instance of a service of Crumpet's in Consul's catalog.
type Registered struct {
	ID      string
	Service Service
	Node    string
	Address string // HOST:PORT
	Here    bool   // with the agent that Crumpet speaks to, so that it can be taken away there
}
