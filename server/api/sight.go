package api

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// sight is what a caller may see by the verb of the row that is called. Lists and streams go through it, so that
// a call about every team is a call about those the caller is in.
type sight struct {
	auth Auth
	who  paas.Identity
	verb paas.Verb
}

func (a *API) sightOf(ctx context.Context) sight {
	call := callOf(ctx)
	if call.who == nil {
		return sight{auth: a.Auth, verb: call.row.verb}
	}
	return sight{auth: a.Auth, who: *call.who, verb: call.row.verb}
}

// whole says that there is nothing the caller may not see.
func (s sight) whole() bool {
	return s.who.Admin && (s.who.Token == nil || len(s.who.Token.Scope.Teams) == 0 && len(s.who.Token.Scope.Apps) == 0)
}

// team says whether the caller may see what is a team's and no app's.
func (s sight) team(team string) bool {
	return team != "" && !forApps(s.who) && s.auth.May(s.who, paas.Act{Verb: s.verb, Team: team}) == nil
}

// app says whether the caller may see an app.
func (s sight) app(ref paas.AppRef) bool {
	if ref.App == "" {
		return s.team(ref.Team)
	}
	return s.auth.May(s.who, paas.Act{Verb: s.verb, Team: ref.Team, App: ref.App}) == nil
}

// teams are those that a call about a team, or about every one, is about: nil for all there are.
func (s sight) teams(asked string) []string {
	switch {
	case asked != anyTeam:
		return []string{asked}
	case s.whole():
		return nil
	}
	known := slices.Sorted(maps.Keys(s.who.Roles))
	if s.who.Admin && s.who.Token != nil { // of an admin's token that is narrowed
		known = slices.Clone(s.who.Token.Scope.Teams)
		for _, name := range s.who.Token.Scope.Apps {
			known = append(known, namedApp(name).Team)
		}
		slices.Sort(known)
	}
	teams := []string{}
	for _, team := range slices.Compact(known) {
		if s.auth.May(s.who, paas.Act{Verb: s.verb, Team: team}) == nil {
			teams = append(teams, team)
		}
	}
	return teams
}

// onlyApps are those that the caller's token is for, nil where it is for every app of its teams.
func (s sight) onlyApps() []paas.AppRef {
	if !forApps(s.who) {
		return nil
	}
	refs := []paas.AppRef{}
	for _, name := range s.who.Token.Scope.Apps {
		if ref := namedApp(name); s.app(ref) {
			refs = append(refs, ref)
		}
	}
	return refs
}

// namedApp reads TEAM/APP.
func namedApp(name string) paas.AppRef {
	team, app, _ := strings.Cut(name, "/")
	return paas.AppRef{Team: team, App: app}
}

// seen keeps of a list what the caller may see.
func seen[T any](s sight, list []T, of func(T) paas.AppRef) []T {
	if s.whole() {
		return list
	}
	kept := make([]T, 0, len(list))
	for _, item := range list {
		if s.app(of(item)) {
			kept = append(kept, item)
		}
	}
	return kept
}
