package auth_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/auth"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// matrix is who may do what in a team, by hand: stranger, viewer, developer, maintainer, admin.
const matrix = `
read     - y y y y
logs     - y y y y
deploy   - - y y y
scale    - - y y y
config   - - y y y
reveal   - - y y y
exec     - - y y y
service  - - y y y
destroy  - - - y y
manage   - - - y y
audit    - - - y y
platform - - - - y
none     y y y y y
unheard  - - - - -
`

func as(role paas.Role) paas.Identity {
	who := paas.Identity{User: "ann", Kind: paas.Person, Admin: role == paas.Admin, Roles: map[string]paas.Role{"other": paas.Maintainer}}
	if role != "" && role != paas.Admin {
		who.Roles["red"] = role
	}
	return who
}

func TestEachRoleMayWhatTheTableSays(t *testing.T) {
	t.Parallel()
	roles := append([]paas.Role{""}, paas.Roles()...)
	seen := map[paas.Verb]bool{}
	for line := range strings.Lines(strings.TrimSpace(matrix)) {
		cells := strings.Fields(line)
		verb := paas.Verb(cells[0])
		seen[verb] = true
		for i, role := range roles {
			for _, act := range []paas.Act{{Verb: verb, Team: "red"}, {Verb: verb, Team: "red", App: "shop"}} {
				err := auth.May(as(role), act)
				if allowed := err == nil; allowed != (cells[i+1] == "y") {
					t.Errorf("%q, %+v: %v", role, act, err)
				}
				if err != nil && paas.CodeOf(err) != paas.Forbidden {
					t.Errorf("%q, %+v: code %s", role, act, paas.CodeOf(err))
				}
			}
		}
	}
	for _, verb := range paas.Verbs() {
		if !seen[verb] {
			t.Errorf("the table of this test lacks %s", verb)
		}
	}
}

func TestARefusalNamesWhoWhereAndTheRole(t *testing.T) {
	t.Parallel()
	err := auth.May(as(paas.Viewer), paas.Act{Verb: paas.VerbDestroy, Team: "red"})
	for _, word := range []string{"ann", "red", "maintainer"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("no %q in %q", word, err)
		}
	}
}

func TestACallAboutEveryTeamIsForLookingOnly(t *testing.T) {
	t.Parallel()
	looks := map[paas.Verb]bool{paas.VerbRead: true, paas.VerbLogs: true, paas.VerbAudit: true, paas.VerbNone: true}
	for _, verb := range append(paas.Verbs(), paas.VerbNone) {
		if err := auth.May(as(paas.Viewer), paas.Act{Verb: verb, Team: "*"}); (err == nil) != looks[verb] {
			t.Errorf("a viewer, %s in every team: %v", verb, err)
		}
		if err := auth.May(as(paas.Admin), paas.Act{Verb: verb, Team: "*"}); err != nil {
			t.Errorf("an admin, %s in every team: %v", verb, err)
		}
	}
	for name, who := range map[string]paas.Identity{
		"a role that is none":        {Roles: map[string]paas.Role{"red": "owner"}},
		"a role of the empty team":   {Roles: map[string]paas.Role{"": paas.Maintainer}},
		"a role of a team called *":  {Roles: map[string]paas.Role{"*": paas.Maintainer}},
		"admin as the role of a row": {Roles: map[string]paas.Role{"blue": paas.Admin}},
	} {
		if auth.May(who, paas.Act{Verb: paas.VerbRead, Team: "red"}) == nil || auth.May(who, paas.Act{Verb: paas.VerbPlatform, Team: "blue"}) == nil {
			t.Errorf("%s counts", name)
		}
	}
}

func TestATokenCoversWhatItsScopeNames(t *testing.T) {
	t.Parallel()
	act := func(verb paas.Verb, team, app string) paas.Act { return paas.Act{Verb: verb, Team: team, App: app} }
	acts := map[string]paas.Act{
		"read red/shop":       act(paas.VerbRead, "red", "shop"),
		"read red/mail":       act(paas.VerbRead, "red", "mail"),
		"read red":            act(paas.VerbRead, "red", ""),
		"read *":              act(paas.VerbRead, "*", ""),
		"read blue":           act(paas.VerbRead, "blue", ""),
		"read blue/shop":      act(paas.VerbRead, "blue", "shop"),
		"deploy red/shop":     act(paas.VerbDeploy, "red", "shop"),
		"deploy red/mail":     act(paas.VerbDeploy, "red", "mail"),
		"service red":         act(paas.VerbService, "red", ""),
		"manage red":          act(paas.VerbManage, "red", ""),
		"audit *":             act(paas.VerbAudit, "*", ""),
		"platform":            act(paas.VerbPlatform, "", ""),
		"platform, named red": act(paas.VerbPlatform, "red", ""),
		"none":                act(paas.VerbNone, "red", ""),
	}
	for name, test := range map[string]struct {
		scope   paas.Scope
		refused []string
	}{
		"nothing": {},
		"a team": {
			paas.Scope{Teams: []string{"red"}},
			[]string{"platform", "read blue", "read blue/shop"},
		},
		"an app": {
			paas.Scope{Apps: []string{"red/shop"}},
			[]string{"deploy red/mail", "manage red", "platform", "platform, named red", "read blue", "read blue/shop", "read red/mail", "service red"},
		},
		"an app whose name begins as another's team": {
			paas.Scope{Apps: []string{"re/shop"}},
			[]string{
				"deploy red/mail", "deploy red/shop", "manage red", "platform", "platform, named red", "read blue", "read blue/shop", "read red", "read red/mail",
				"read red/shop", "service red",
			},
		},
		"verbs": {
			paas.Scope{Verbs: []paas.Verb{paas.VerbRead, paas.VerbPlatform}},
			[]string{"audit *", "deploy red/mail", "deploy red/shop", "manage red", "service red"},
		},
		"all three": {
			paas.Scope{Teams: []string{"red"}, Apps: []string{"red/shop"}, Verbs: []paas.Verb{paas.VerbDeploy}},
			[]string{
				"audit *", "deploy red/mail", "manage red", "platform", "platform, named red", "read *", "read blue", "read blue/shop", "read red", "read red/mail",
				"read red/shop", "service red",
			},
		},
	} {
		who := paas.Identity{User: "root", Kind: paas.Person, Admin: true, Token: &paas.Token{Name: "ci", Scope: test.scope}}
		var refused []string
		for what, act := range acts {
			if err := auth.May(who, act); err != nil {
				refused = append(refused, what)
				if paas.CodeOf(err) != paas.Forbidden || !strings.Contains(err.Error(), `"ci"`) {
					t.Errorf("%s, %s: %v", name, what, err)
				}
			}
		}
		if diff := cmp.Diff(test.refused, sorted(refused)); diff != "" {
			t.Errorf("scope %s: refused (-want +got):\n%s", name, diff)
		}
	}
}

// TestAScopeAddsNothing: whatever a token names, its owner's role decides first.
func TestAScopeAddsNothing(t *testing.T) {
	t.Parallel()
	for _, role := range append([]paas.Role{""}, paas.Roles()...) {
		plain, scoped := as(role), as(role)
		scoped.Token = &paas.Token{Name: "ci", Scope: paas.Scope{Teams: []string{"red"}, Apps: []string{"red/shop"}, Verbs: paas.Verbs()}}
		for _, verb := range paas.Verbs() {
			act := paas.Act{Verb: verb, Team: "red", App: "shop"}
			if auth.May(plain, act) != nil && auth.May(scoped, act) == nil {
				t.Errorf("%q may %s with a token, and not without", role, verb)
			}
		}
	}
}
