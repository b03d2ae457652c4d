package wire

import (
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Team is who owns apps.
type Team struct {
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Quota       paas.TeamQuota   `json:"quota" doc:"What the team may want at the same time; what is left out has no bound."`
	Role        paas.Role        `json:"role,omitempty" enum:"viewer,developer,maintainer,admin" doc:"What the caller is in it."`
	Use         *paas.Demand     `json:"use,omitempty" doc:"What the team wants now; in the answer about one team only."`
	Lines       []paas.QuotaLine `json:"lines,omitempty" doc:"Each number of the quota with what is wanted of it; in the answer about one team only."`
	CreatedAt   time.Time        `json:"created_at"`
	CreatedBy   string           `json:"created_by"`
}

// Teams are those that the caller is in, of an admin all, by name.
type Teams struct {
	Items []Team `json:"items"`
	Next  string `json:"next"`
}

// CreateTeam asks for a new team.
type CreateTeam struct {
	Name        string           `json:"name" doc:"Up to 16 lower-case letters, digits and single dashes."`
	Description string           `json:"description,omitempty"`
	Quota       paas.QuotaChange `json:"quota,omitzero"`
}

// UpdateTeam asks for a team to be another; what is left out stays.
type UpdateTeam struct {
	Description *string          `json:"description,omitempty"`
	Quota       paas.QuotaChange `json:"quota,omitzero" doc:"0 takes a bound away."`
}

// Member is a person or a bot in a team.
type Member struct {
	Team      string        `json:"team"`
	User      string        `json:"user"`
	FullName  string        `json:"full_name,omitempty"`
	Kind      paas.UserKind `json:"kind" enum:"person,bot"`
	Role      paas.Role     `json:"role" enum:"viewer,developer,maintainer"`
	Source    string        `json:"source" doc:"given, or PROVIDER:GROUP where a group of an OIDC provider made them a member."`
	Admin     bool          `json:"admin,omitempty" doc:"True for an admin of the platform, who may do everything in every team."`
	Disabled  bool          `json:"disabled,omitempty"`
	CreatedAt time.Time     `json:"created_at"`
	CreatedBy string        `json:"created_by"`
	SeenAt    *time.Time    `json:"seen_at,omitempty" doc:"Last sign-in."`
}

// Members are those of a team, by name.
type Members struct {
	Items []Member `json:"items"`
	Next  string   `json:"next"`
}

// SetMember gives somebody a role in a team.
type SetMember struct {
	Role paas.Role `json:"role" enum:"viewer,developer,maintainer"`
}

// CreateBot asks for a bot in a team.
type CreateBot struct {
	Name        string    `json:"name" doc:"Unique among all users: up to 32 lower-case letters, digits and single dashes."`
	Description string    `json:"description,omitempty"`
	Role        paas.Role `json:"role" enum:"viewer,developer,maintainer"`
}

// Host is a host name with whose it is: the first team to have a route on it, until it gives it up.
type Host struct {
	Host      string    `json:"host"`
	Team      string    `json:"team" doc:"Whose it is."`
	Shared    []string  `json:"shared" doc:"Teams that may have routes of their own on it; where another team shares it, those of the caller only."`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by,omitempty"`
}

// Hosts are those of a team and those shared with it, by name.
type Hosts struct {
	Items []Host `json:"items"`
	Next  string `json:"next"`
}

// ShareHost opens a host to the routes of another team, or ends that.
type ShareHost struct {
	With   string `json:"with" doc:"The other team."`
	Shared bool   `json:"shared" doc:"False ends it, which is refused while that team has a route there."`
}
