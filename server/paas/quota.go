package paas

import "slices"

// Demand is what an app wants of the cluster, or a team in all: what a TeamQuota bounds.
type Demand struct {
	Memory    int `json:"memory" doc:"MiB, of all instances wanted."`
	CPU       int `json:"cpu" doc:"MHz, of all instances wanted."`
	Apps      int `json:"apps"`
	Instances int `json:"instances"`
	Routes    int `json:"routes"`
	Storage   int `json:"storage" doc:"MiB of volumes, of those kept as well."`
}

// CoreMHz is how much CPU a quota takes a reserved core for. What a core has differs from node to node, and
// nobody knows at admission which one it will be.
const CoreMHz = 2000

// Add gives the sum.
func (u Demand) Add(o Demand) Demand {
	return Demand{
		Memory: u.Memory + o.Memory, CPU: u.CPU + o.CPU, Apps: u.Apps + o.Apps,
		Instances: u.Instances + o.Instances, Routes: u.Routes + o.Routes, Storage: u.Storage + o.Storage,
	}
}

// Less gives the difference.
func (u Demand) Less(o Demand) Demand {
	return u.Add(Demand{
		Memory: -o.Memory, CPU: -o.CPU, Apps: -o.Apps, Instances: -o.Instances, Routes: -o.Routes, Storage: -o.Storage,
	})
}

// Max gives the greater of each number.
func (u Demand) Max(o Demand) Demand {
	return Demand{
		Memory: max(u.Memory, o.Memory), CPU: max(u.CPU, o.CPU), Apps: max(u.Apps, o.Apps),
		Instances: max(u.Instances, o.Instances), Routes: max(u.Routes, o.Routes), Storage: max(u.Storage, o.Storage),
	}
}

// QuotaLine is one number of a quota: what it allows, and what is wanted of it.
type QuotaLine struct {
	What   string `json:"what" enum:"memory,cpu,apps,instances,routes,storage"`
	Unit   string `json:"unit,omitempty" doc:"MB, MHz, or left out for a count."`
	Limit  int    `json:"limit" doc:"0 for no bound."`
	Before int    `json:"before" doc:"What the team wants now."`
	After  int    `json:"after" doc:"What it would want afterwards."`
}

// Over says that the line forbids the step: it goes further above the limit. What a team has above a quota
// that was lowered it keeps, and may lessen.
func (l QuotaLine) Over() bool { return l.Limit > 0 && l.After > l.Limit && l.After > l.Before }

// Noun says what the limit is a number of.
func (l QuotaLine) Noun() string {
	if l.Unit == "" {
		return l.What
	}
	return l.Unit + " of " + l.What
}

// Lines holds what a team wants before and after against its quota, bounded or not.
func (q TeamQuota) Lines(before, after Demand) []QuotaLine {
	return []QuotaLine{
		{"memory", "MB", q.Memory, before.Memory, after.Memory},
		{"cpu", "MHz", q.CPU, before.CPU, after.CPU},
		{"apps", "", q.Apps, before.Apps, after.Apps},
		{"instances", "", q.Instances, before.Instances, after.Instances},
		{"routes", "", q.Routes, before.Routes, after.Routes},
		{"storage", "MB", q.Storage, before.Storage, after.Storage},
	}
}

// Bounded gives the lines that have a limit.
func (q TeamQuota) Bounded(before, after Demand) []QuotaLine {
	return slices.DeleteFunc(q.Lines(before, after), func(l QuotaLine) bool { return l.Limit == 0 })
}

// Over gives the lines that forbid a step.
func (q TeamQuota) Over(before, after Demand) []QuotaLine {
	return slices.DeleteFunc(q.Lines(before, after), func(l QuotaLine) bool { return !l.Over() })
}

// Standing is how a team stands against its quota.
type Standing struct {
	Quota  TeamQuota `json:"quota"`
	Demand Demand    `json:"use"` // of all its apps
}

// TeamChange is what of a team is to be another.
type TeamChange struct {
	Description *string
	Quota       QuotaChange
}

// QuotaChange is what of a quota is to be another: 0 takes a bound away, what is not said stays.
type QuotaChange struct {
	Memory    *int `json:"memory,omitempty" minimum:"0" doc:"MB of all instances wanted."`
	CPU       *int `json:"cpu,omitempty" minimum:"0" doc:"MHz of all instances wanted."`
	Apps      *int `json:"apps,omitempty" minimum:"0"`
	Instances *int `json:"instances,omitempty" minimum:"0"`
	Routes    *int `json:"routes,omitempty" minimum:"0"`
	Storage   *int `json:"storage,omitempty" minimum:"0" doc:"MB of volumes."`
}

// Membership is what a user is in a team, with who that is.
type Membership struct {
	Member
	Person User
}

// Of gives a quota with what is said.
func (c QuotaChange) Of(q TeamQuota) TeamQuota {
	for _, n := range []struct{ from, to *int }{
		{c.Memory, &q.Memory},
		{c.CPU, &q.CPU},
		{c.Apps, &q.Apps},
		{c.Instances, &q.Instances},
		{c.Routes, &q.Routes},
		{c.Storage, &q.Storage},
	} {
		if n.from != nil {
			*n.to = *n.from
		}
	}
	return q
}
