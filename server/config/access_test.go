package config_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/config"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestAProviderIsReadWithWhatItLeavesOut(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Default().Source([]byte(`
url = "https://crumpet.example.com/"
oidc "corp" {
  issuer             = "https://login.example.com"
  client_id          = "crumpet"
  client_secret_file = "`+secret+`"
  group "shop-devs" {
    team = "shop"
    role = "developer"
  }
  group "platform" {
    admin = true
  }
}
oidc "lab" {
  issuer    = "http://127.0.0.1:9998"
  client_id = "lab"
  scopes    = ["groups"]
}
session { idle = "30m" }
limits { rate = 2.5 }
`), "server.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if c, err = c.Validate(); err != nil {
		t.Fatal(err, paas.FaultsOf(err))
	}
	want := []config.OIDC{
		{
			Name: "corp", Issuer: "https://login.example.com", ClientID: "crumpet", ClientSecretFile: secret, Scopes: []string{"profile", "email"},
			GroupsClaim: "groups", NameClaim: "preferred_username",
			Groups: []config.Group{{Name: "shop-devs", Team: "shop", Role: "developer"}, {Name: "platform", Admin: true}},
		},
		{Name: "lab", Issuer: "http://127.0.0.1:9998", ClientID: "lab", Scopes: []string{"groups"}, GroupsClaim: "groups", NameClaim: "preferred_username"},
	}
	if diff := cmp.Diff(want, c.OIDC); diff != "" {
		t.Error(diff)
	}
	if c.URL != "https://crumpet.example.com" || c.Idle().String() != "30m0s" || c.Absolute().String() != "24h0m0s" || c.Limits.Rate != 2.5 || c.Limits.Burst != 200 {
		t.Errorf("url %q, session %v, limits %v", c.URL, c.Session, c.Limits)
	}
}

func TestEveryFaultOfSigningInIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	c, err := config.Default().Source([]byte(`
url = "http://crumpet.example.com"
oidc "Corp" {
  issuer = "https://login.example.com"
  client_id = "x"
}
oidc "corp" {
  issuer             = "http://login.example.com"
  client_secret_file = "/nowhere/secret"
  scopes             = ["a b"]
  groups_claim       = "a claim"
  group "a" {}
  group "b" {
    team  = "shop"
    admin = true
  }
  group "c" {
    team = "Shop"
    role = "admin"
  }
}
oidc "corp" {
  issuer    = "nowhere"
  client_id = "x"
}
session {
  idle     = "25h"
  absolute = "24h"
}
limits {
  rate        = -1
  login_burst = -1
}
`), "server.hcl")
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Validate()
	var at []string
	for _, f := range paas.FaultsOf(err) {
		at = append(at, f.Location)
	}
	want := strings.Fields(`limits.login_burst limits.rate oidc oidc.corp oidc.corp.client_id oidc.corp.client_secret_file oidc.corp.group.a oidc.corp.group.b
		oidc.corp.group.c.role oidc.corp.group.c.team oidc.corp.groups_claim oidc.corp.issuer oidc.corp.issuer oidc.corp.scopes session.idle url`)
	if diff := cmp.Diff(want, at); diff != "" {
		t.Errorf("%s\n%v", diff, paas.FaultsOf(err))
	}
}

func TestASessionThatCantBeReadIsAFault(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Session = &config.Session{Idle: "soon", Absolute: "31d"}
	_, err := c.Validate()
	var at []string
	for _, f := range paas.FaultsOf(err) {
		at = append(at, f.Location)
	}
	if diff := cmp.Diff([]string{"session.absolute", "session.idle"}, at); diff != "" {
		t.Error(diff)
	}
}

func TestTrustedProxiesAreAddressesAndRanges(t *testing.T) {
	t.Parallel()
	c, err := config.Default().Source([]byte(`trusted_proxies = ["10.0.0.0/24", "192.0.2.7", "fd00::/64"]`), "server.hcl")
	if err != nil {
		t.Fatal(err)
	}
	if c, err = c.Validate(); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(c.TrustedProxies()); got != "[10.0.0.0/24 192.0.2.7/32 fd00::/64]" {
		t.Errorf("got %s", got)
	}
	for _, text := range []string{"", "proxy.example.com", "0.0.0.0/0", "::/0", "10.0.0.1/24", "10.0.0.1:80", "fe80::1%eth0"} {
		c := config.Default()
		c.Proxies = []string{text}
		_, err := c.Validate()
		if faults := paas.FaultsOf(err); len(faults) != 1 || faults[0].Location != "trusted_proxies" {
			t.Errorf("%q: %v %v", text, err, faults)
		}
	}
}
