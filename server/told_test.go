package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/team"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// telling takes events from the store as well.
type telling struct{ known }

func (s telling) Events(ctx context.Context, f paas.EventFilter) ([]paas.Event, error) {
	return s.store.Events(ctx, f)
}

func (s telling) LastEvent(ctx context.Context) (int64, error) { return s.store.LastEvent(ctx) }

// anywhere makes no namespaces.
type anywhere struct{}

func (anywhere) EnsureNamespace(context.Context, string) error { return nil }

// lineOf is an event as the test writes it; a team is - for none.
func lineOf(e paas.Event) string {
	if e.Team == "" {
		e.Team = "-"
	}
	return fmt.Sprintf("%s %s by %q: %s", e.Kind, e.Team, e.By, e.Message)
}

// history reads what has happened as a caller sees it in all teams, and what is of none.
func (g *gated) history(t *testing.T, token string, after int64) []string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("%s/v1/history?team=*&platform=true&after=%d", g.url, after), nil)
	g.must(t, err)
	r.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(r)
	g.must(t, err)
	defer answer.Body.Close() //nolint:errcheck // read whole
	text, err := io.ReadAll(answer.Body)
	g.must(t, err)
	var page wire.Events
	if err := json.Unmarshal(text, &page); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %v\n%s", answer.Status, err, text)
	}
	lines := []string{}
	for _, e := range page.Items {
		lines = append(lines, lineOf(e))
	}
	return lines
}

func TestEachChangeOfTeamsAndUsersIsToldOnceToWhomItConcerns(t *testing.T) {
	t.Parallel()
	g := startGated(t, func(c *api.Config) {
		kept := c.Store.(known)
		c.Store, c.Tell = telling{kept}, kept.store.Emit
		c.Teams = team.New(team.Config{Store: kept.store, Namespaces: anywhere{}, Now: time.Now, Log: c.Log})
	})
	anna := g.user(t, "anna", paas.Person, paas.Admin, "", paas.Scope{})
	mara := g.user(t, "mara", paas.Person, paas.Maintainer, "crew", paas.Scope{})
	otto := g.user(t, "otto", paas.Person, paas.Maintainer, "rivals", paas.Scope{})
	g.user(t, "dora", paas.Person, paas.Developer, "crew", paas.Scope{})
	until := time.Now().Add(time.Hour)
	const secret = "correct horse battery"
	host := func() error {
		return g.store.Save(t.Context(), 0, paas.Change{
			Ref: paas.AppRef{Team: "crew", App: "shop"}, By: "mara", App: &paas.App{Team: "crew", Name: "shop", CreatedAt: time.Now()},
			SetClaims: true, Claims: []paas.Route{{Host: "a.example.com", Path: "/"}, {Host: "a.example.com", Path: "/x/"}},
		})
	}
	free := func() error {
		snap, err := g.store.Snapshot(t.Context(), paas.AppRef{Team: "crew", App: "shop"})
		if err != nil {
			return err
		}
		return g.store.Save(t.Context(), 0, paas.Change{Ref: snap.App.Ref(), Version: snap.Version, Delete: true})
	}
	groups := func(role paas.Role, teams ...string) func() error {
		return func() error {
			var want []paas.Member
			for _, name := range teams {
				want = append(want, paas.Member{Team: name, Role: role, Source: "corp:devs", CreatedAt: time.Now()})
			}
			_, err := g.store.PutGroups(t.Context(), "nora", "corp", want)
			return err
		}
	}
	lock := func() error {
		_, err := g.store.ChangeUser(t.Context(), "nora", func(u *paas.User) error { u.LockedUntil = &until; return nil })
		return err
	}
	for _, c := range []struct {
		token, call, body string
		write             func() error // in place of a call
		want              []string
	}{
		{anna, "POST /v1/users", `{"name":"nora","password":"` + secret + `"}`, nil, []string{`user.changed - by "anna": anna made user nora`}},
		{anna, "POST /v1/users", `{"name":"nora"}`, nil, nil}, // refused
		{anna, "POST /v1/users", `{"name":"olga","admin":true}`, nil, []string{`user.changed - by "anna": anna made admin olga`}},
		{anna, "DELETE /v1/users/olga", "", nil, []string{`user.changed - by "anna": anna removed olga`}},
		{anna, "POST /v1/teams", `{"name":"green","quota":{"apps":2}}`, nil, []string{`team.changed green by "anna": anna made team green`}},
		{anna, "PATCH /v1/teams/green", `{"description":"x","quota":{"memory":512,"apps":0}}`, nil, []string{
			`team.changed green by "anna": anna described the team anew and changed the quota: memory 512 MB, apps without bound`,
		}},
		{anna, "PATCH /v1/teams/green", `{"description":"x","quota":{"memory":512}}`, nil, nil}, // as it was
		{anna, "DELETE /v1/teams/green", "", nil, []string{`team.changed green by "anna": anna deleted team green`}},
		{mara, "PUT /v1/teams/crew/members/nora", `{"role":"viewer"}`, nil, []string{`team.changed crew by "mara": mara made nora a viewer`}},
		{mara, "PUT /v1/teams/crew/members/nora", `{"role":"developer"}`, nil, []string{`team.changed crew by "mara": mara made nora a developer instead of a viewer`}},
		{mara, "PUT /v1/teams/crew/members/nora", `{"role":"developer"}`, nil, nil}, // as it was
		{mara, "PUT /v1/teams/rivals/members/nora", `{"role":"viewer"}`, nil, nil},  // refused
		{anna, "PATCH /v1/users/nora", `{"disabled":true}`, nil, []string{
			`user.changed - by "anna": anna disabled nora`, `team.changed crew by "anna": anna disabled nora`,
		}},
		{anna, "PATCH /v1/users/nora", `{"disabled":false,"admin":true}`, nil, []string{
			`user.changed - by "anna": anna enabled nora, made nora an admin`, `team.changed crew by "anna": anna enabled nora, made nora an admin`,
		}},
		{mara, "DELETE /v1/teams/crew/members/nora", "", nil, []string{`team.changed crew by "mara": mara took nora out of the team`}},
		{"", "", "", lock, nil},
		{anna, "PATCH /v1/users/nora", `{"unlock":true,"admin":false}`, nil, []string{
			`user.changed - by "anna": anna took the rights of an admin from nora, unlocked nora`,
		}},
		{anna, "PATCH /v1/users/nora", `{"password":"another ` + secret + `"}`, nil, []string{`user.changed - by "anna": anna set a new password of nora`}},
		{mara, "POST /v1/teams/crew/bots", `{"name":"ci","role":"developer"}`, nil, []string{`team.changed crew by "mara": mara made bot ci, a developer`}},
		{mara, "DELETE /v1/teams/crew/bots/ci", "", nil, []string{`team.changed crew by "mara": mara deleted bot ci`}},
		{"", "", "", host, []string{`team.changed crew by "mara": mara claimed host a.example.com for app shop`}},
		{mara, "PUT /v1/hosts/a.example.com?team=crew", `{"with":"rivals","shared":true}`, nil, []string{
			`team.changed crew by "mara": mara shared host a.example.com with team rivals`, `team.changed rivals by "": team crew shared host a.example.com with this team`,
		}},
		{mara, "PUT /v1/hosts/a.example.com?team=crew", `{"with":"rivals","shared":false}`, nil, []string{
			`team.changed crew by "mara": mara no longer shares host a.example.com with team rivals`, `team.changed rivals by "": team crew no longer shares host a.example.com with this team`,
		}},
		{mara, "PUT /v1/hosts/a.example.com?team=crew", `{"with":"rivals","shared":true}`, nil, []string{
			`team.changed crew by "mara": mara shared host a.example.com with team rivals`, `team.changed rivals by "": team crew shared host a.example.com with this team`,
		}},
		{mara, "DELETE /v1/hosts/a.example.com?team=crew", "", nil, nil}, // refused: a route is there
		{"", "", "", free, nil},
		{mara, "DELETE /v1/hosts/a.example.com?team=crew", "", nil, []string{
			`team.changed crew by "mara": mara gave up host a.example.com`, `team.changed rivals by "": team crew gave up host a.example.com, which it shared`,
		}},
		{"", "", "", groups(paas.Viewer, "crew", "rivals"), []string{
			`team.changed crew by "corp": group devs of corp made nora a viewer`, `team.changed rivals by "corp": group devs of corp made nora a viewer`,
		}},
		{"", "", "", groups(paas.Viewer, "crew", "rivals"), nil}, // as it was
		{"", "", "", groups(paas.Developer, "crew"), []string{
			`team.changed rivals by "corp": nora is no longer in the team by group devs of corp`,
			`team.changed crew by "corp": group devs of corp made nora a developer instead of a viewer`,
		}},
		{anna, "DELETE /v1/users/nora", "", nil, []string{`user.changed - by "anna": anna removed nora`, `team.changed crew by "anna": anna removed nora`}},
	} {
		after, err := g.store.LastEvent(t.Context())
		g.must(t, err)
		if c.write != nil {
			g.must(t, c.write())
		} else {
			method, path, _ := strings.Cut(c.call, " ")
			if status := g.status(t, method, g.url+path, c.token, c.body); status >= 400 && len(c.want) > 0 {
				t.Errorf("%s %s: %d", c.call, c.body, status)
			}
		}
		if diff := cmp.Diff(append([]string{}, c.want...), g.history(t, anna, after)); diff != "" {
			t.Errorf("%s %s: told (-want +got):\n%s", c.call, c.body, diff)
		}
		for _, reader := range []struct{ token, team string }{{mara, "crew"}, {otto, "rivals"}} {
			own := slices.DeleteFunc(append([]string{}, c.want...), func(line string) bool { return strings.Fields(line)[1] != reader.team })
			if diff := cmp.Diff(own, g.history(t, reader.token, after)); diff != "" {
				t.Errorf("%s %s: a member of %s sees (-want +got):\n%s", c.call, c.body, reader.team, diff)
			}
		}
	}
	for _, line := range g.history(t, anna, 0) {
		if strings.Contains(line, secret) {
			t.Errorf("it holds a password: %s", line)
		}
	}
	if status := g.status(t, "GET", g.url+"/v1/history?team=crew", otto, ""); status != http.StatusForbidden {
		t.Errorf("another team's history: %d", status)
	}
}
