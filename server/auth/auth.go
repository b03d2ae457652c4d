package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Prefix begins every token.
const Prefix = "crumpet_"

const (
	tokenBytes = 32
	minLength  = 20               // of a token that was not made here, without the prefix
	cacheFor   = 30 * time.Second // how long a deleted token may still be taken
	cacheSize  = 1024             // tokens
)

// Store keeps tokens by their hash.
type Store interface {
	PutToken(ctx context.Context, token paas.Token) error
	// FirstToken adds the token if there is none at all, and says whether it did.
	FirstToken(ctx context.Context, token paas.Token) (bool, error)
	// Token gives the token of that hash: not_found if there is none.
	Token(ctx context.Context, hash string) (paas.Token, error)
}

// Auth issues and checks tokens.
type Auth struct {
	store Store
	now   func() time.Time

	mu    sync.Mutex // guards known
	known map[string]known
}

// known is a token that the store had a moment ago.
type known struct {
	token paas.Token
	until time.Time
}

// New makes an Auth over a store.
func New(store Store, now func() time.Time) *Auth {
	return &Auth{store: store, now: now, known: map[string]known{}}
}

// NewToken makes the plain text of a token that nobody has yet.
func NewToken() string {
	secret := make([]byte, tokenBytes)
	_, _ = rand.Read(secret) // never fails: crypto/rand ends the program instead
	return Prefix + base64.RawURLEncoding.EncodeToString(secret)
}

// Issue makes a new token. The plain text is given here once and can't be had again.
func (a *Auth) Issue(ctx context.Context, name string) (string, error) {
	plain := NewToken()
	return plain, a.Adopt(ctx, name, plain)
}

// Adopt stores a token that was made elsewhere, such as by the supervisor of crumpet dev. The same
// token may be adopted again.
func (a *Auth) Adopt(ctx context.Context, name, plain string) error {
	token, err := a.adopted(name, plain)
	if err != nil {
		return err
	}
	return a.store.PutToken(ctx, token)
}

func (a *Auth) adopted(name, plain string) (paas.Token, error) {
	if len(strings.TrimPrefix(plain, Prefix)) < minLength || !strings.HasPrefix(plain, Prefix) {
		return paas.Token{}, paas.Errorf(paas.Invalid, "A token begins with %q and has at least %d characters after it.", Prefix, minLength)
	}
	return paas.Token{Hash: hash(plain), Name: name, CreatedAt: a.now().UTC()}, nil
}

// AdoptFirst is Adopt where there is no token yet, and says whether that was so.
func (a *Auth) AdoptFirst(ctx context.Context, name, plain string) (bool, error) {
	token, err := a.adopted(name, plain)
	if err != nil {
		return false, err
	}
	return a.store.FirstToken(ctx, token)
}

// Check gives whom an Authorization header proves. Codes: unauthorized, and those of the store when it
// does not answer.
func (a *Auth) Check(ctx context.Context, header string) (paas.Identity, error) {
	token, err := a.token(ctx, header)
	if err != nil {
		return paas.Identity{}, err
	}
	return paas.Identity{User: token.Name, Kind: paas.Operator, Admin: true, Token: &token}, nil
}

// May says with code forbidden that somebody may not do something.
func (a *Auth) May(who paas.Identity, act paas.Act) error { return May(who, act) }

func (a *Auth) token(ctx context.Context, header string) (paas.Token, error) {
	scheme, plain, found := strings.Cut(header, " ")
	plain = strings.TrimSpace(plain)
	switch {
	case header == "":
		return paas.Token{}, paas.Errorf(paas.Unauthorized, "This call needs a token. Run `crumpet login`, or set CRUMPET_TOKEN.")
	case !found || !strings.EqualFold(scheme, "Bearer"):
		return paas.Token{}, paas.Errorf(paas.Unauthorized, "The Authorization header must be `Bearer TOKEN`.")
	case !strings.HasPrefix(plain, Prefix):
		return paas.Token{}, paas.Errorf(paas.Unauthorized, "That is no token of Crumpet's: those begin with %s. Run `crumpet login` with a valid one, or set CRUMPET_TOKEN.", Prefix)
	}
	return a.lookup(ctx, hash(plain))
}

func (a *Auth) lookup(ctx context.Context, digest string) (paas.Token, error) {
	if token, ok := a.recall(digest); ok {
		return token, nil
	}
	token, err := a.store.Token(ctx, digest)
	switch {
	case paas.CodeOf(err) == paas.NotFound:
		return paas.Token{}, refused()
	case err != nil:
		return paas.Token{}, err
	// A database may compare in its own way (collation, prefix): only equal bytes are the token.
	case subtle.ConstantTimeCompare([]byte(token.Hash), []byte(digest)) != 1:
		return paas.Token{}, refused()
	}
	a.remember(digest, token)
	return token, nil
}

func refused() error {
	return paas.Errorf(paas.Unauthorized, "The server does not know this token. Run `crumpet login` with a valid one, or set CRUMPET_TOKEN.")
}

// recall looks up by hash: what a timing of the map would tell is a hash, which proves nothing.
func (a *Auth) recall(digest string) (paas.Token, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	k, ok := a.known[digest]
	if !ok || !a.now().Before(k.until) {
		return paas.Token{}, false
	}
	return k.token, true
}

func (a *Auth) remember(digest string, token paas.Token) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) >= cacheSize {
		clear(a.known)
	}
	a.known[digest] = known{token: token, until: a.now().Add(cacheFor)}
}

func hash(plain string) string {
	sum := sha256.Sum256([]byte(plain))
	return hex.EncodeToString(sum[:])
}
