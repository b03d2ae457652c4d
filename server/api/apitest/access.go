package apitest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// ann is the user there is.
const ann = "ann"

// Accounts are the tokens, sessions and users of a test. Anybody may do everything.
type Accounts struct {
	mu       sync.Mutex
	tokens   []paas.Token
	sessions []paas.Session
	users    []paas.User
	wishes   []paas.UserWish
}

// NewAccounts makes an Accounts with the user ann, who has a session.
func NewAccounts() *Accounts {
	began := time.Unix(0, 0).UTC()
	return &Accounts{
		users:    []paas.User{{Name: ann, Kind: paas.Person, Admin: true, Password: "set", CreatedAt: began}},
		sessions: []paas.Session{{ID: "s1", User: ann, CreatedAt: began, SeenAt: began, ExpiresAt: began, From: "127.0.0.1", Agent: "Firefox"}},
	}
}

// Wishes are the users that were asked for, with their plain passwords.
func (a *Accounts) Wishes() []paas.UserWish {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.wishes)
}

// CreateToken and what follows implement api.Tokens.
func (a *Accounts) CreateToken(_ context.Context, who paas.Identity, wish paas.TokenWish) (string, paas.Token, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if wish.Name == "" {
		return "", paas.Token{}, paas.Errorf(paas.Invalid, "A token needs a name that says what it is for.")
	}
	t := paas.Token{ID: fmt.Sprint("t", len(a.tokens)+1), Name: wish.Name, Owner: wish.Owner, Scope: wish.Scope, CreatedAt: time.Unix(0, 0).UTC(), CreatedBy: who.User}
	if wish.Lasts >= 0 {
		ends := time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)
		t.ExpiresAt = &ends
	}
	a.tokens = append(a.tokens, t)
	return "crumpet_secret-of-" + t.ID, t, nil
}

func (a *Accounts) Tokens(_ context.Context, _ paas.Identity, owner string) ([]paas.Token, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var list []paas.Token
	for _, t := range a.tokens {
		if owner == "*" || t.Owner == owner {
			list = append(list, t)
		}
	}
	return list, nil
}

func (a *Accounts) RevokeToken(_ context.Context, _ paas.Identity, id string) (paas.Token, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, t := range a.tokens {
		if t.ID == id {
			at := time.Unix(60, 0).UTC()
			a.tokens[i].RevokedAt = &at
			return a.tokens[i], nil
		}
	}
	return paas.Token{}, paas.Errorf(paas.NotFound, "There is no token %q that you may revoke. `crumpet tokens list` shows yours.", id)
}

func (a *Accounts) Sessions(context.Context, paas.Identity, string) ([]paas.Session, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.sessions), nil
}

func (a *Accounts) CloseSession(_ context.Context, _ paas.Identity, id string) (paas.Session, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i, s := range a.sessions {
		if s.ID == id {
			a.sessions = slices.Delete(a.sessions, i, i+1)
			return s, nil
		}
	}
	return paas.Session{}, paas.Errorf(paas.NotFound, "There is no session %q.", id)
}

// UserTable gives the users, as api.Users wants them.
func (a *Accounts) UserTable() UserTable { return UserTable{a} }

// UserTable implements api.Users.
type UserTable struct{ *Accounts }

func (u UserTable) List(context.Context) ([]paas.User, []paas.Member, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	return slices.Clone(u.users), []paas.Member{{Team: "default", User: ann, Role: paas.Developer}}, nil
}

func (u UserTable) Show(ctx context.Context, name string) (paas.User, []paas.Member, error) {
	list, members, err := u.List(ctx)
	for _, one := range list {
		if one.Name == name {
			return one, slices.DeleteFunc(members, func(m paas.Member) bool { return m.User != name }), err
		}
	}
	return paas.User{}, nil, noUser(name)
}

func noUser(name string) error {
	return paas.Errorf(paas.NotFound, "There is no user %q. `crumpet users list` shows all.", name)
}

func (u UserTable) Create(_ context.Context, who paas.Identity, wish paas.UserWish) (paas.User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if slices.ContainsFunc(u.users, func(one paas.User) bool { return one.Name == wish.Name }) {
		return paas.User{}, paas.Errorf(paas.Conflict, "There is a user %q already. Choose another name, or change that one.", wish.Name)
	}
	user := paas.User{
		Name: wish.Name, Kind: paas.Person, FullName: wish.FullName, Email: wish.Email, Admin: wish.Admin, CreatedAt: time.Unix(0, 0).UTC(), CreatedBy: who.User,
	}
	if wish.Password != "" {
		user.Password = "set"
	}
	u.users, u.wishes = append(u.users, user), append(u.wishes, wish)
	return user, nil
}

func (u UserTable) Change(_ context.Context, _ paas.Identity, name string, c paas.UserChange) (before, after paas.User, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i := range u.users {
		one := &u.users[i]
		if one.Name != name {
			continue
		}
		before = *one
		if c.FullName != nil {
			one.FullName = *c.FullName
		}
		if c.Email != nil {
			one.Email = *c.Email
		}
		if c.Admin != nil {
			one.Admin = *c.Admin
		}
		if c.Disabled != nil {
			one.Disabled = *c.Disabled
		}
		if c.Password != nil {
			one.Password = "set"
			u.wishes = append(u.wishes, paas.UserWish{Name: name, Password: *c.Password})
		}
		return before, *one, nil
	}
	return before, after, noUser(name)
}

func (u UserTable) Delete(_ context.Context, _ paas.Identity, name string) (paas.User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for i, one := range u.users {
		if one.Name == name {
			u.users = slices.Delete(u.users, i, i+1)
			return one, nil
		}
	}
	return paas.User{}, noUser(name)
}
