package api

import (
	"cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// anyTeam asks a list for every team.
const anyTeam = "*"

// Scope is the input of every call: the team, as Nomad's calls take a namespace.
type Scope struct {
	Team string `query:"team" default:"default" doc:"The team."`
}

func (s Scope) check() error { return checkTeam(s.Team) }

func checkTeam(team string) error {
	if problem := paas.CheckName("team", team, paas.MaxTeam); problem != "" {
		return invalid("query.team", problem)
	}
	return nil
}

// AppScope is the input of a call about one app.
type AppScope struct {
	Scope
	App string `path:"app" doc:"The app."`
}

func (s AppScope) ref() (paas.AppRef, error) { return refOf(s.Team, s.App) }

func refOf(team, app string) (paas.AppRef, error) {
	team = cmp.Or(team, paas.DefaultTeam)
	if err := checkTeam(team); err != nil {
		return paas.AppRef{}, err
	}
	if problem := paas.CheckName("app", app, paas.MaxApp); problem != "" {
		return paas.AppRef{}, invalid("path.app", problem)
	}
	return paas.AppRef{Team: team, App: app}, nil
}

// invalid is one fault of the request itself.
func invalid(location, message string) error {
	return &paas.Error{Code: paas.Invalid, Message: message, Faults: []paas.Fault{{Location: location, Message: message}}}
}

// items makes a list that is never null in JSON.
func items[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}
