package vault

import (
	"context"
	"fmt"
	"time"
)

// Token is what Vault says of the server's own token.
type Token struct {
	Left      time.Duration // until it ends
	Life      time.Duration // that a renewal gives it
	Renewable bool
	Endless   bool // a root token: it never ends
	Renewed   bool // has just been renewed
}

// Self asks Vault about the server's own token. Code forbidden: it has run out.
func (c *Client) Self(ctx context.Context) (Token, error) {
	var body struct {
		TTL       int     `json:"ttl"`
		Period    int     `json:"period"`
		Creation  int     `json:"creation_ttl"`
		Expires   *string `json:"expire_time"`
		Renewable bool    `json:"renewable"`
	}
	if err := c.read(ctx, call{does: "look up own vault token", path: "auth/token/lookup-self"}, &body); err != nil {
		return Token{}, err
	}
	t := Token{
		Left: time.Duration(body.TTL) * time.Second, Life: time.Duration(body.Creation) * time.Second,
		Renewable: body.Renewable, Endless: body.Expires == nil,
	}
	if body.Period > 0 {
		t.Life = time.Duration(body.Period) * time.Second
	}
	return t, nil
}

// RenewSelf renews the server's own token, by its period where it has one.
func (c *Client) RenewSelf(ctx context.Context) (Token, error) {
	if _, err := c.write(ctx, call{does: "renew own vault token", path: "auth/token/renew-self"}, nil); err != nil {
		return Token{}, err
	}
	t, err := c.Self(ctx)
	t.Renewed = true
	return t, err
}

// Care is what the server's own token needs next.
type Care struct {
	In    time.Duration // to wait before it; 0 is at once
	Renew bool          // call RenewSelf then; otherwise only Self, as an operator or an agent may have put a new token
	Warn  string        // what an operator must do; "" when all is well
}

const (
	lookAgain = time.Hour   // at a token that needs nothing
	soonest   = time.Second // between two tries
	latest    = 5 * time.Minute
)

// CareFor decides when to renew the server's own token: in the middle of its life, so that half of it is
// left for a Vault that is away. failed is how many renewals in a row have failed.
//
//	never ends ---------------------------> look again in an hour
//	renewable, more than half left -------> renew at half
//	renewable, less left -----------------> renew now; after failures with back-off, within a quarter of the rest
//	just renewed and still less than half,
//	not renewable ------------------------> warn, and look again in half of what is left
func CareFor(t Token, failed int) Care {
	rest := t.Left - t.Life/2
	switch {
	case t.Endless:
		return Care{In: lookAgain}
	case !t.Renewable:
		return t.ending("can't be renewed")
	case t.Renewed && rest < 0:
		return t.ending("has reached the longest life that Vault gives it")
	case failed == 0:
		return Care{In: max(rest, 0), Renew: true}
	}
	wait := min(soonest<<min(failed, 10), latest)
	return Care{In: max(min(wait, t.Left/4), soonest), Renew: true}
}

func (t Token) ending(why string) Care {
	return Care{
		In: max(min(t.Left/2, lookAgain), soonest),
		Warn: fmt.Sprintf("Crumpet's token in Vault ends in %s and %s. Make a periodic one: `vault token create -orphan -period=72h -policy=crumpet -no-default-policy`, and put it where vault.token_file points.",
			t.Left, why),
	}
}
