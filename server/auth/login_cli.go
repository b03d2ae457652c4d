package auth

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// CLITokenFor is how long the token of a CLI's sign-in lasts.
const CLITokenFor = 90 * 24 * time.Hour

// AgreeCLI lets a CLI act as whoever is signed in with a browser. It gives a code that is redeemed with the
// verifier of the challenge, once, within two minutes. A token can't agree: what was narrowed, or is to end,
// would make a token that is neither. Code: forbidden.
func (l *Logins) AgreeCLI(ctx context.Context, who paas.Identity, challenge string) (paas.Agreed, error) {
	if who.Session == "" {
		return paas.Agreed{}, paas.Errorf(paas.Forbidden, "Only somebody who has signed in with a browser can let a CLI act as them.")
	}
	agreed := paas.Agreed{Code: newSecret(), ExpiresAt: l.now().Add(codeWithin).UTC()}
	return agreed, l.store.AddLogin(ctx, paas.Login{
		Hash: hash(agreed.Code), Kind: paas.LoginCLI, Verifier: challenge, User: who.User, ExpiresAt: agreed.ExpiresAt,
	})
}

// RedeemCLI gives a CLI the token that somebody has agreed to. A wrong verifier uses the code up.
// Codes: unauthorized, invalid.
func (l *Logins) RedeemCLI(ctx context.Context, code, verifier, name string) (plain string, token paas.Token, err error) {
	refused := func() error {
		return paas.Errorf(paas.Unauthorized, "This code can't be redeemed: it serves once, within two minutes, for the CLI that asked. Run `crumpet login` again.")
	}
	row, err := l.store.TakeLogin(ctx, paas.LoginCLI, hash(code), l.now())
	switch {
	case paas.CodeOf(err) == paas.NotFound:
		return "", token, refused()
	case err != nil:
		return "", token, err
	case subtle.ConstantTimeCompare([]byte(row.Verifier), []byte(s256(verifier))) != 1:
		return "", token, refused()
	}
	user, err := l.store.User(ctx, row.User)
	if paas.CodeOf(err) == paas.NotFound || err == nil && user.Disabled {
		return "", token, refused()
	}
	if err != nil {
		return "", token, err
	}
	return l.grants.IssuePersonal(ctx, user.Name, shown(name, 64), CLITokenFor)
}

// IssuePersonal makes a token that is its owner's in full, and gives its plain text: it is given here once.
func (a *Auth) IssuePersonal(ctx context.Context, owner, name string, lasts time.Duration) (string, paas.Token, error) {
	return a.issuePersonal(ctx, owner, name, lasts)
}
