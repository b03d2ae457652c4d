package team

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// People keeps users and what they are in teams. Codes: not_found, conflict when a name is taken.
type People interface {
	Users(ctx context.Context) ([]paas.User, error)
	User(ctx context.Context, name string) (paas.User, error)
	AddUser(ctx context.Context, u paas.User, in ...paas.Member) error
	DropUser(ctx context.Context, name string) error
	// Members lists those of a team, or the memberships of a user; "" for all.
	Members(ctx context.Context, team, user string) ([]paas.Member, error)
	PutMember(ctx context.Context, m paas.Member) error
	DropMember(ctx context.Context, team, user string) error
}

// Members lists who is in a team, bots as well, by name. Code not_found.
func (t *Teams) Members(ctx context.Context, team string) ([]paas.Membership, error) {
	if _, err := t.store.Team(ctx, team); err != nil {
		return nil, err
	}
	members, err := t.store.Members(ctx, team, "")
	if err != nil {
		return nil, err
	}
	users, err := t.store.Users(ctx)
	if err != nil {
		return nil, err
	}
	list := []paas.Membership{}
	for _, m := range members {
		i := slices.IndexFunc(users, func(u paas.User) bool { return u.Name == m.User })
		if i >= 0 { // who went between both reads is no member
			list = append(list, paas.Membership{Member: m, Person: users[i]})
		}
	}
	return list, nil
}

// SetMember makes a user a member of a team, or gives a member another role; added says which of both. Codes:
// invalid, forbidden for a role above the caller's own, not_found, conflict for another team's bot.
func (t *Teams) SetMember(ctx context.Context, who paas.Identity, team, name string, role paas.Role) (before, after *paas.Member, err error) {
	if err := mayGive(who, team, role); err != nil {
		return nil, nil, err
	}
	user, err := t.store.User(ctx, name)
	if err != nil {
		return nil, nil, err
	}
	if before, err = t.member(ctx, team, name); err != nil {
		return nil, nil, err
	}
	if user.Kind == paas.Bot && before == nil {
		return nil, nil, paas.Errorf(paas.Conflict, "%q is a bot of another team, and a bot is in one team only. Make one for this team: `crumpet bots create NAME --team %s`.", name, team)
	}
	m := paas.Member{Team: team, User: name, Role: role, Source: paas.Given, CreatedAt: t.moment(), CreatedBy: who.User}
	if before != nil {
		m.CreatedAt, m.CreatedBy = before.CreatedAt, before.CreatedBy
	}
	return before, &m, t.store.PutMember(ctx, m)
}

// mayGive says whether somebody may give a role in a team: one that there is, and not above their own.
func mayGive(who paas.Identity, team string, role paas.Role) error {
	roles := paas.Roles()
	rank := slices.Index(roles, role)
	switch {
	case rank < 0 || role == paas.Admin:
		return invalid("body.role", "There is no role %q in a team. Give viewer, developer or maintainer.", role)
	case rank > slices.Index(roles, who.Role(team)):
		return paas.Errorf(paas.Forbidden, "%q can't give the role %s in team %q: nobody gives more than they have.", who.User, role, team)
	}
	return nil
}

// member gives a membership, nil for none.
func (t *Teams) member(ctx context.Context, team, user string) (*paas.Member, error) {
	list, err := t.store.Members(ctx, team, user)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// RemoveMember ends a membership, and gives what it was. The last maintainer may leave: admins stay. Codes:
// not_found, conflict for a bot, and for who is in the team by a group of a provider.
func (t *Teams) RemoveMember(ctx context.Context, team, name string) (paas.Member, error) {
	m, err := t.member(ctx, team, name)
	if err != nil {
		return paas.Member{}, err
	}
	if m == nil {
		return paas.Member{}, paas.Errorf(paas.NotFound, "Team %q has no member %q. `crumpet members list --team %s` shows those it has.", team, name, team)
	}
	if provider, group, by := strings.Cut(m.Source, ":"); by {
		return paas.Member{}, paas.Errorf(paas.Conflict, "%q is in team %q by the group %q of the provider %q, and would be again at the next sign-in. Take them out of that group.", name, team, group, provider)
	}
	user, err := t.store.User(ctx, name)
	if err != nil {
		return paas.Member{}, err
	}
	if user.Kind == paas.Bot {
		return paas.Member{}, paas.Errorf(paas.Conflict, "%q is a bot, which is nothing without its team. Delete it: `crumpet bots delete %s --team %s`.", name, name, team)
	}
	return *m, t.store.DropMember(ctx, team, name)
}

// Bots lists the bots of a team, by name. Code not_found.
func (t *Teams) Bots(ctx context.Context, team string) ([]paas.Membership, error) {
	all, err := t.Members(ctx, team)
	return slices.DeleteFunc(all, func(m paas.Membership) bool { return m.Person.Kind != paas.Bot }), err
}

// CreateBot makes a bot of a team. It can do nothing before somebody makes it a token. Codes: invalid,
// forbidden for a role above the caller's own, not_found, conflict for a name that is taken.
func (t *Teams) CreateBot(ctx context.Context, who paas.Identity, team string, bot paas.User, role paas.Role) (paas.Membership, error) {
	if problem := paas.CheckName("bot", bot.Name, paas.MaxUser); problem != "" {
		return paas.Membership{}, invalid("body.name", "%s", problem)
	}
	if len(bot.FullName) > maxDescription {
		return paas.Membership{}, invalid("body.description", "The description has %d bytes; at most %d are allowed.", len(bot.FullName), maxDescription)
	}
	if err := mayGive(who, team, role); err != nil {
		return paas.Membership{}, err
	}
	now := t.moment()
	made := paas.User{Name: bot.Name, FullName: bot.FullName, Kind: paas.Bot, CreatedAt: now, CreatedBy: who.User}
	m := paas.Member{Team: team, User: bot.Name, Role: role, Source: paas.Given, CreatedAt: now, CreatedBy: who.User}
	if err := t.store.AddUser(ctx, made, m); err != nil {
		return paas.Membership{}, err
	}
	return paas.Membership{Member: m, Person: made}, nil
}

// DeleteBot takes away a bot of a team, with its tokens. Code not_found.
func (t *Teams) DeleteBot(ctx context.Context, team, name string) (paas.Membership, error) {
	bots, err := t.Bots(ctx, team)
	if err != nil {
		return paas.Membership{}, err
	}
	i := slices.IndexFunc(bots, func(m paas.Membership) bool { return m.User == name })
	if i < 0 {
		return paas.Membership{}, paas.Errorf(paas.NotFound, "Team %q has no bot %q. `crumpet bots list --team %s` shows those it has.", team, name, team)
	}
	return bots[i], t.store.DropUser(ctx, name)
}

func (t *Teams) moment() time.Time { return t.now().UTC().Truncate(time.Microsecond) }
