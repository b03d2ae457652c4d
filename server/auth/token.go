package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Prefix begins every token.
const Prefix = "crumpet_"

const (
	tokenBytes = 32
	minLength  = 20 // of a token that was not made here, without the prefix
	maxName    = 64 // bytes of a token's name
	maxListed  = 50 // teams, apps or verbs that a token is narrowed to

	// DefaultTokenFor is how long a token lasts unless said, and MaxTokenFor the longest.
	DefaultTokenFor = 90 * 24 * time.Hour
	MaxTokenFor     = 365 * 24 * time.Hour
)

// TokenStore keeps tokens by their hash.
type TokenStore interface {
	// PutToken adds a token, or renames the one with that hash. Code not_found when its owner is not there.
	PutToken(ctx context.Context, token paas.Token) error
	// FirstToken adds the token if there is none at all, and says whether it did.
	FirstToken(ctx context.Context, token paas.Token) (bool, error)
	// Token gives the token with that id.
	Token(ctx context.Context, id string) (paas.Token, error)
	Tokens(ctx context.Context) ([]paas.Token, error)
	// TokensOf lists the tokens of a user; of "" those of operators.
	TokensOf(ctx context.Context, owner string) ([]paas.Token, error)
	RevokeToken(ctx context.Context, id string, at time.Time) error
	TokenAccess(ctx context.Context, hash string) (paas.Access, error)
}

// NewToken makes the plain text of a token that nobody has yet.
func NewToken() string {
	secret := make([]byte, tokenBytes)
	_, _ = rand.Read(secret) // never fails: crypto/rand ends the program instead
	return Prefix + base64.RawURLEncoding.EncodeToString(secret)
}

// newID makes the id that a token or a session is listed and ended by. It proves nothing.
func newID() string { return strings.ToLower(rand.Text()[:12]) }

// AdoptFirst stores an operator's token that was made elsewhere, where there is no token at all, and says
// whether that was so.
func (a *Auth) AdoptFirst(ctx context.Context, name, plain string) (bool, error) {
	if len(strings.TrimPrefix(plain, Prefix)) < minLength || !strings.HasPrefix(plain, Prefix) {
		return false, paas.Errorf(paas.Invalid, "A token begins with %q and has at least %d characters after it.", Prefix, minLength)
	}
	return a.store.FirstToken(ctx, paas.Token{ID: newID(), Hash: hash(plain), Name: name, CreatedAt: a.moment()})
}

// issue stores a new token, and gives its plain text: it is given here once.
func (a *Auth) issue(ctx context.Context, token paas.Token) (string, paas.Token, error) {
	plain := NewToken()
	token.ID, token.Hash, token.CreatedAt = newID(), hash(plain), a.moment()
	if err := a.store.PutToken(ctx, token); err != nil {
		return "", paas.Token{}, err
	}
	return plain, token, nil
}

// issuePersonal makes a token that is its owner's in full.
func (a *Auth) issuePersonal(ctx context.Context, owner, name string, lasts time.Duration) (string, paas.Token, error) {
	ends := a.moment().Add(lasts)
	return a.issue(ctx, paas.Token{Name: name, Owner: owner, CreatedBy: owner, ExpiresAt: &ends})
}

// CreateToken makes a token: for the caller, or for a bot of a team that the caller manages. What the caller's
// own token does not cover the new one does not either, and it ends no later. Codes: invalid, forbidden,
// not_found.
func (a *Auth) CreateToken(ctx context.Context, who paas.Identity, wish paas.TokenWish) (plain string, token paas.Token, err error) {
	token = paas.Token{Name: wish.Name, Scope: wish.Scope, CreatedBy: who.User}
	var faults []paas.Fault
	if problem := checkTokenName(wish.Name); problem != "" {
		faults = append(faults, paas.Fault{Location: "name", Message: problem})
	}
	faults = append(faults, checkScope(wish.Scope)...)
	switch {
	case wish.Operator && wish.Owner != "":
		faults = append(faults, paas.Fault{Location: "operator", Message: "An operator's token belongs to no user: leave the owner out."})
	case wish.Operator || wish.Owner == "" && who.Kind == paas.Operator:
		if err := May(who, paas.Act{Verb: paas.VerbPlatform}); err != nil {
			return "", token, err
		}
	case wish.Owner == "" || wish.Owner == who.User && who.Kind != paas.Operator:
		token.Owner = who.User
		faults = append(faults, checkCovered(who, wish.Scope)...)
	default:
		if err := a.manages(ctx, who, wish.Owner); err != nil {
			return "", token, err
		}
		token.Owner = wish.Owner
	}
	if token.ExpiresAt, err = a.tokenEnds(who, wish.Lasts, token.Owner == ""); err != nil {
		faults = append(faults, paas.FaultsOf(err)...)
	}
	if len(faults) > 0 {
		return "", token, &paas.Error{Code: paas.Invalid, Message: "This token can't be made: " + faults[0].Message, Faults: faults}
	}
	if who.Token != nil && !within(wish.Scope, who.Token.Scope) {
		return "", token, paas.Errorf(paas.Forbidden, "The token %q is narrowed, and can't make one that covers more: name teams, apps and verbs that it covers.", who.Token.Name)
	}
	return a.issue(ctx, token)
}

func checkTokenName(name string) string {
	switch {
	case strings.TrimSpace(name) != name || name == "":
		return "A token needs a name that says what it is for, such as `ci`, without spaces around it."
	case len(name) > maxName:
		return fmt.Sprintf("The name has %d bytes; at most %d are allowed.", len(name), maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return "The name holds a character that can't be shown."
	}
	return ""
}

// checkScope says what of a scope means nothing.
func checkScope(s paas.Scope) (faults []paas.Fault) {
	fault := func(location, format string, args ...any) {
		faults = append(faults, paas.Fault{Location: location, Message: fmt.Sprintf(format, args...)})
	}
	if max(len(s.Teams), len(s.Apps), len(s.Verbs)) > maxListed {
		fault("scope", "A token can be narrowed to at most %d teams, apps and verbs each.", maxListed)
		return faults
	}
	for _, team := range s.Teams {
		if problem := paas.CheckName("team", team, paas.MaxTeam); problem != "" {
			fault("teams", "%s", problem)
		}
	}
	for _, name := range s.Apps {
		team, app, found := strings.Cut(name, "/")
		switch {
		case !found || paas.CheckName("team", team, paas.MaxTeam) != "" || paas.CheckName("app", app, paas.MaxApp) != "":
			fault("apps", "%q is no app: write it as TEAM/APP, such as default/shop.", name)
		case len(s.Teams) > 0 && !slices.Contains(s.Teams, team):
			fault("apps", "%q is of a team that the token is not for.", name)
		}
	}
	for _, verb := range s.Verbs {
		if !slices.Contains(paas.Verbs(), verb) {
			fault("verbs", "There is no verb %q; there are %s.", verb, wordsOf(paas.Verbs()))
		}
	}
	return faults
}

// checkCovered names the teams of a scope that its owner is not in: the token could do nothing there.
func checkCovered(who paas.Identity, s paas.Scope) (faults []paas.Fault) {
	teams := slices.Clone(s.Teams)
	for _, name := range s.Apps {
		team, _, _ := strings.Cut(name, "/")
		teams = append(teams, team)
	}
	slices.Sort(teams)
	for _, team := range slices.Compact(teams) {
		if who.Role(team) == "" {
			faults = append(faults, paas.Fault{Location: "teams", Message: fmt.Sprintf("%q is not in team %q.", who.User, team)})
		}
	}
	return faults
}

// tokenEnds is when a token is to end that is to last so long: 0 for as long as others, less for always.
func (a *Auth) tokenEnds(who paas.Identity, lasts time.Duration, operator bool) (*time.Time, error) {
	invalid := func(format string, args ...any) error {
		message := fmt.Sprintf(format, args...)
		return &paas.Error{Code: paas.Invalid, Message: message, Faults: []paas.Fault{{Location: "expires_in", Message: message}}}
	}
	var last *time.Time // no later than the token that makes it
	if who.Token != nil {
		last = who.Token.ExpiresAt
	}
	switch {
	case lasts < 0 && operator && last == nil:
		return nil, nil
	case lasts < 0:
		return nil, invalid("Only operators' tokens may last for ever, and only one that does can make another.")
	case lasts > MaxTokenFor:
		return nil, invalid("A token lasts at most %d days.", MaxTokenFor/(24*time.Hour))
	}
	asked := lasts > 0
	if !asked {
		lasts = DefaultTokenFor
	}
	ends := a.moment().Add(lasts)
	if last != nil && ends.After(*last) {
		if asked {
			return nil, invalid("A token ends no later than the one that makes it: that is %s. Sign in with a browser to make one that lasts longer.", last.Format(time.RFC3339))
		}
		ends = *last
	}
	return &ends, nil
}

// within says whether all that a scope covers is covered by another.
func within(inner, outer paas.Scope) bool {
	covered := func(name string) bool {
		team, _, _ := strings.Cut(name, "/")
		return len(outer.Teams) == 0 || slices.Contains(outer.Teams, team)
	}
	switch {
	case len(outer.Verbs) > 0 && !subset(inner.Verbs, outer.Verbs),
		len(outer.Apps) > 0 && !subset(inner.Apps, outer.Apps):
		return false
	case len(outer.Teams) == 0 || subset(inner.Teams, outer.Teams):
		return true
	}
	return len(inner.Teams) == 0 && len(inner.Apps) > 0 && !slices.ContainsFunc(inner.Apps, func(app string) bool { return !covered(app) })
}

// subset says whether a list, which is no empty one, holds nothing that another lacks.
func subset[T comparable](inner, outer []T) bool {
	return len(inner) > 0 && !slices.ContainsFunc(inner, func(one T) bool { return !slices.Contains(outer, one) })
}

// manages says with code forbidden, or not_found, that somebody may not make and end tokens for another.
// Nobody does so for a person.
func (a *Auth) manages(ctx context.Context, who paas.Identity, bot string) error {
	refused := paas.Errorf(paas.Forbidden, "%q may not make tokens for %q: everybody makes their own, and a maintainer of its team those of a bot.", who.User, bot)
	in, err := a.store.Members(ctx, "", bot)
	if err != nil {
		return err
	}
	foreign := func(m paas.Member) bool { return May(who, paas.Act{Verb: paas.VerbManage, Team: m.Team}) != nil }
	if len(in) == 0 || slices.ContainsFunc(in, foreign) {
		return refused
	}
	user, err := a.store.User(ctx, bot)
	if err == nil && user.Kind != paas.Bot {
		return refused
	}
	return err
}

// Tokens lists the caller's own tokens; those of a bot for who manages it, those of anybody for admins, and
// "*" for all. Code: forbidden.
func (a *Auth) Tokens(ctx context.Context, who paas.Identity, owner string) ([]paas.Token, error) {
	own := who.User
	if who.Kind == paas.Operator {
		own = ""
	}
	switch {
	case owner == "" || owner == own:
		return a.store.TokensOf(ctx, own)
	case May(who, paas.Act{Verb: paas.VerbPlatform}) == nil && owner == "*":
		return a.store.Tokens(ctx)
	case owner == "*":
		return nil, May(who, paas.Act{Verb: paas.VerbPlatform})
	case May(who, paas.Act{Verb: paas.VerbPlatform}) == nil:
		return a.store.TokensOf(ctx, owner)
	}
	if err := a.manages(ctx, who, owner); err != nil {
		return nil, err
	}
	return a.store.TokensOf(ctx, owner)
}

// RevokeToken ends a token, at once on every server: one of the caller's own, or of a bot that the caller
// manages, or any for admins. A narrowed token can end itself only. Code: not_found, also for a token of
// somebody else.
func (a *Auth) RevokeToken(ctx context.Context, who paas.Identity, id string) (paas.Token, error) {
	token, err := a.store.Token(ctx, id)
	if err != nil {
		return token, err
	}
	itself := who.Token != nil && who.Token.ID == id
	own := token.Owner == who.User && token.Owner != "" && who.Kind != paas.Operator && (who.Token == nil || !narrowed(who.Token.Scope))
	if !itself && !own && May(who, paas.Act{Verb: paas.VerbPlatform}) != nil && (token.Owner == "" || a.manages(ctx, who, token.Owner) != nil) {
		return paas.Token{}, paas.Errorf(paas.NotFound, "There is no token %q that you may revoke. `crumpet tokens list` shows yours.", id)
	}
	if err := a.store.RevokeToken(ctx, id, a.now().UTC()); err != nil {
		return paas.Token{}, err
	}
	return a.store.Token(ctx, id)
}

func wordsOf[T ~string](list []T) string {
	words := make([]string, len(list))
	for i, w := range list {
		words[i] = string(w)
	}
	return strings.Join(words, ", ")
}
