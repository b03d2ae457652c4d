package api

import (
	"context"
	"fmt"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Users makes and changes users. Codes: invalid, forbidden, not_found, conflict.
type Users interface {
	// List gives all, by name, and their memberships.
	List(ctx context.Context) ([]paas.User, []paas.Member, error)
	Show(ctx context.Context, name string) (paas.User, []paas.Member, error)
	Create(ctx context.Context, who paas.Identity, wish paas.UserWish) (paas.User, error)
	Change(ctx context.Context, who paas.Identity, name string, c paas.UserChange) (before, after paas.User, err error)
	Delete(ctx context.Context, who paas.Identity, name string) (paas.User, error)
}

func (a *API) users(ctx context.Context, _ *struct{}) (*body[wire.Users], error) {
	list, members, err := a.Users.List(ctx)
	if err != nil {
		return nil, err
	}
	of := map[string][]paas.Member{}
	for _, m := range members {
		of[m.User] = append(of[m.User], m)
	}
	answer := wire.Users{Items: []wire.User{}}
	for _, u := range list {
		answer.Items = append(answer.Items, presentUser(u, of[u.Name]))
	}
	return &body[wire.Users]{answer}, nil
}

func presentUser(u paas.User, members []paas.Member) wire.User {
	out := wire.User{
		Name: u.Name, Kind: u.Kind, FullName: u.FullName, Email: u.Email, Admin: u.Admin, Provider: u.Provider, Password: u.Password != "", Disabled: u.Disabled,
		LockedUntil: u.LockedUntil, Roles: map[string]paas.Role{}, CreatedAt: u.CreatedAt, CreatedBy: u.CreatedBy, SeenAt: u.SeenAt,
	}
	for _, m := range members {
		out.Roles[m.Team] = m.Role
	}
	return out
}

// userScope is the input of a call about one user.
type userScope struct {
	User string `path:"user" doc:"The user's name."`
}

func (a *API) user(ctx context.Context, in *userScope) (*body[wire.User], error) {
	u, members, err := a.Users.Show(ctx, in.User)
	if err != nil {
		return nil, err
	}
	return &body[wire.User]{presentUser(u, members)}, nil
}

func (a *API) createUser(ctx context.Context, in *struct{ Body wire.CreateUser }) (*body[wire.User], error) {
	u, err := a.Users.Create(ctx, *callOf(ctx).who, paas.UserWish{
		Name: in.Body.Name, FullName: in.Body.FullName, Email: in.Body.Email, Admin: in.Body.Admin, Password: string(in.Body.Password),
	})
	if err != nil {
		return nil, err
	}
	shown := presentUser(u, nil)
	noteAudit(ctx, u.Name, nil, shown)
	as := "user"
	if u.Admin {
		as = "admin"
	}
	a.toldUser(ctx, nil, fmt.Sprintf("%s made %s %s", caller(ctx), as, u.Name))
	return &body[wire.User]{shown}, nil
}

func (a *API) updateUser(ctx context.Context, in *struct {
	User string `path:"user" doc:"The user's name."`
	Body wire.UpdateUser
},
) (*body[wire.User], error) {
	before, after, err := a.Users.Change(ctx, *callOf(ctx).who, in.User, paas.UserChange{
		FullName: in.Body.FullName, Email: in.Body.Email, Admin: in.Body.Admin, Disabled: in.Body.Disabled, Unlock: in.Body.Unlock,
		Password: (*string)(in.Body.Password),
	})
	if err != nil {
		return nil, err
	}
	noteAudit(ctx, in.User, presentUser(before, nil), presentUser(after, nil))
	_, members, err := a.Users.Show(ctx, in.User)
	a.toldUser(ctx, members, paas.TellUser(caller(ctx), before, after)) // to admins at least
	if err != nil {
		return nil, err
	}
	return &body[wire.User]{presentUser(after, members)}, nil
}

func (a *API) deleteUser(ctx context.Context, in *userScope) (*body[wire.User], error) {
	_, members, err := a.Users.Show(ctx, in.User)
	if err != nil && paas.CodeOf(err) != paas.NotFound { // of that Delete tells, if it may be told
		return nil, err
	}
	u, err := a.Users.Delete(ctx, *callOf(ctx).who, in.User)
	if err != nil {
		return nil, err
	}
	noteAudit(ctx, u.Name, presentUser(u, nil), nil)
	a.toldUser(ctx, members, fmt.Sprintf("%s removed %s", caller(ctx), u.Name))
	return &body[wire.User]{presentUser(u, nil)}, nil
}
