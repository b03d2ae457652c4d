package bootstrap_test

import (
	"context"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/pki"
)

func TestAnErrorAboutAServiceHasTheLastFaultOfItsLog(t *testing.T) {
	t.Parallel()
	const said = "Nothing answers."
	for name, c := range map[string]struct{ log, want string }{
		"that it gave as it ended": {"[INFO] start\nError configuring seal \"transit\": refused\n\n", said + ` The log of vault on server-1 says: Error configuring seal "transit": refused`},
		"the last of several":      {"[ERROR] core: first\n[ERROR] core: second\n[INFO] done\n", said + " The log of vault on server-1 says: [ERROR] core: second"},
		"none":                     {"[INFO] no errors so far, terrorise nobody\n", said},
		"nothing":                  {"", said},
		"a long one":               {"error " + strings.Repeat("x", 1000), said + " The log of vault on server-1 says: error " + strings.Repeat("x", 394) + "..."},
	} {
		w := newWorld(t)
		m := w.fleet.Of(fleet.Server)[0]
		w.hosts[m.Name].on("crumpet-vault.service", func(_ *fakeHost, script string, _ []byte) ([]byte, error) {
			if !strings.HasPrefix(script, "journalctl") {
				t.Errorf("%s: it runs %q", name, script)
			}
			return []byte(c.log), nil
		})
		w.fleet.Init = fleet.Systemd
		err := w.run().WithWords(context.Background(), m, agents.VaultService(m), paas.Errorf(paas.Unavailable, said))
		if err.(*paas.Error).Message != c.want || paas.CodeOf(err) != paas.Unavailable { //nolint:errorlint // this one is to be it
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestWhatATransitSealNeedsIsReadHere(t *testing.T) {
	t.Parallel()
	ca, err := pki.NewAuthority("other", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	certificate := string(ca.Certificate())
	files := map[string]string{"token": " s.abc\n", "empty": "\n", "ca.pem": certificate}
	for name, c := range map[string]struct {
		token, ca string
		want      string // of the error, "" for none
	}{
		"both":                     {token: "token", ca: "ca.pem"},
		"an authority of machines": {token: "token"},
		"no file":                  {token: "none", want: `The token of Vault's seal can't be read from none. Check seal "transit".`},
		"an empty file":            {token: "empty", want: "The file empty of the token of Vault's seal is empty."},
		"no authority":             {token: "token", ca: "none", want: `The authority of Vault's seal can't be read from none. Check seal "transit".`},
		"no certificate":           {token: "token", ca: "token", want: "The file token of the authority of Vault's seal holds no certificate: write it in PEM, -----BEGIN CERTIFICATE-----."},
	} {
		w := newWorld(t)
		w.fleet.Seal = fleet.Seal{Kind: fleet.Transit, TokenFile: c.token, CAFile: c.ca}
		w.open = func(_ context.Context, source string) (io.ReadCloser, error) {
			text, ok := files[source]
			if !ok {
				return nil, paas.Wrap(paas.NotFound, fs.ErrNotExist, "There is no file %s.", source)
			}
			return io.NopCloser(strings.NewReader(text)), nil
		}
		got, err := w.run().SealSecrets(context.Background())
		switch {
		case c.want != "":
			if err == nil || !strings.HasPrefix(err.Error(), c.want) {
				t.Errorf("%s: %v, want %q", name, err, c.want)
			}
		case err != nil || got.SealToken != "s.abc" || c.ca != "" && strings.TrimSpace(got.SealCA) != strings.TrimSpace(certificate) || c.ca == "" && got.SealCA != "":
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}
