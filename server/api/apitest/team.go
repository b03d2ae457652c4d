package apitest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Teams implements api.Teams, in memory: default is there, wants something and has the host kept.example.com, and
// the persons ann and bob, who are in no team.
type Teams struct {
	mu      sync.Mutex // guards all below
	teams   []paas.Team
	members []paas.Membership
	people  []paas.User
	hosts   []paas.Host
	demand  map[string]paas.Demand
}

// NewTeams makes the teams of a new platform.
func NewTeams() *Teams {
	return &Teams{
		teams:  []paas.Team{{Name: paas.DefaultTeam}},
		people: []paas.User{{Name: "ann", FullName: "Ann Example", Kind: paas.Person}, {Name: "bob", Kind: paas.Person}},
		hosts:  []paas.Host{{Host: "kept.example.com", Team: paas.DefaultTeam}},
		demand: map[string]paas.Demand{paas.DefaultTeam: {Memory: 512, CPU: 400, Apps: 1, Instances: 4, Routes: 1}},
	}
}

func (t *Teams) locked(fn func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fn()
}

// find gives where a team is.
func (t *Teams) find(name string) (int, error) {
	i := slices.IndexFunc(t.teams, func(one paas.Team) bool { return one.Name == name })
	if i < 0 {
		return i, paas.Errorf(paas.NotFound, "There is no team %q. An admin makes it with `crumpet teams create %s`.", name, name)
	}
	return i, nil
}

// List gives those that are named, nil for all.
func (t *Teams) List(_ context.Context, names []string) (list []paas.Team, err error) {
	t.locked(func() {
		for _, one := range t.teams {
			if names == nil || slices.Contains(names, one.Name) {
				list = append(list, one)
			}
		}
	})
	return list, nil
}

// Show gives a team with what it wants.
func (t *Teams) Show(_ context.Context, name string) (one paas.Team, st paas.Standing, err error) {
	t.locked(func() {
		var i int
		if i, err = t.find(name); err == nil {
			one, st = t.teams[i], paas.Standing{Quota: t.teams[i].Quota, Demand: t.demand[name]}
		}
	})
	return one, st, err
}

// Create makes a team.
func (t *Teams) Create(_ context.Context, one paas.Team, by string) (paas.Team, error) {
	if problem := paas.CheckName("team", one.Name, paas.MaxTeam); problem != "" {
		return one, &paas.Error{Code: paas.Invalid, Message: problem, Faults: []paas.Fault{{Location: "body.name", Message: problem}}}
	}
	var err error
	t.locked(func() {
		if _, missing := t.find(one.Name); missing == nil {
			err = paas.Errorf(paas.Conflict, "There is a team %q already. Choose another name.", one.Name)
			return
		}
		one.CreatedBy, one.CreatedAt = by, time.Now()
		t.teams = append(t.teams, one)
		slices.SortFunc(t.teams, func(a, b paas.Team) int { return strings.Compare(a.Name, b.Name) })
	})
	return one, err
}

// Change changes a team.
func (t *Teams) Change(_ context.Context, name string, c paas.TeamChange) (before, after paas.Team, err error) {
	t.locked(func() {
		var i int
		if i, err = t.find(name); err != nil {
			return
		}
		before = t.teams[i]
		if c.Description != nil {
			t.teams[i].Description = *c.Description
		}
		t.teams[i].Quota = c.Quota.Of(t.teams[i].Quota)
		after = t.teams[i]
	})
	return before, after, err
}

// Delete takes a team away that has no host.
func (t *Teams) Delete(_ context.Context, name string) (err error) {
	t.locked(func() {
		var i int
		if i, err = t.find(name); err != nil {
			return
		}
		for _, h := range t.hosts {
			if h.Team == name {
				message := "host " + h.Host + " is kept."
				err = &paas.Error{
					Code: paas.Conflict, Message: "Team \"" + name + "\" can't be deleted while it owns something: " + message,
					Faults: []paas.Fault{{Location: "host." + h.Host, Message: message}},
				}
				return
			}
		}
		t.teams = slices.Delete(slices.Clone(t.teams), i, i+1)
	})
	return err
}

// Members lists those of a team.
func (t *Teams) Members(_ context.Context, team string) (list []paas.Membership, err error) {
	t.locked(func() {
		if _, err = t.find(team); err != nil {
			return
		}
		for _, m := range t.members {
			if m.Team == team {
				list = append(list, m)
			}
		}
	})
	return list, err
}

// SetMember gives somebody a role.
func (t *Teams) SetMember(_ context.Context, who paas.Identity, team, user string, role paas.Role) (before, after *paas.Member, err error) {
	t.locked(func() {
		i := slices.IndexFunc(t.members, func(m paas.Membership) bool { return m.Team == team && m.User == user })
		if i >= 0 {
			was := t.members[i].Member
			before, t.members[i].Role = &was, role
			after = &t.members[i].Member
			return
		}
		at := slices.IndexFunc(t.people, func(u paas.User) bool { return u.Name == user })
		if at < 0 {
			err = paas.Errorf(paas.NotFound, "There is no user %q. `crumpet users list` shows all.", user)
			return
		}
		m := paas.Member{Team: team, User: user, Role: role, Source: paas.Given, CreatedBy: who.User}
		t.members, after = append(t.members, paas.Membership{Member: m, Person: t.people[at]}), &m
	})
	return before, after, err
}

// RemoveMember ends a membership.
func (t *Teams) RemoveMember(_ context.Context, team, user string) (m paas.Member, err error) {
	t.locked(func() {
		i := slices.IndexFunc(t.members, func(m paas.Membership) bool { return m.Team == team && m.User == user })
		if i < 0 {
			err = paas.Errorf(paas.NotFound, "Team %q has no member %q.", team, user)
			return
		}
		m = t.members[i].Member
		t.members = slices.Delete(slices.Clone(t.members), i, i+1)
	})
	return m, err
}

// Bots lists those of a team.
func (t *Teams) Bots(ctx context.Context, team string) ([]paas.Membership, error) {
	list, err := t.Members(ctx, team)
	return slices.DeleteFunc(list, func(m paas.Membership) bool { return m.Person.Kind != paas.Bot }), err
}

// CreateBot makes a bot.
func (t *Teams) CreateBot(_ context.Context, who paas.Identity, team string, bot paas.User, role paas.Role) (paas.Membership, error) {
	bot.Kind = paas.Bot
	m := paas.Membership{Member: paas.Member{Team: team, User: bot.Name, Role: role, Source: paas.Given, CreatedBy: who.User}, Person: bot}
	t.locked(func() { t.members = append(t.members, m) })
	return m, nil
}

// DeleteBot takes one away.
func (t *Teams) DeleteBot(ctx context.Context, team, bot string) (paas.Membership, error) {
	m, err := t.RemoveMember(ctx, team, bot)
	return paas.Membership{Member: m, Person: paas.User{Name: bot, Kind: paas.Bot}}, err
}

// Hosts lists those of teams, nil for all.
func (t *Teams) Hosts(_ context.Context, teams []string) (list []paas.Host, err error) {
	t.locked(func() {
		for _, h := range t.hosts {
			if teams == nil || slices.ContainsFunc(teams, h.Open) {
				list = append(list, h)
			}
		}
	})
	return list, nil
}

// own gives where a host of a team is.
func (t *Teams) own(team, host string) (int, error) {
	i := slices.IndexFunc(t.hosts, func(h paas.Host) bool { return h.Host == host && h.Team == team })
	if i < 0 {
		return i, paas.Errorf(paas.NotFound, "Team %q has no host %s. `crumpet hosts list --team %s` shows those it has.", team, host, team)
	}
	return i, nil
}

// ShareHost opens a host to a team, or closes it.
func (t *Teams) ShareHost(_ context.Context, team, host, with string, shared bool) (h paas.Host, err error) {
	t.locked(func() {
		var i int
		if i, err = t.own(team, host); err != nil {
			return
		}
		rest := slices.DeleteFunc(slices.Clone(t.hosts[i].Shared), func(one string) bool { return one == with })
		if shared {
			rest = append(rest, with)
		}
		t.hosts[i].Shared = rest
		h = t.hosts[i]
	})
	return h, err
}

// ReleaseHost gives a host up.
func (t *Teams) ReleaseHost(_ context.Context, team, host string) (err error) {
	t.locked(func() {
		var i int
		if i, err = t.own(team, host); err == nil {
			t.hosts = slices.Delete(slices.Clone(t.hosts), i, i+1)
		}
	})
	return err
}
