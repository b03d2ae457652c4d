package auth

import (
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// least is the permission table: for each verb the role from which on it may be done in a team. docs/roles.md
// has what follows for each route of the API, written by hand, and a test holds one to the other.
var least = map[paas.Verb]paas.Role{
	paas.VerbRead:     paas.Viewer,
	paas.VerbLogs:     paas.Viewer,
	paas.VerbDeploy:   paas.Developer,
	paas.VerbScale:    paas.Developer,
	paas.VerbConfig:   paas.Developer,
	paas.VerbReveal:   paas.Developer,
	paas.VerbExec:     paas.Developer,
	paas.VerbService:  paas.Developer,
	paas.VerbDestroy:  paas.Maintainer,
	paas.VerbManage:   paas.Maintainer,
	paas.VerbAudit:    paas.Maintainer,
	paas.VerbPlatform: paas.Admin,
}

// May says with code forbidden that somebody may not do something. Act.Team "*" is allowed to everybody
// here: who asks narrows the answer to the teams that the caller may see.
func May(who paas.Identity, act paas.Act) error {
	need, known := least[act.Verb]
	switch {
	case act.Verb == paas.VerbNone:
		return nil
	case !known:
		return paas.Errorf(paas.Forbidden, "Nobody may do this.")
	case act.Team == "*" && need != paas.Admin:
	case need == paas.Admin && !who.Admin:
		return paas.Errorf(paas.Forbidden, "Only an admin of the platform may do this, and %q is none.", who.User)
	case rank(who.Role(act.Team)) < rank(need):
		return paas.Errorf(paas.Forbidden, "%q may not do this in team %q: it takes the role %s there.", who.User, act.Team, need)
	}
	return inScope(who, act)
}

func rank(role paas.Role) int { return slices.Index(paas.Roles(), role) }

// inScope says whether the token of a call covers the act.
func inScope(who paas.Identity, act paas.Act) error {
	if who.Token == nil {
		return nil
	}
	scope, app := who.Token.Scope, act.Team+"/"+act.App
	switch {
	case len(scope.Verbs) > 0 && !slices.Contains(scope.Verbs, act.Verb),
		len(scope.Teams) > 0 && act.Team != "*" && !slices.Contains(scope.Teams, act.Team),
		len(scope.Apps) > 0 && (act.App == "" && act.Verb != paas.VerbRead || act.App != "" && !slices.Contains(scope.Apps, app)):
		return paas.Errorf(paas.Forbidden, "The token %q does not cover this: it is narrowed to some teams, apps or verbs.", who.Token.Name)
	}
	return nil
}
