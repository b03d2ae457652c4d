package auth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	providerWithin = 10 * time.Second // for one request to a provider
	askAgain       = 5 * time.Second  // after a provider was not found
)

// ProviderConfig says how people of an OIDC provider sign in.
type ProviderConfig struct {
	Name        string // in Crumpet
	Issuer      string
	ClientID    string
	Secret      func() (string, error) // asked for each sign-in; gives "" for a public client
	Redirect    string                 // URL that the provider sends browsers back to
	Scopes      []string               // beside openid
	GroupsClaim string
	NameClaim   string
	Groups      []GroupRule
}

// GroupRule says what people of a provider's group are in Crumpet.
type GroupRule struct {
	Group string
	Team  string
	Role  paas.Role
	Admin bool // of the platform, in place of a role in a team
}

// Provider signs people in at an OIDC provider, by the code flow with PKCE:
//
//	begin: state, nonce, verifier, binding --> a login row; the browser goes to the provider, and has a cookie
//	the browser comes back with state, code and cookie; the row is taken, so that it serves once
//	finish: code + verifier --> ID token: signature, issuer, audience, expiry, nonce --> person
//
// The provider is asked for its addresses and keys when somebody first signs in, and again when it was not
// there: a provider that is down keeps nobody else out.
type Provider struct {
	config ProviderConfig
	now    func() time.Time
	log    *slog.Logger
	client *http.Client

	mu     sync.Mutex // guards the following; held while the provider is asked, so that it is asked once
	found  *oidc.Provider
	failed error
	again  time.Time
}

// NewProvider makes a Provider. Nothing is asked of it yet.
func NewProvider(config ProviderConfig, now func() time.Time, log *slog.Logger) *Provider {
	return &Provider{config: config, now: now, log: log.With("component", "auth", "provider", config.Name), client: &http.Client{
		Timeout: providerWithin,
		// A redirect could take the code and the client's secret somewhere else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// discover gives the provider's addresses and keys. Code: unavailable.
func (p *Provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil {
		return p.found, nil
	}
	if p.now().Before(p.again) {
		return nil, p.failed
	}
	// Not the caller's: another one waits for the same answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), providerWithin)
	defer cancel()
	found, err := oidc.NewProvider(oidc.ClientContext(ctx, p.client), p.config.Issuer)
	if err != nil {
		p.failed = p.unavailable(err)
		p.again = p.now().Add(askAgain)
		return nil, p.failed
	}
	p.found = found
	return found, nil
}

func (p *Provider) unavailable(err error) error {
	return paas.Wrap(paas.Unavailable, err, "The provider %q does not answer as an OIDC provider at %s. Try again, or ask whoever looks after it.", p.config.Name, p.config.Issuer)
}

// distrust is said of what a provider or a browser brought that is not to be believed. The reason is for the
// log only: it may be an attacker's words.
func (p *Provider) distrust(reason string, err error) error {
	cause := fmt.Errorf("%s: %w", reason, errDistrusted)
	if err != nil {
		cause = fmt.Errorf("%s: %w: %w", reason, errDistrusted, err)
	}
	return paas.Wrap(paas.Unauthorized, cause, "What the provider %q answered can't be believed. Begin again at the page of signing in.", p.config.Name)
}

// Reasons of a refused sign-in, which decide what the page says of it.
var (
	errDistrusted = errors.New("answer of the provider is not to be believed")
	errDenied     = errors.New("sign-in was denied at the provider")
	errStale      = errors.New("sign-in is not under way")
	errDisabled   = errors.New("user is disabled")
)

func (p *Provider) oauth(found *oidc.Provider) (*oauth2.Config, error) {
	secret, err := p.config.Secret()
	if err != nil {
		return nil, paas.Wrap(paas.Unavailable, err, "The server can't read its secret for the provider %q. Ask whoever looks after it.", p.config.Name)
	}
	return &oauth2.Config{
		ClientID: p.config.ClientID, ClientSecret: secret, Endpoint: found.Endpoint(), RedirectURL: p.config.Redirect,
		Scopes: append([]string{oidc.ScopeOpenID}, p.config.Scopes...),
	}, nil
}

// begin gives where a browser goes, with the row that finish needs, without its hash, and expiry.
func (p *Provider) begin(ctx context.Context, state string) (string, paas.Login, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return "", paas.Login{}, err
	}
	config, err := p.oauth(found)
	if err != nil {
		return "", paas.Login{}, err
	}
	row := paas.Login{Kind: paas.LoginOIDC, Provider: p.config.Name, Verifier: oauth2.GenerateVerifier(), Nonce: newSecret()}
	return config.AuthCodeURL(state, oidc.Nonce(row.Nonce), oauth2.S256ChallengeOption(row.Verifier)), row, nil
}

// finish redeems what the browser brought back, and gives who it is. Codes: unauthorized, unavailable.
func (p *Provider) finish(ctx context.Context, row paas.Login, query url.Values) (person, error) {
	if word := query.Get("error"); word != "" {
		return person{}, paas.Wrap(paas.Unauthorized, fmt.Errorf("%w: %.64q", errDenied, word), "The provider %q did not let you in. Try again, or ask whoever looks after it.", p.config.Name)
	}
	found, err := p.discover(ctx)
	if err != nil {
		return person{}, err
	}
	// RFC 9207: an answer that says who gives it is believed from that one only.
	if issuer := query.Get("iss"); issuer != "" && issuer != p.config.Issuer {
		return person{}, p.distrust("answer names another issuer", nil)
	}
	config, err := p.oauth(found)
	if err != nil {
		return person{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, p.client), 2*providerWithin)
	defer cancel()
	tokens, err := config.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(row.Verifier))
	if refusal, ok := errors.AsType[*oauth2.RetrieveError](err); ok && refusal.Response.StatusCode < http.StatusInternalServerError {
		return person{}, p.distrust("code was not redeemed", fmt.Errorf("status %d, error %.64q", refusal.Response.StatusCode, refusal.ErrorCode))
	} else if err != nil {
		return person{}, p.unavailable(err)
	}
	return p.person(ctx, found, row, tokens)
}

// person believes an ID token, or not.
func (p *Provider) person(ctx context.Context, found *oidc.Provider, row paas.Login, tokens *oauth2.Token) (person, error) {
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return person{}, p.distrust("there is no ID token", nil)
	}
	// Signature (by the provider's keys and an algorithm with keys: never none), issuer, audience, expiry.
	token, err := found.Verifier(&oidc.Config{ClientID: p.config.ClientID, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return person{}, p.distrust("ID token is not valid", err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(row.Nonce)) != 1 {
		return person{}, p.distrust("ID token has another nonce", nil)
	}
	var own struct {
		Party string `json:"azp"`
	}
	claims := map[string]any{}
	if err := errors.Join(token.Claims(&own), token.Claims(&claims)); err != nil {
		return person{}, p.distrust("claims can't be read", err)
	}
	if own.Party != "" && own.Party != p.config.ClientID || own.Party == "" && len(token.Audience) > 1 {
		return person{}, p.distrust("ID token was made for another client", nil)
	}
	if token.Subject == "" || len(token.Subject) > 255 { // the longest that OpenID Connect allows
		return person{}, p.distrust("subject is empty or too long", nil)
	}
	if err := p.complete(ctx, found, token, tokens, claims); err != nil {
		return person{}, err
	}
	who, problem := p.config.read(token.Subject, claims)
	if problem != "" {
		p.log.WarnContext(ctx, "claims of a provider are not as configured", "problem", problem)
	}
	return who, nil
}

// complete asks for the claims that the ID token lacks: many providers tell groups and names only so.
func (p *Provider) complete(ctx context.Context, found *oidc.Provider, token *oidc.IDToken, tokens *oauth2.Token, claims map[string]any) error {
	wanted := []string{p.config.NameClaim}
	if len(p.config.Groups) > 0 {
		wanted = append(wanted, p.config.GroupsClaim)
	}
	lacks := slices.ContainsFunc(wanted, func(name string) bool { _, ok := claims[name]; return !ok })
	if !lacks || found.UserInfoEndpoint() == "" {
		return nil
	}
	if token.AccessTokenHash != "" {
		if err := token.VerifyAccessToken(tokens.AccessToken); err != nil {
			return p.distrust("access token is not the ID token's", err)
		}
	}
	info, err := found.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err != nil {
		return p.unavailable(err)
	}
	if info.Subject != token.Subject { // OpenID Connect Core 5.3.2: else it may be somebody else's
		return p.distrust("user info is of another subject", nil)
	}
	more := map[string]any{}
	if err := info.Claims(&more); err != nil {
		return p.distrust("user info can't be read", err)
	}
	for name, value := range more {
		if _, ok := claims[name]; !ok {
			claims[name] = value
		}
	}
	return nil
}

// newSecret makes 32 random bytes as text that can stand in a URL and a cookie.
func newSecret() string { return oauth2.GenerateVerifier() }

// s256 is PKCE's challenge of a verifier.
func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
