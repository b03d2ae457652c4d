package auth

import (
	"slices"
	"strings"

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
	paas.VerbPlatform: paas.Admin, // of the platform: whatever the team
}

// looks are the verbs whose calls may be about several apps or teams at once. Whoever asks May about one of
// those narrows the answer to what the caller may see of each.
var looks = []paas.Verb{paas.VerbRead, paas.VerbLogs, paas.VerbAudit}

// May says with code forbidden that somebody may not do something. Somebody may do it when, in this order,
//
//  1. it is about nobody but the caller (paas.VerbNone): then whoever is known may;
//  2. the verb stands in the table;
//  3. the role that it takes, or a higher one, is the caller's in that team; an admin's is so in every team.
//     A verb that takes an admin asks for one of the platform, whatever the team;
//  4. the token that the call came with, if it did, covers the verb, the team and the app.
//
// A call about every team, "*", is about those the caller may look at: rule 3 is asked of each of them when the
// answer is narrowed, and of no verb that changes something.
func May(who paas.Identity, act paas.Act) error {
	if act.Verb == paas.VerbNone {
		return nil
	}
	need, known := least[act.Verb]
	switch {
	case !known:
		return paas.Errorf(paas.Forbidden, "Nobody may do this.")
	case need == paas.Admin && !who.Admin:
		return paas.Errorf(paas.Forbidden, "%q may not do this: it takes an %s of the platform.", who.User, need)
	case need == paas.Admin || act.Team == every && slices.Contains(looks, act.Verb):
	case rank(who.Role(act.Team)) < rank(need):
		return paas.Errorf(paas.Forbidden, "%q may not do this in team %q: it takes the role %s there.", who.User, act.Team, need)
	}
	return covered(who, act)
}

// every stands for each team that the caller may look at.
const every = "*"

func rank(role paas.Role) int { return slices.Index(paas.Roles(), role) }

// covered says whether the token of a call covers the act. A scope narrows by what it names:
//
//	verbs  the act's verb is one of them
//	teams  the act's team is one of them; what is of no team, such as a node, is not covered
//	apps   the act's app is one of them; what is of no app is not covered either, but for looking at
//	       several: that is narrowed to those apps by whoever asks
//
// What it does not name it does not narrow. All that it names counts.
func covered(who paas.Identity, act paas.Act) error {
	if who.Token == nil || !narrowed(who.Token.Scope) {
		return nil
	}
	scope, name := who.Token.Scope, who.Token.Name
	many := act.Team == every && slices.Contains(looks, act.Verb)
	switch {
	case len(scope.Verbs) > 0 && !slices.Contains(scope.Verbs, act.Verb):
		return paas.Errorf(paas.Forbidden, "The token %q is only for %s, and this takes %s.", name, wordsOf(scope.Verbs), act.Verb)
	case len(scope.Teams) > 0 && !many && !slices.Contains(scope.Teams, act.Team):
		return paas.Errorf(paas.Forbidden, "The token %q is only for team %s.", name, strings.Join(scope.Teams, ", "))
	case len(scope.Apps) > 0 && !appsCover(scope.Apps, act, many):
		return paas.Errorf(paas.Forbidden, "The token %q is only for %s.", name, strings.Join(scope.Apps, ", "))
	}
	return nil
}

func appsCover(apps []string, act paas.Act, many bool) bool {
	switch {
	case act.App != "" && act.Team != every:
		return slices.Contains(apps, act.Team+"/"+act.App)
	case many:
		return true
	}
	return slices.Contains(looks, act.Verb) && slices.ContainsFunc(apps, func(app string) bool { return strings.HasPrefix(app, act.Team+"/") })
}
