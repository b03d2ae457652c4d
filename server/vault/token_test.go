package vault_test

import (
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/vault"
)

func TestTheOwnTokenIsRenewedInTheMiddleOfItsLife(t *testing.T) {
	t.Parallel()
	const h = time.Hour
	tests := []struct {
		name   string
		token  vault.Token
		failed int
		want   vault.Care
		warns  string
	}{
		{"fresh", vault.Token{Left: 72 * h, Life: 72 * h, Renewable: true}, 0, vault.Care{In: 36 * h, Renew: true}, ""},
		{"just renewed", vault.Token{Left: 72 * h, Life: 72 * h, Renewable: true, Renewed: true}, 0, vault.Care{In: 36 * h, Renew: true}, ""},
		{"past the middle, at a start", vault.Token{Left: 10 * h, Life: 72 * h, Renewable: true}, 0, vault.Care{Renew: true}, ""},
		{"a first failure", vault.Token{Left: 10 * h, Life: 72 * h, Renewable: true}, 1, vault.Care{In: 2 * time.Second, Renew: true}, ""},
		{"many failures", vault.Token{Left: 10 * h, Life: 72 * h, Renewable: true}, 1000, vault.Care{In: 5 * time.Minute, Renew: true}, ""},
		{"failures near the end", vault.Token{Left: 40 * time.Second, Life: 72 * h, Renewable: true}, 9, vault.Care{In: 10 * time.Second, Renew: true}, ""},
		{"failures at the end", vault.Token{Left: 0, Life: 72 * h, Renewable: true}, 9, vault.Care{In: time.Second, Renew: true}, ""},
		{"it never ends", vault.Token{Endless: true}, 0, vault.Care{In: h}, ""},
		{"it can't be renewed", vault.Token{Left: 72 * h, Life: 72 * h}, 0, vault.Care{In: h}, "ends in 72h0m0s and can't be renewed"},
		{"it can't be renewed, near the end", vault.Token{Left: 30 * time.Minute, Life: h}, 0, vault.Care{In: 15 * time.Minute}, "can't be renewed"},
		{"renewing gave it little", vault.Token{Left: h, Life: 72 * h, Renewable: true, Renewed: true}, 0, vault.Care{In: 30 * time.Minute}, "longest life"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := vault.CareFor(tt.token, tt.failed)
			if (tt.warns == "") != (got.Warn == "") || !strings.Contains(got.Warn, tt.warns) {
				t.Errorf("it warns %q, want %q", got.Warn, tt.warns)
			}
			got.Warn = ""
			if diff := gocmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTheOwnTokenIsLookedUpAndRenewed(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, v *target) {
		own, err := v.crumpet.Self(t.Context())
		if err != nil || own.Life != 72*time.Hour || own.Left <= 71*time.Hour || !own.Renewable || own.Endless || own.Renewed {
			t.Errorf("own token: %+v, %v", own, err)
		}
		own, err = v.crumpet.RenewSelf(t.Context())
		if err != nil || own.Life != 72*time.Hour || own.Left <= 71*time.Hour || !own.Renewed {
			t.Errorf("renewed: %+v, %v", own, err)
		}
		root, err := vault.New(vault.Config{Addr: v.addr, Token: v.root, Timeout: 30 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if own, err = root.Self(t.Context()); err != nil || !own.Endless {
			t.Errorf("a root token: %+v, %v", own, err)
		}
	})
}
