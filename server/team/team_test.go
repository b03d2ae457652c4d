package team_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
	"github.com/crumpet-paas/crumpet/server/store/storetest"
	"github.com/crumpet-paas/crumpet/server/team"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// namespaces are Nomad's, which may be away.
type namespaces struct {
	made    []string
	away    bool
	refuses bool
}

func (n *namespaces) EnsureNamespace(_ context.Context, team string) error {
	if n.away {
		return errors.New("connection refused")
	}
	if n.refuses {
		return paas.Errorf(paas.Forbidden, "Only a management token may make the namespace %q.", team)
	}
	n.made = append(n.made, team)
	return nil
}

// world is a store with the team red, its maintainer ann and developer bob, and cy in no team.
type world struct {
	*testing.T
	*team.Teams
	store *store.Store
	nomad *namespaces
}

var (
	root = paas.Identity{User: "root", Kind: paas.Operator, Admin: true}
	ann  = paas.Identity{User: "ann", Roles: map[string]paas.Role{"red": paas.Maintainer}}
)

func newWorld(t *testing.T) world {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{Path: storetest.Path(t)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	w := world{T: t, store: s, nomad: &namespaces{}}
	w.Teams = team.New(team.Config{Store: s, Namespaces: w.nomad, Now: func() time.Time { return now }})
	for _, name := range []string{"red", "blue"} {
		if _, err := w.Create(t.Context(), paas.Team{Name: name}, "root"); err != nil {
			t.Fatal(err)
		}
	}
	for name, role := range map[string]paas.Role{"ann": paas.Maintainer, "bob": paas.Developer, "cy": ""} {
		var in []paas.Member
		if role != "" {
			in = append(in, paas.Member{Team: "red", Role: role, Source: paas.Given, CreatedAt: now})
		}
		if err := s.AddUser(t.Context(), paas.User{Name: name, Kind: paas.Person, CreatedAt: now}, in...); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func (w world) code(err error, want paas.Code, words ...string) {
	w.Helper()
	if got := paas.CodeOf(err); got != want {
		w.Errorf("code %q, want %q: %v", got, want, err)
	}
	for _, word := range words {
		if err == nil || !strings.Contains(paas.MessageOf(err), word) {
			w.Errorf("%v does not say %q", err, word)
		}
	}
}

func (w world) roles(team string) map[string]paas.Role {
	w.Helper()
	list, err := w.Members(w.Context(), team)
	if err != nil {
		w.Fatal(err)
	}
	roles := map[string]paas.Role{}
	for _, m := range list {
		roles[m.User] = m.Role
	}
	return roles
}

func TestATeamWhoseNamespaceMayNotBeMadeIsNone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.nomad.refuses = true
	_, err := w.Create(t.Context(), paas.Team{Name: "green"}, "root")
	w.code(err, paas.Forbidden, "management token", `"green"`)
	_, _, err = w.Show(t.Context(), "green")
	w.code(err, paas.NotFound)
}

func TestATeamIsMadeEvenWhileNomadIsAway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if diff := cmp.Diff([]string{"red", "blue"}, w.nomad.made); diff != "" {
		t.Errorf("namespaces (-want +got):\n%s", diff)
	}
	w.nomad.away = true
	made, err := w.Create(t.Context(), paas.Team{Name: "green", Description: "x", Quota: paas.TeamQuota{Apps: 2}}, "root")
	w.code(err, "")
	got, standing, err := w.Show(t.Context(), "green")
	w.code(err, "")
	if diff := cmp.Diff(made, got); diff != "" || standing.Quota.Apps != 2 {
		t.Errorf("made and kept differ, or the quota is %+v:\n%s", standing.Quota, diff)
	}
	_, err = w.Create(t.Context(), paas.Team{Name: "green"}, "root")
	w.code(err, paas.Conflict)
	for _, name := range []string{"", "Green", "a--b", "-a", "a.b", "../a", strings.Repeat("a", paas.MaxTeam+1)} {
		_, err = w.Create(t.Context(), paas.Team{Name: name}, "root")
		w.code(err, paas.Invalid)
	}
	list, err := w.List(t.Context(), []string{"green", "nobody"})
	w.code(err, "")
	if len(list) != 1 || list[0].Name != "green" {
		t.Errorf("listed %+v", list)
	}
}

func TestAQuotaChangesBoundByBound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := "The red ones"
	before, after, err := w.Change(t.Context(), "red", paas.TeamChange{Description: &text, Quota: paas.QuotaChange{Memory: new(512), Apps: new(3)}})
	w.code(err, "")
	if before.Quota != (paas.TeamQuota{}) || after.Quota != (paas.TeamQuota{Memory: 512, Apps: 3}) || after.Description != text {
		t.Errorf("from %+v to %+v", before, after)
	}
	_, after, err = w.Change(t.Context(), "red", paas.TeamChange{Quota: paas.QuotaChange{Memory: new(0)}})
	w.code(err, "")
	if after.Quota != (paas.TeamQuota{Apps: 3}) || after.Description != text {
		t.Errorf("to %+v", after)
	}
	_, _, err = w.Change(t.Context(), "red", paas.TeamChange{Quota: paas.QuotaChange{CPU: new(-1)}})
	w.code(err, paas.Invalid, "cpu=-1")
	_, _, err = w.Change(t.Context(), "nobody", paas.TeamChange{})
	w.code(err, paas.NotFound, "crumpet teams create nobody")
}

func TestNobodyGivesMoreThanTheyHave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	bob := paas.Identity{User: "bob", Roles: map[string]paas.Role{"red": paas.Developer}}
	for _, c := range []struct {
		who  paas.Identity
		team string
		role paas.Role
		want paas.Code
	}{
		{ann, "red", paas.Viewer, ""},
		{ann, "red", paas.Maintainer, ""},
		{ann, "red", paas.Admin, paas.Invalid},
		{root, "red", paas.Admin, paas.Invalid},
		{root, "red", "owner", paas.Invalid},
		{root, "red", "", paas.Invalid},
		{bob, "red", paas.Developer, ""},
		{bob, "red", paas.Maintainer, paas.Forbidden},
		{ann, "blue", paas.Viewer, paas.Forbidden}, // she is nothing there
		{root, "blue", paas.Maintainer, ""},
	} {
		_, after, err := w.SetMember(t.Context(), c.who, c.team, "cy", c.role)
		w.code(err, c.want)
		if err == nil && w.roles(c.team)["cy"] != c.role || err == nil && after.Role != c.role {
			t.Errorf("%s gave %s in %s: it is %v", c.who.User, c.role, c.team, w.roles(c.team))
		}
		_, err = w.CreateBot(t.Context(), c.who, c.team, paas.User{Name: "bot-" + c.who.User + "-" + c.team + "-" + string(c.role)}, c.role)
		if c.role == "" || c.role == "owner" || c.role == paas.Admin {
			w.code(err, paas.Invalid)
		} else {
			w.code(err, c.want)
		}
	}
	_, _, err := w.SetMember(t.Context(), root, "red", "nobody", paas.Viewer)
	w.code(err, paas.NotFound, "nobody")
}

func TestTheLastMaintainerMayLeave(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	was, err := w.RemoveMember(t.Context(), "red", "ann")
	w.code(err, "")
	if was.Role != paas.Maintainer {
		t.Errorf("she was %+v", was)
	}
	if diff := cmp.Diff(map[string]paas.Role{"bob": paas.Developer}, w.roles("red")); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	_, err = w.RemoveMember(t.Context(), "red", "ann")
	w.code(err, paas.NotFound)
}

func TestAMemberByAGroupIsTheGroups(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.store.PutGroups(t.Context(), "cy", "corp", []paas.Member{{Team: "red", Role: paas.Viewer, Source: "corp:devs", CreatedAt: now}}); err != nil {
		t.Fatal(err)
	}
	_, err := w.RemoveMember(t.Context(), "red", "cy")
	w.code(err, paas.Conflict, "devs", "corp")
	before, after, err := w.SetMember(t.Context(), ann, "red", "cy", paas.Developer) // what a person gave wins
	w.code(err, "")
	if before.Source != "corp:devs" || after.Source != paas.Given {
		t.Errorf("from %+v to %+v", before, after)
	}
	_, err = w.RemoveMember(t.Context(), "red", "cy")
	w.code(err, "")
}

func TestABotStaysInItsTeam(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	made, err := w.CreateBot(t.Context(), ann, "red", paas.User{Name: "ci", FullName: "Builds", Admin: true, Password: "x", Kind: paas.Person}, paas.Developer)
	w.code(err, "")
	user, err := w.store.User(t.Context(), "ci")
	w.code(err, "")
	if user.Kind != paas.Bot || user.Admin || user.Password != "" || made.Role != paas.Developer {
		t.Errorf("the bot is %+v", user)
	}
	_, err = w.CreateBot(t.Context(), root, "blue", paas.User{Name: "ci"}, paas.Viewer)
	w.code(err, paas.Conflict)
	_, err = w.CreateBot(t.Context(), root, "blue", paas.User{Name: "ann"}, paas.Viewer)
	w.code(err, paas.Conflict)
	_, err = w.CreateBot(t.Context(), root, "blue", paas.User{Name: "No Name"}, paas.Viewer)
	w.code(err, paas.Invalid)
	_, _, err = w.SetMember(t.Context(), root, "blue", "ci", paas.Viewer)
	w.code(err, paas.Conflict, "one team only")
	_, _, err = w.SetMember(t.Context(), ann, "red", "ci", paas.Viewer)
	w.code(err, "")
	_, err = w.RemoveMember(t.Context(), "red", "ci")
	w.code(err, paas.Conflict, "crumpet bots delete ci --team red")
	bots, err := w.Bots(t.Context(), "red")
	w.code(err, "")
	if len(bots) != 1 || bots[0].User != "ci" || bots[0].Role != paas.Viewer {
		t.Errorf("bots %+v", bots)
	}
	_, err = w.DeleteBot(t.Context(), "blue", "ci")
	w.code(err, paas.NotFound)
	_, err = w.DeleteBot(t.Context(), "red", "bob") // no bot
	w.code(err, paas.NotFound)
	_, err = w.DeleteBot(t.Context(), "red", "ci")
	w.code(err, "")
	_, err = w.store.User(t.Context(), "ci")
	w.code(err, paas.NotFound)
}

func TestATeamGoesWhenItOwnsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ref := paas.AppRef{Team: "red", App: "shop"}
	change := paas.Change{
		Ref: ref, By: "ann", App: &paas.App{Team: ref.Team, Name: ref.App, CreatedAt: now}, SetClaims: true,
		Claims:  []paas.Route{{Host: "shop.example.com", Path: "/"}},
		Volumes: []paas.HostVolume{{Team: ref.Team, App: ref.App, Process: "db", Volume: "data", ID: "v1", CreatedAt: now}},
	}
	if err := w.store.Save(t.Context(), 0, change); err != nil {
		t.Fatal(err)
	}
	err := w.Delete(t.Context(), "red")
	w.code(err, paas.Conflict)
	var refused *paas.Error
	if !errors.As(err, &refused) {
		t.Fatal(err)
	}
	var against []string
	for _, f := range refused.Faults {
		against = append(against, f.Location)
	}
	if diff := cmp.Diff([]string{"app.shop", "volume.shop--db--data[0]", "host.shop.example.com"}, against); diff != "" {
		t.Errorf("against it (-want +got):\n%s", diff)
	}
	snap, err := w.store.Snapshot(t.Context(), ref)
	w.code(err, "")
	w.code(w.store.Save(t.Context(), 0, paas.Change{Ref: ref, Version: snap.Version, Delete: true}), "")
	w.code(w.store.DropVolume(t.Context(), change.Volumes[0]), "")
	w.code(w.Delete(t.Context(), "red"), paas.Conflict, "shop.example.com")
	w.code(w.ReleaseHost(t.Context(), "red", "shop.example.com"), "")
	w.code(w.Delete(t.Context(), "red"), "")
	w.code(w.Delete(t.Context(), "red"), paas.NotFound)
	w.code(w.Delete(t.Context(), paas.DefaultTeam), paas.Conflict, "names none")
}

func TestASharedHostShowsNothingOfOthers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ref := paas.AppRef{Team: "red", App: "shop"}
	err := w.store.Save(t.Context(), 0, paas.Change{
		Ref: ref, By: "ann", App: &paas.App{Team: ref.Team, Name: ref.App, CreatedAt: now}, SetClaims: true,
		Claims: []paas.Route{{Host: "a.example.com", Path: "/"}, {Host: "b.example.com", Path: "/"}},
	})
	w.code(err, "")
	_, err = w.ShareHost(t.Context(), "red", "a.example.com", "red", true)
	w.code(err, paas.Invalid)
	_, err = w.ShareHost(t.Context(), "blue", "a.example.com", "default", true)
	w.code(err, paas.NotFound)
	for _, with := range []string{"blue", "default"} {
		_, err = w.ShareHost(t.Context(), "red", "a.example.com", with, true)
		w.code(err, "")
	}
	list, err := w.Hosts(t.Context(), []string{"blue"})
	w.code(err, "")
	if len(list) != 1 || list[0].Host != "a.example.com" || list[0].CreatedBy != "" || len(list[0].Shared) != 1 || list[0].Shared[0] != "blue" {
		t.Errorf("blue sees %+v", list)
	}
	list, err = w.Hosts(t.Context(), []string{"red"})
	w.code(err, "")
	if len(list) != 2 || len(list[0].Shared) != 2 {
		t.Errorf("red sees %+v", list)
	}
	list, err = w.Hosts(t.Context(), nil)
	w.code(err, "")
	if len(list) != 2 {
		t.Errorf("an admin sees %+v", list)
	}
}
