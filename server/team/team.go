package team

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Store keeps teams, members and hosts. Codes: not_found, conflict when a name is taken.
type Store interface {
	Teams(ctx context.Context) ([]paas.Team, error)
	Team(ctx context.Context, name string) (paas.Team, error)
	AddTeam(ctx context.Context, t paas.Team, members ...paas.Member) error
	// ChangeTeam has fn change the team, maybe more than once.
	ChangeTeam(ctx context.Context, name string, fn func(t *paas.Team) error) (paas.Team, error)
	// DropTeam takes away a team with its members and bots. Code conflict while it owns something.
	DropTeam(ctx context.Context, name string) error
	Standing(ctx context.Context, team string) (paas.Standing, error)
	Holdings
	People
	Hosts
}

// Holdings is what can stand against a team's end.
type Holdings interface {
	Apps(ctx context.Context, f paas.AppFilter) ([]paas.App, error)
	ServiceInstances(ctx context.Context, team string) ([]paas.ServiceInstance, error)
	Volumes(ctx context.Context, team string) ([]paas.HostVolume, error)
}

// Namespaces are Nomad's.
type Namespaces interface {
	EnsureNamespace(ctx context.Context, team string) error
}

// Config is what Teams needs. Log may be nil.
type Config struct {
	Store      Store
	Namespaces Namespaces
	Now        func() time.Time
	Log        *slog.Logger
}

// Teams makes and changes teams.
type Teams struct {
	store      Store
	namespaces Namespaces
	now        func() time.Time
	log        *slog.Logger
}

// New makes Teams.
func New(c Config) *Teams {
	log := c.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Teams{store: c.Store, namespaces: c.Namespaces, now: c.Now, log: log.With("component", "team")}
}

// List gives the teams that are named, nil for all, by name.
func (t *Teams) List(ctx context.Context, names []string) ([]paas.Team, error) {
	all, err := t.store.Teams(ctx)
	if err != nil || names == nil {
		return all, err
	}
	return slices.DeleteFunc(all, func(one paas.Team) bool { return !slices.Contains(names, one.Name) }), nil
}

// Show gives a team, and how it stands against its quota. Code not_found.
func (t *Teams) Show(ctx context.Context, name string) (paas.Team, paas.Standing, error) {
	one, err := t.store.Team(ctx, name)
	if err != nil {
		return paas.Team{}, paas.Standing{}, err
	}
	standing, err := t.store.Standing(ctx, name)
	return one, standing, err
}

// Create makes a team. That Nomad does not answer is no failure: the namespace is made with the first job, if
// not now. Codes: invalid, conflict for a team that is there, forbidden where Crumpet may not make its namespace: no
// app of such a team would ever start.
func (t *Teams) Create(ctx context.Context, one paas.Team, by string) (paas.Team, error) {
	if problem := paas.CheckName("team", one.Name, paas.MaxTeam); problem != "" {
		return paas.Team{}, invalid("body.name", "%s", problem)
	}
	if err := checkTeam(one); err != nil {
		return paas.Team{}, err
	}
	switch err := t.namespaces.EnsureNamespace(ctx, one.Name); {
	case paas.CodeOf(err) == paas.Forbidden:
		return paas.Team{}, err
	case err != nil:
		t.log.Warn("namespace not made yet", "team", one.Name, "err", err)
	}
	one.CreatedAt, one.CreatedBy = t.now().UTC().Truncate(time.Microsecond), by
	return one, t.store.AddTeam(ctx, one)
}

// Change changes a team, and gives it as it was and is. A quota may be below what the team wants already: that
// stays as it is, and can only get less. Codes: invalid, not_found.
func (t *Teams) Change(ctx context.Context, name string, c paas.TeamChange) (before, after paas.Team, err error) {
	after, err = t.store.ChangeTeam(ctx, name, func(one *paas.Team) error {
		before = *one
		if c.Description != nil {
			one.Description = *c.Description
		}
		one.Quota = c.Quota.Of(one.Quota)
		return checkTeam(*one)
	})
	return before, after, err
}

// maxDescription is the longest description of a team or bot, in bytes.
const maxDescription = 256

func checkTeam(one paas.Team) error {
	var faults []paas.Fault
	if len(one.Description) > maxDescription {
		faults = append(faults, paas.Fault{Location: "body.description", Message: fmt.Sprintf("The description has %d bytes; at most %d are allowed.", len(one.Description), maxDescription)})
	}
	q := one.Quota
	for _, n := range []struct {
		what  string
		value int
	}{{"memory", q.Memory}, {"cpu", q.CPU}, {"apps", q.Apps}, {"instances", q.Instances}, {"routes", q.Routes}, {"storage", q.Storage}} {
		if n.value < 0 || n.value > 1<<40 {
			faults = append(faults, paas.Fault{Location: "body.quota." + n.what, Message: fmt.Sprintf("A quota can't have %s=%d: write a number from 1 on, or 0 for no bound.", n.what, n.value)})
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return &paas.Error{Code: paas.Invalid, Message: faults[0].Message, Faults: faults}
}

// Delete takes away a team that owns nothing any more, with its members and bots. Codes: not_found, conflict,
// with all that stands against it.
func (t *Teams) Delete(ctx context.Context, name string) error {
	if name == paas.DefaultTeam {
		return paas.Errorf(paas.Conflict, "Team %q can't be deleted: it is the team of every call that names none.", name)
	}
	if _, err := t.store.Team(ctx, name); err != nil {
		return err
	}
	faults, err := t.against(ctx, name)
	if err != nil {
		return err
	}
	if len(faults) > 0 {
		return &paas.Error{
			Code: paas.Conflict, Faults: faults,
			Message: fmt.Sprintf("Team %q can't be deleted while it owns something: %s", name, faults[0].Message),
		}
	}
	return t.store.DropTeam(ctx, name) // which looks again, in its transaction
}

// against names what a team still owns, and how to be rid of it.
func (t *Teams) against(ctx context.Context, name string) ([]paas.Fault, error) {
	var faults []paas.Fault
	add := func(location, format string, args ...any) {
		faults = append(faults, paas.Fault{Location: location, Message: fmt.Sprintf(format, args...)})
	}
	apps, err := t.store.Apps(ctx, paas.AppFilter{Team: name})
	if err != nil {
		return nil, err
	}
	for _, a := range apps {
		add("app."+a.Name, "app %q is there. Destroy it: `crumpet destroy %s --team %s`.", a.Name, a.Name, name)
	}
	services, err := t.store.ServiceInstances(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, s := range services {
		add("service."+s.Name, "service instance %q is there. Delete it: `crumpet services delete %s --team %s`.", s.Name, s.Name, name)
	}
	volumes, err := t.store.Volumes(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, v := range volumes {
		add("volume."+v.Name(), "volume %q is kept. Delete it: `crumpet volumes delete '%s' --team %s`.", v.Name(), v.Name(), name)
	}
	hosts, err := t.store.Hosts(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range hosts {
		if h.Team == name {
			add("host."+h.Host, "host %s is kept. Give it up: `crumpet hosts release '%s' --team %s`.", h.Host, h.Host, name)
		}
	}
	return faults, nil
}

// invalid is one fault of what was asked.
func invalid(location, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &paas.Error{Code: paas.Invalid, Message: message, Faults: []paas.Fault{{Location: location, Message: message}}}
}
