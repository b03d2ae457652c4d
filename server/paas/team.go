package paas

import "time"

// Team is who owns apps: a namespace in Nomad, a path in Vault, a prefix of every name in Consul.
type Team struct {
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Quota       TeamQuota `json:"quota"`
	CreatedAt   time.Time `json:"created_at"`
	CreatedBy   string    `json:"created_by,omitempty"`
}

// TeamQuota bounds what a team wants at the same time; 0 is no bound.
type TeamQuota struct {
	Memory    int `json:"memory,omitempty"` // MB, of all instances wanted, what a deployment adds for a while left out
	CPU       int `json:"cpu,omitempty"`    // MHz, likewise
	Apps      int `json:"apps,omitempty"`
	Instances int `json:"instances,omitempty"`
	Routes    int `json:"routes,omitempty"`
	Storage   int `json:"storage,omitempty"` // MB of volumes
}

// Member is what a user is in a team.
type Member struct {
	Team      string    `json:"team"`
	User      string    `json:"user"`
	Role      Role      `json:"role"`
	Source    string    `json:"source"` // "given" by a person, or the group of an OIDC provider, "PROVIDER:GROUP"
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by,omitempty"`
}

// Given is the source of a membership that a person gave.
const Given = "given"

// Role is what somebody may do in a team. Each may all that the one before may.
type Role string

// The roles, from the least on. Admin is of the platform: no row of a member has it.
const (
	Viewer     Role = "viewer"
	Developer  Role = "developer"
	Maintainer Role = "maintainer"
	Admin      Role = "admin"
)

// Roles are all roles, from the least on.
func Roles() []Role { return []Role{Viewer, Developer, Maintainer, Admin} }

// Verb is a kind of thing that can be done. Which role may do it stands in one table, in package auth.
type Verb string

// The verbs. Each route of the API has one.
const (
	VerbNone     Verb = "none"     // about the caller itself: every valid token or session
	VerbRead     Verb = "read"     // lists, status, why, events, plans, names of configuration
	VerbLogs     Verb = "logs"     // what instances write
	VerbDeploy   Verb = "deploy"   // build, release, roll back, steer deployments, run tasks
	VerbScale    Verb = "scale"    // counts, restart, stop, start
	VerbConfig   Verb = "config"   // set and unset configuration and secrets
	VerbReveal   Verb = "reveal"   // be shown a value or a credential
	VerbExec     Verb = "exec"     // a command inside an instance
	VerbService  Verb = "service"  // make and change service instances, bind, unbind, rotate
	VerbDestroy  Verb = "destroy"  // apps, service instances, volumes: what can't be had back
	VerbManage   Verb = "manage"   // a team's members, bots, their tokens, shared hosts
	VerbAudit    Verb = "audit"    // read a team's audit
	VerbPlatform Verb = "platform" // nodes, providers, drift, users, teams and quotas
)

// Verbs are all verbs that a token can be narrowed to.
func Verbs() []Verb {
	return []Verb{
		VerbRead, VerbLogs, VerbDeploy, VerbScale, VerbConfig, VerbReveal, VerbExec, VerbService, VerbDestroy, VerbManage, VerbAudit, VerbPlatform,
	}
}

// Act is one thing that a caller wants to do. Team "*" is every team that the caller may do it in; App ""
// is the team itself, or any of its apps.
type Act struct {
	Verb      Verb
	Team, App string
}

// Host says which team a host name belongs to: the first to use it keeps it, until it is given up.
type Host struct {
	Host      string    `json:"host"`
	Team      string    `json:"team"`
	Shared    []string  `json:"shared,omitempty"` // teams that may have routes of their own on it
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by,omitempty"`
}
