package client

import (
	"context"
	"net/url"

	"github.com/crumpet-paas/crumpet/server/wire"
)

func teamPath(team, rest string) string { return "/v1/teams/" + url.PathEscape(team) + rest }

// Teams lists the teams that the caller is in; an admin's are all.
func (c *Client) Teams(ctx context.Context) (list wire.Teams, err error) {
	return list, c.call(ctx, always, "GET", "/v1/teams", nil, nil, &list)
}

// ShowTeam shows a team, with what it wants of its quota.
func (c *Client) ShowTeam(ctx context.Context, name string) (t wire.Team, err error) {
	return t, c.call(ctx, always, "GET", teamPath(name, ""), nil, nil, &t)
}

// CreateTeam makes a team. Codes: invalid, conflict.
func (c *Client) CreateTeam(ctx context.Context, in wire.CreateTeam) (t wire.Team, err error) {
	return t, c.call(ctx, unsent, "POST", "/v1/teams", nil, in, &t)
}

// UpdateTeam changes what a team is called in words, and its quota.
func (c *Client) UpdateTeam(ctx context.Context, name string, in wire.UpdateTeam) (t wire.Team, err error) {
	return t, c.call(ctx, always, "PATCH", teamPath(name, ""), nil, in, &t)
}

// DeleteTeam takes away a team that owns nothing. Code conflict names what it owns.
func (c *Client) DeleteTeam(ctx context.Context, name string) (t wire.Team, err error) {
	return t, c.call(ctx, unsent, "DELETE", teamPath(name, ""), nil, nil, &t)
}

// Members lists who is in a team.
func (c *Client) Members(ctx context.Context, team string) (list wire.Members, err error) {
	return list, c.call(ctx, always, "GET", teamPath(team, "/members"), nil, nil, &list)
}

// SetMember makes a user a member of a team, or gives a member another role.
func (c *Client) SetMember(ctx context.Context, team, user string, in wire.SetMember) (m wire.Member, err error) {
	return m, c.call(ctx, always, "PUT", teamPath(team, "/members/"+url.PathEscape(user)), nil, in, &m)
}

// RemoveMember ends a membership.
func (c *Client) RemoveMember(ctx context.Context, team, user string) (m wire.Member, err error) {
	return m, c.call(ctx, unsent, "DELETE", teamPath(team, "/members/"+url.PathEscape(user)), nil, nil, &m)
}

// Bots lists the bots of a team.
func (c *Client) Bots(ctx context.Context, team string) (list wire.Members, err error) {
	return list, c.call(ctx, always, "GET", teamPath(team, "/bots"), nil, nil, &list)
}

// CreateBot makes a bot of a team.
func (c *Client) CreateBot(ctx context.Context, team string, in wire.CreateBot) (m wire.Member, err error) {
	return m, c.call(ctx, unsent, "POST", teamPath(team, "/bots"), nil, in, &m)
}

// DeleteBot takes away a bot of a team, with its tokens.
func (c *Client) DeleteBot(ctx context.Context, team, bot string) (m wire.Member, err error) {
	return m, c.call(ctx, unsent, "DELETE", teamPath(team, "/bots/"+url.PathEscape(bot)), nil, nil, &m)
}

// Hosts lists the hosts of the client's team, and those shared with it.
func (c *Client) Hosts(ctx context.Context) (list wire.Hosts, err error) {
	return list, c.call(ctx, always, "GET", "/v1/hosts", nil, nil, &list)
}

// ShareHost opens a host of the client's team to another team, or ends that.
func (c *Client) ShareHost(ctx context.Context, host string, in wire.ShareHost) (h wire.Host, err error) {
	return h, c.call(ctx, always, "PUT", "/v1/hosts/"+url.PathEscape(host), nil, in, &h)
}

// ReleaseHost gives up a host of the client's team.
func (c *Client) ReleaseHost(ctx context.Context, host string) (h wire.Host, err error) {
	return h, c.call(ctx, unsent, "DELETE", "/v1/hosts/"+url.PathEscape(host), nil, nil, &h)
}
