package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func person(name string) paas.User {
	return paas.User{Name: name, Kind: paas.Person, FullName: "A " + name, Email: name + "@example.com", Password: "$argon2id$x", CreatedAt: moment, CreatedBy: "root"}
}

func member(team, user string, role paas.Role) paas.Member {
	return paas.Member{Team: team, User: user, Role: role, Source: paas.Given, CreatedAt: moment, CreatedBy: "root"}
}

func personal(id, owner string) paas.Token {
	ends := moment.Add(time.Hour)
	return paas.Token{
		ID: id, Hash: "hash-" + id, Name: "of " + owner, Owner: owner, CreatedAt: moment, CreatedBy: owner, ExpiresAt: &ends,
		Scope: paas.Scope{Teams: []string{"default"}, Apps: []string{"default/shop"}, Verbs: []paas.Verb{paas.VerbRead}},
	}
}

func sessionOf(id, user string) paas.Session {
	return paas.Session{ID: id, Hash: "hash-" + id, User: user, CreatedAt: moment, SeenAt: moment, ExpiresAt: moment.Add(time.Hour), From: "127.0.0.1", Agent: "Firefox"}
}

// people makes a team and two users in it, and a third in none.
func people(f *fixture) {
	f.Helper()
	f.must(f.AddTeam(f.ctx, paas.Team{Name: "red", CreatedAt: moment, CreatedBy: "root"}))
	f.must(f.AddUser(f.ctx, person("ann"), member("red", "", paas.Maintainer), member("default", "", paas.Viewer)))
	f.must(f.AddUser(f.ctx, person("bob"), member("red", "", paas.Developer)))
	f.must(f.AddUser(f.ctx, person("cy")))
}

func teams(_ *testing.T, f *fixture) {
	list, err := f.Teams(f.ctx)
	f.must(err)
	if len(list) != 1 || list[0].Name != paas.DefaultTeam || list[0].CreatedAt.IsZero() {
		f.Fatalf("a new store has the teams %v, want default", list)
	}
	red := paas.Team{Name: "red", Description: "The red ones", Quota: paas.TeamQuota{Memory: 512, Storage: 3}, CreatedAt: moment, CreatedBy: "root"}
	f.must(f.AddTeam(f.ctx, red))
	f.code(f.AddTeam(f.ctx, red), paas.Conflict)
	f.code(f.AddTeam(f.ctx, paas.Team{Name: "blue", CreatedAt: moment}, member("", "nobody", paas.Viewer)), paas.NotFound)
	_, err = f.Team(f.ctx, "blue")
	f.code(err, paas.NotFound)
	got, err := f.ChangeTeam(f.ctx, "red", func(t *paas.Team) error {
		t.Name, t.Quota.Memory = "green", 1024
		return nil
	})
	f.must(err)
	red.Quota.Memory = 1024
	f.equal("changed", got, red)
	_, err = f.ChangeTeam(f.ctx, "red", func(*paas.Team) error { return paas.Errorf(paas.OverQuota, "no") })
	f.code(err, paas.OverQuota)
	_, err = f.ChangeTeam(f.ctx, "blue", func(*paas.Team) error { return nil })
	f.code(err, paas.NotFound)
	f.restart()
	got, err = f.Team(f.ctx, "red")
	f.must(err)
	f.equal("team", got, red)
}

// teamDropped: a team goes when it owns nothing, and takes its bots along, not its people.
func teamDropped(_ *testing.T, f *fixture) {
	people(f)
	f.must(f.AddUser(f.ctx, paas.User{Name: "ci", Kind: paas.Bot, CreatedAt: moment}, member("red", "", paas.Developer)))
	f.must(f.PutToken(f.ctx, personal("t1", "ci")))
	app := paas.AppRef{Team: "red", App: "shop"}
	f.save(newApp(app))
	f.code(f.DropTeam(f.ctx, "red"), paas.Conflict)
	f.must(f.Save(f.ctx, 0, paas.Change{Ref: app, Version: 1, Volumes: []paas.HostVolume{hostVolume(app, 0, "v1")}}))
	snap, err := f.Snapshot(f.ctx, app)
	f.must(err)
	f.must(f.Save(f.ctx, 0, paas.Change{Ref: app, Version: snap.Version, Delete: true}))
	f.code(f.DropTeam(f.ctx, "red"), paas.Conflict)
	f.must(f.DropVolume(f.ctx, hostVolume(app, 0, "v1")))
	f.must(f.DropTeam(f.ctx, "red"))
	f.code(f.DropTeam(f.ctx, "red"), paas.NotFound)
	users, err := f.Users(f.ctx)
	f.must(err)
	f.equal("users", names(users), []string{"ann", "bob", "cy"})
	members, err := f.Members(f.ctx, "", "")
	f.must(err)
	f.equal("members", members, []paas.Member{member("default", "ann", paas.Viewer)})
	_, err = f.TokenAccess(f.ctx, "hash-t1")
	f.code(err, paas.NotFound)
}

func names(users []paas.User) []string {
	list := []string{}
	for _, u := range users {
		list = append(list, u.Name)
	}
	return list
}

func users(_ *testing.T, f *fixture) {
	people(f)
	oidc := paas.User{Name: "dee", Kind: paas.Person, Admin: true, Provider: "corp", Subject: "123", CreatedAt: moment, SeenAt: &moment, LockedUntil: &moment, Failures: 3}
	f.must(f.AddUser(f.ctx, oidc))
	f.code(f.AddUser(f.ctx, person("ann")), paas.Conflict)
	again := oidc
	again.Name = "dee-2"
	f.code(f.AddUser(f.ctx, again), paas.Conflict)
	f.code(f.AddUser(f.ctx, person("eve"), member("nothing", "", paas.Viewer)), paas.NotFound)
	_, err := f.User(f.ctx, "eve")
	f.code(err, paas.NotFound)
	got, err := f.UserBySubject(f.ctx, "corp", "123")
	f.must(err)
	f.equal("by subject", got, oidc)
	for _, who := range [][2]string{{"corp", "124"}, {"other", "123"}, {"", ""}} {
		_, err = f.UserBySubject(f.ctx, who[0], who[1])
		f.code(err, paas.NotFound)
	}
	list, err := f.Users(f.ctx)
	f.must(err)
	f.equal("users", names(list), []string{"ann", "bob", "cy", "dee"})

	version := func() int64 { v, err := f.AccessVersion(f.ctx); f.must(err); return v }
	before := version()
	changed, err := f.ChangeUser(f.ctx, "ann", func(u *paas.User) error {
		u.Name, u.Kind, u.Failures, u.LockedUntil = "other", paas.Bot, 5, &noon
		return nil
	})
	f.must(err)
	want := person("ann")
	want.Failures, want.LockedUntil = 5, &moment
	f.equal("changed", changed, want)
	f.equal("version: who may do what is as before", version(), before)
	_, err = f.ChangeUser(f.ctx, "ann", func(u *paas.User) error { u.Disabled = true; return nil })
	f.must(err)
	if version() <= before {
		f.Error("nobody is told that a user is disabled")
	}
	_, err = f.ChangeUser(f.ctx, "ann", func(u *paas.User) error {
		u.Email = "lost"
		return paas.Errorf(paas.Conflict, "no")
	})
	f.code(err, paas.Conflict)
	_, err = f.ChangeUser(f.ctx, "eve", func(*paas.User) error { return nil })
	f.code(err, paas.NotFound)
	f.restart()
	got, err = f.User(f.ctx, "ann")
	f.must(err)
	want.Disabled = true
	f.equal("user", got, want)
	f.code(f.DropUser(f.ctx, "eve"), paas.NotFound)
}

// usersCross: what several write of one user at once is all there.
func usersCross(_ *testing.T, f *fixture) {
	f.must(f.AddUser(f.ctx, person("ann")))
	const writers, each = 4, 10
	var wait sync.WaitGroup
	for range writers {
		wait.Go(func() {
			for range each {
				if _, err := f.ChangeUser(f.ctx, "ann", func(u *paas.User) error { u.Failures++; return nil }); err != nil {
					f.Errorf("ChangeUser: %v", err)
				}
			}
		})
	}
	wait.Wait()
	got, err := f.User(f.ctx, "ann")
	f.must(err)
	f.equal("failures", got.Failures, writers*each)
}

func members(_ *testing.T, f *fixture) {
	people(f)
	list, err := f.Members(f.ctx, "red", "")
	f.must(err)
	f.equal("of a team", list, []paas.Member{member("red", "ann", paas.Maintainer), member("red", "bob", paas.Developer)})
	f.code(f.PutMember(f.ctx, member("red", "nobody", paas.Viewer)), paas.NotFound)
	f.code(f.PutMember(f.ctx, member("nothing", "ann", paas.Viewer)), paas.NotFound)
	f.code(f.DropMember(f.ctx, "red", "cy"), paas.NotFound)
	f.must(f.PutMember(f.ctx, member("red", "bob", paas.Viewer)))
	f.must(f.DropMember(f.ctx, "red", "ann"))
	list, err = f.Members(f.ctx, "", "bob")
	f.must(err)
	f.equal("of a user", list, []paas.Member{member("red", "bob", paas.Viewer)})

	// Groups of a provider: given ones stay, a team that is not there is passed over.
	group := func(team string, role paas.Role) paas.Member {
		m := member(team, "bob", role)
		m.Source = "corp:staff"
		return m
	}
	put := func(differ bool, want ...paas.Member) {
		f.Helper()
		got, err := f.PutGroups(f.ctx, "bob", "corp", want)
		f.must(err)
		f.equal("differ", got, differ)
	}
	put(true, group("red", paas.Maintainer), group("default", paas.Developer), group("nothing", paas.Viewer))
	list, err = f.Members(f.ctx, "", "bob")
	f.must(err)
	f.equal("with groups", list, []paas.Member{group("default", paas.Developer), member("red", "bob", paas.Viewer)})
	put(false, group("default", paas.Developer))
	put(true, group("default", paas.Viewer))
	put(true)
	put(false)
	list, err = f.Members(f.ctx, "", "bob")
	f.must(err)
	f.equal("without groups", list, []paas.Member{member("red", "bob", paas.Viewer)})
	f.equal("told", f.teamTold(), []string{ // each change once, and nothing of the team that is not there
		"default: group staff of corp made bob a developer",
		"default: group staff of corp made bob a viewer instead of a developer",
		"default: bob is no longer in the team by group staff of corp",
	})
	_, err = f.PutGroups(f.ctx, "nobody", "corp", nil)
	f.code(err, paas.NotFound)
}

func tokens(_ *testing.T, f *fixture) {
	people(f)
	a := paas.Token{ID: "a", Hash: "h1", Name: "dev", CreatedAt: moment}
	b := paas.Token{ID: "b", Hash: "h2", Name: "ci", CreatedAt: moment.Add(time.Second)}
	mine := personal("c", "ann")
	mine.CreatedAt = moment.Add(time.Minute)
	for _, t := range []paas.Token{b, a, mine} {
		f.must(f.PutToken(f.ctx, t))
	}
	f.code(f.PutToken(f.ctx, personal("d", "nobody")), paas.NotFound)
	again := a
	again.ID, again.Name, again.Owner = "z", "laptop", "ann"
	f.must(f.PutToken(f.ctx, again))
	a.Name = "laptop"
	got, err := f.Token(f.ctx, "c")
	f.must(err)
	f.equal("token", got, mine)
	_, err = f.Token(f.ctx, "z")
	f.code(err, paas.NotFound)
	all, err := f.Tokens(f.ctx)
	f.must(err)
	f.equal("tokens", all, []paas.Token{a, b, mine})
	for owner, want := range map[string][]paas.Token{"ann": {mine}, "": {a, b}, "bob": {}} {
		some, err := f.TokensOf(f.ctx, owner)
		f.must(err)
		f.equal("tokens of "+owner, some, want)
	}

	later := moment.Add(time.Minute)
	f.code(f.RevokeToken(f.ctx, "z", later), paas.NotFound)
	f.must(f.RevokeToken(f.ctx, "a", later))
	f.must(f.RevokeToken(f.ctx, "a", later.Add(time.Hour)))
	f.must(f.PutToken(f.ctx, a)) // adopted again
	a.RevokedAt = &later
	got, err = f.Token(f.ctx, "a")
	f.must(err)
	f.equal("revoked", got, a)

	f.must(f.PutUses(f.ctx, paas.Use{Token: "c", At: later, From: "10.0.0.1"}, paas.Use{Token: "gone", At: later}))
	f.must(f.PutUses(f.ctx, paas.Use{Token: "c", At: moment, From: "10.0.0.2"})) // told late by another server
	mine.LastUsedAt, mine.LastUsedBy = &later, "10.0.0.1"
	got, err = f.Token(f.ctx, "c")
	f.must(err)
	f.equal("used", got, mine)

	f.must(f.DropEnded(f.ctx, later, moment)) // revoked at that time, not before
	all, err = f.Tokens(f.ctx)
	f.must(err)
	f.equal("tokens kept", len(all), 3)
	f.must(f.DropEnded(f.ctx, later.Add(2*time.Hour), moment))
	all, err = f.Tokens(f.ctx)
	f.must(err)
	f.equal("tokens left", all, []paas.Token{b})
}

// access is one query for all there is to know about a credential.
func access(_ *testing.T, f *fixture) {
	people(f)
	root, mine := paas.Token{ID: "a", Hash: "h1", Name: "root", CreatedAt: moment}, personal("c", "ann")
	f.must(f.PutToken(f.ctx, root))
	f.must(f.PutToken(f.ctx, mine))
	f.must(f.PutToken(f.ctx, personal("d", "cy")))
	tab := sessionOf("s", "ann")
	f.must(f.AddSession(f.ctx, tab))

	got, err := f.TokenAccess(f.ctx, "h1")
	f.must(err)
	f.equal("an operator's", got, paas.Access{Token: &root, Kind: paas.Operator, Roles: map[string]paas.Role{}})
	of := paas.Access{User: "ann", Kind: paas.Person, Roles: map[string]paas.Role{"red": paas.Maintainer, "default": paas.Viewer}}
	want := of
	want.Token = &mine
	got, err = f.TokenAccess(f.ctx, mine.Hash)
	f.must(err)
	f.equal("ann's token", got, want)
	want = of
	want.Session = &tab
	got, err = f.SessionAccess(f.ctx, tab.Hash)
	f.must(err)
	f.equal("ann's session", got, want)
	got, err = f.TokenAccess(f.ctx, "hash-d")
	f.must(err)
	f.equal("roles of one in no team", got.Roles, map[string]paas.Role{})
	for _, hash := range []string{"", "a", tab.Hash} {
		_, err = f.TokenAccess(f.ctx, hash)
		f.code(err, paas.NotFound)
	}
	_, err = f.SessionAccess(f.ctx, mine.Hash)
	f.code(err, paas.NotFound)

	_, err = f.ChangeUser(f.ctx, "ann", func(u *paas.User) error { u.Admin, u.Disabled = true, true; return nil })
	f.must(err)
	f.must(f.DropMember(f.ctx, "red", "ann"))
	got, err = f.TokenAccess(f.ctx, mine.Hash)
	f.must(err)
	want = paas.Access{Token: &mine, User: "ann", Kind: paas.Person, Admin: true, Disabled: true, Roles: map[string]paas.Role{"default": paas.Viewer}}
	f.equal("ann's token, after", got, want)
	f.must(f.DropUser(f.ctx, "ann"))
	_, err = f.TokenAccess(f.ctx, mine.Hash)
	f.code(err, paas.NotFound)
	_, err = f.SessionAccess(f.ctx, tab.Hash)
	f.code(err, paas.NotFound)
	f.must(f.AddUser(f.ctx, person("ann"))) // another of that name has none of it
	left, err := f.TokensOf(f.ctx, "ann")
	f.must(err)
	f.equal("tokens of the next ann", left, []paas.Token{})
}

func sessions(_ *testing.T, f *fixture) {
	people(f)
	one, two, bobs := sessionOf("s1", "ann"), sessionOf("s2", "ann"), sessionOf("s3", "bob")
	two.CreatedAt = moment.Add(time.Second)
	for _, s := range []paas.Session{one, two, bobs} {
		f.must(f.AddSession(f.ctx, s))
	}
	seen, err := f.User(f.ctx, "ann")
	f.must(err)
	f.equal("ann was seen", seen.SeenAt, &two.CreatedAt)
	f.code(f.AddSession(f.ctx, sessionOf("s4", "nobody")), paas.NotFound)
	_, err = f.ChangeUser(f.ctx, "cy", func(u *paas.User) error { u.Disabled = true; return nil })
	f.must(err)
	f.code(f.AddSession(f.ctx, sessionOf("s4", "cy")), paas.Forbidden)
	list := func(user string, want ...paas.Session) {
		f.Helper()
		got, err := f.Sessions(f.ctx, user)
		f.must(err)
		f.equal("sessions of "+user, got, append([]paas.Session{}, want...))
	}
	list("ann", two, one)
	list("", two, one, bobs)
	got, err := f.Session(f.ctx, "s1")
	f.must(err)
	f.equal("session", got, one)
	f.must(f.PutUses(f.ctx, paas.Use{Session: "s1", At: moment.Add(time.Minute)}))
	f.must(f.PutUses(f.ctx, paas.Use{Session: "s1", At: moment}))
	one.SeenAt = moment.Add(time.Minute)
	list("ann", two, one)
	f.must(f.DropSessions(f.ctx, "ann", "s1"))
	list("", one, bobs)
	f.must(f.DropSession(f.ctx, "s3"))
	f.code(f.DropSession(f.ctx, "s3"), paas.NotFound)
	f.must(f.DropEnded(f.ctx, moment, one.ExpiresAt))
	list("", one)
	f.must(f.DropEnded(f.ctx, moment, one.ExpiresAt.Add(time.Millisecond)))
	list("")
	_, err = f.Session(f.ctx, "s1")
	f.code(err, paas.NotFound)
}

// logins: of many who come back with one state, on several servers, one is let in.
func logins(_ *testing.T, f *fixture) {
	l := paas.Login{
		Hash: "h", Kind: paas.LoginOIDC, Provider: "corp", Verifier: "v", Nonce: "n", Binding: "b", User: "ann", Then: "/apps", ExpiresAt: moment.Add(time.Minute),
	}
	f.must(f.AddLogin(f.ctx, l))
	_, err := f.TakeLogin(f.ctx, paas.LoginCLI, "h", moment)
	f.code(err, paas.NotFound)
	var taken atomic.Int32
	var wait sync.WaitGroup
	for range 8 {
		wait.Go(func() {
			got, err := f.TakeLogin(f.ctx, paas.LoginOIDC, "h", moment)
			if err == nil {
				taken.Add(1)
				f.equal("login", got, l)
			} else if paas.CodeOf(err) != paas.NotFound {
				f.Errorf("TakeLogin: %v", err)
			}
		})
	}
	wait.Wait()
	f.equal("let in", taken.Load(), int32(1))
	f.must(f.AddLogin(f.ctx, l))
	_, err = f.TakeLogin(f.ctx, paas.LoginOIDC, "h", l.ExpiresAt)
	f.code(err, paas.NotFound)
	_, err = f.TakeLogin(f.ctx, paas.LoginOIDC, "h", moment) // it was taken all the same
	f.code(err, paas.NotFound)
	f.must(f.AddLogin(f.ctx, l))
	f.must(f.DropEnded(f.ctx, moment, l.ExpiresAt.Add(time.Second)))
	_, err = f.TakeLogin(f.ctx, paas.LoginOIDC, "h", moment)
	f.code(err, paas.NotFound)
}

// accessTold: whoever may do less is found out at once, and what only takes notes wakes nobody.
func accessTold(_ *testing.T, f *fixture) {
	people(f)
	f.must(f.PutToken(f.ctx, personal("c", "ann")))
	for _, id := range []string{"s1", "s2"} {
		f.must(f.AddSession(f.ctx, sessionOf(id, "ann")))
	}
	version, err := f.AccessVersion(f.ctx)
	f.must(err)
	step := func(what string, matters bool, do func() error) {
		f.Helper()
		f.drain()
		f.must(do())
		now, err := f.AccessVersion(f.ctx)
		f.must(err)
		f.equal(what+": the version grows", now > version, matters)
		f.equal(what+": told", fmt.Sprint(f.drain()), map[bool]string{true: "[/]", false: "[]"}[matters])
		version = now
	}
	step("uses", false, func() error { return f.PutUses(f.ctx, paas.Use{Token: "c", At: moment}) })
	step("a new token", false, func() error { return f.PutToken(f.ctx, personal("d", "ann")) })
	step("a new session", false, func() error { return f.AddSession(f.ctx, sessionOf("s3", "ann")) })
	step("a role", true, func() error { return f.PutMember(f.ctx, member("red", "ann", paas.Viewer)) })
	step("a member less", true, func() error { return f.DropMember(f.ctx, "red", "ann") })
	step("a token revoked", true, func() error { return f.RevokeToken(f.ctx, "c", moment) })
	step("a session ended", true, func() error { return f.DropSession(f.ctx, "s1") })
	step("all sessions ended", true, func() error { return f.DropSessions(f.ctx, "ann", "") })
	step("a user disabled", true, func() error {
		_, err := f.ChangeUser(f.ctx, "ann", func(u *paas.User) error { u.Disabled = true; return nil })
		return err
	})
	step("a user dropped", true, func() error { return f.DropUser(f.ctx, "ann") })
	step("a team dropped", true, func() error { return f.DropTeam(f.ctx, "red") })
}
