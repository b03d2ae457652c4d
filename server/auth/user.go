package auth

import (
	"context"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// UserStore keeps users.
type UserStore interface {
	Users(ctx context.Context) ([]paas.User, error)
	// User gives a user by name. Code: not_found.
	User(ctx context.Context, name string) (paas.User, error)
	// AddUser adds a user. Code conflict when the name is taken.
	AddUser(ctx context.Context, user paas.User, in ...paas.Member) error
	// ChangeUser has fn change a user, whom nobody else changes meanwhile. What fn refuses comes back.
	ChangeUser(ctx context.Context, name string, fn func(u *paas.User) error) (paas.User, error)
	// DropUser takes a user away, with its memberships, tokens and sessions. Code: not_found.
	DropUser(ctx context.Context, name string) error
	Members(ctx context.Context, team, user string) ([]paas.Member, error)
}

// Ender ends the sessions of a user but the one with that id.
type Ender interface {
	EndSessions(ctx context.Context, user, but string) error
}

// Users makes and changes users. Only admins of the platform may, and with no narrowed token.
type Users struct {
	store     UserStore
	sessions  Ender
	passwords *Passwords
	now       func() time.Time
}

// NewUsers makes a Users.
func NewUsers(store UserStore, sessions Ender, passwords *Passwords, now func() time.Time) *Users {
	return &Users{store: store, sessions: sessions, passwords: passwords, now: now}
}

const maxShown = 200 // bytes of a name in full, and of an address

// List lists all users by name, and the memberships of each.
func (u *Users) List(ctx context.Context) ([]paas.User, []paas.Member, error) {
	list, err := u.store.Users(ctx)
	if err != nil {
		return nil, nil, err
	}
	members, err := u.store.Members(ctx, "", "")
	return list, members, err
}

// Show gives one user, and its memberships. Code: not_found.
func (u *Users) Show(ctx context.Context, name string) (paas.User, []paas.Member, error) {
	user, err := u.store.User(ctx, name)
	if err != nil {
		return user, nil, err
	}
	members, err := u.store.Members(ctx, "", name)
	return user, members, err
}

// Create makes a local user, with a password or without one yet. Codes: invalid, forbidden, conflict.
func (u *Users) Create(ctx context.Context, who paas.Identity, wish paas.UserWish) (paas.User, error) {
	if err := mayChangeUsers(who); err != nil {
		return paas.User{}, err
	}
	var faults []paas.Fault
	if problem := paas.CheckName("user", wish.Name, paas.MaxUser); problem != "" {
		faults = append(faults, paas.Fault{Location: "name", Message: problem})
	}
	faults = append(faults, checkWords(&wish.FullName, &wish.Email)...)
	if wish.Password != "" {
		if err := CheckPassword(wish.Name, wish.Password); err != nil {
			faults = append(faults, paas.FaultsOf(err)...)
		}
	}
	if len(faults) > 0 {
		return paas.User{}, &paas.Error{Code: paas.Invalid, Message: faults[0].Message, Faults: faults}
	}
	user := paas.User{
		Name: wish.Name, Kind: paas.Person, FullName: wish.FullName, Email: wish.Email, Admin: wish.Admin, CreatedAt: u.now().UTC(), CreatedBy: who.User,
	}
	var err error
	if user.Password, err = u.hashed(ctx, wish.Password); err != nil {
		return paas.User{}, err
	}
	return user, u.store.AddUser(ctx, user)
}

func (u *Users) hashed(ctx context.Context, plain string) (string, error) {
	if plain == "" {
		return "", nil
	}
	return u.passwords.Hash(ctx, plain)
}

// Change changes a user, and gives what it was and is. Whoever is disabled, or gets another password from an
// admin, is signed out everywhere; tokens of a disabled user are not taken until it is enabled again. Nobody
// takes the rights of an admin from themselves, so that there is always one. Codes: invalid, forbidden,
// not_found, conflict.
func (u *Users) Change(ctx context.Context, who paas.Identity, name string, c paas.UserChange) (before, after paas.User, err error) {
	if err := mayChangeUsers(who); err != nil {
		return before, after, err
	}
	faults := checkWords(c.FullName, c.Email)
	if c.Password != nil {
		if err := CheckPassword(name, *c.Password); err != nil {
			faults = append(faults, paas.FaultsOf(err)...)
		}
	}
	if len(faults) > 0 {
		return before, after, &paas.Error{Code: paas.Invalid, Message: faults[0].Message, Faults: faults}
	}
	if itself(who, name) && (c.Admin != nil && !*c.Admin || c.Disabled != nil && *c.Disabled) {
		return before, after, paas.Errorf(paas.Conflict, "%q can't take its own rights away. Have another admin do it.", name)
	}
	anew := ""
	if c.Password != nil {
		if anew, err = u.hashed(ctx, *c.Password); err != nil {
			return before, after, err
		}
	}
	after, err = u.store.ChangeUser(ctx, name, func(user *paas.User) error {
		before = *user
		if err := fits(*user, c); err != nil {
			return err
		}
		set(&user.FullName, c.FullName)
		set(&user.Email, c.Email)
		set(&user.Admin, c.Admin)
		set(&user.Disabled, c.Disabled)
		if anew != "" {
			user.Password = anew
		}
		if anew != "" || c.Unlock {
			*user = forgive(*user)
		}
		return nil
	})
	if err == nil && (anew != "" || after.Disabled) {
		but := ""
		if itself(who, name) {
			but = who.Session
		}
		err = u.sessions.EndSessions(ctx, name, but)
	}
	return before, after, err
}

func set[T any](to *T, value *T) {
	if value != nil {
		*to = *value
	}
}

// fits says with code conflict that a change does not suit what a user is.
func fits(user paas.User, c paas.UserChange) error {
	switch {
	case user.Kind == paas.Bot && (c.Password != nil || c.Admin != nil):
		return paas.Errorf(paas.Conflict, "%q is a bot: it has tokens only, and is never an admin.", user.Name)
	case user.Provider != "" && c.Password != nil:
		return paas.Errorf(paas.Conflict, "%q signs in at the provider %q, and has no password here.", user.Name, user.Provider)
	case user.Provider != "" && (c.FullName != nil || c.Email != nil):
		return paas.Errorf(paas.Conflict, "The name and the address of %q come from the provider %q: change them there.", user.Name, user.Provider)
	}
	return nil
}

// Delete takes a user away, with its memberships, tokens and sessions. Codes: forbidden, not_found, conflict.
func (u *Users) Delete(ctx context.Context, who paas.Identity, name string) (paas.User, error) {
	if err := mayChangeUsers(who); err != nil {
		return paas.User{}, err
	}
	if itself(who, name) {
		return paas.User{}, paas.Errorf(paas.Conflict, "%q can't delete itself. Have another admin do it.", name)
	}
	user, err := u.store.User(ctx, name)
	if err != nil {
		return user, err
	}
	return user, u.store.DropUser(ctx, name)
}

func itself(who paas.Identity, name string) bool {
	return who.Kind == paas.Person && who.User == name
}

// mayChangeUsers: a narrowed token could have a user made, or a password set, that may more than itself.
func mayChangeUsers(who paas.Identity) error {
	if who.Token != nil && narrowed(who.Token.Scope) {
		return paas.Errorf(paas.Forbidden, "The token %q is narrowed, and can't change users.", who.Token.Name)
	}
	return May(who, paas.Act{Verb: paas.VerbPlatform})
}

// checkWords looks at what is shown of a user.
func checkWords(fullName, email *string) (faults []paas.Fault) {
	for _, field := range []struct {
		name string
		text *string
	}{{"full_name", fullName}, {"email", email}} {
		switch {
		case field.text == nil:
		case len(*field.text) > maxShown:
			faults = append(faults, paas.Fault{Location: field.name, Message: "It has more than 200 bytes."})
		case !utf8.ValidString(*field.text) || strings.ContainsFunc(*field.text, func(r rune) bool { return !unicode.IsPrint(r) }):
			faults = append(faults, paas.Fault{Location: field.name, Message: "It holds a character that can't be shown."})
		case field.name == "email" && *field.text != "" && (strings.Count(*field.text, "@") != 1 || strings.Contains(*field.text, " ")):
			faults = append(faults, paas.Fault{Location: field.name, Message: "It is no address, such as ann@example.com."})
		}
	}
	return faults
}
