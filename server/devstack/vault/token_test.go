package vault_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	vaultapi "github.com/hashicorp/vault/api"
)

func TestPoliciesAreStored(t *testing.T) {
	t.Parallel()
	s := contract(t, "stored")
	text := `path "stored/data/a" { capabilities = ["read"] }`
	check(t, s.Sys().PutPolicy("Stored-Policy", text))
	got, err := s.Sys().GetPolicy("stored-policy")
	check(t, err)
	if got != text {
		t.Errorf("got %q", got)
	}
	names, err := s.Sys().ListPolicies()
	check(t, err)
	for _, name := range []string{"default", "root", "stored-policy"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not among %q", name, names)
		}
	}
	check(t, s.Sys().DeletePolicy("stored-policy"))
	if got, err := s.Sys().GetPolicy("stored-policy"); err != nil || got != "" {
		t.Errorf("a deleted policy is %q, %v", got, err)
	}
}

func TestPoliciesDecide(t *testing.T) {
	t.Parallel()
	s := contract(t, "acl")
	for name, tc := range map[string]struct {
		policies []string
		path     string
		want     []string
	}{
		"nothing is allowed by itself":                      {[]string{`path "other" { capabilities = ["read"] }`}, "acl/data/a", []string{"deny"}},
		"an exact path allows that path":                    {[]string{`path "acl/data/a" { capabilities = ["read"] }`}, "acl/data/a", []string{"read"}},
		"an exact path allows nothing below it":             {[]string{`path "acl/data/a" { capabilities = ["read"] }`}, "acl/data/a/b", []string{"deny"}},
		"a star at the end allows all below":                {[]string{`path "acl/data/*" { capabilities = ["read"] }`}, "acl/data/a/b", []string{"read"}},
		"a star goes on within a segment":                   {[]string{`path "acl/data/ab*" { capabilities = ["read"] }`}, "acl/data/abc/d", []string{"read"}},
		"a plus is one segment":                             {[]string{`path "acl/+/a" { capabilities = ["read"] }`}, "acl/data/a", []string{"read"}},
		"a plus is not two segments":                        {[]string{`path "acl/+/a" { capabilities = ["read"] }`}, "acl/data/b/a", []string{"deny"}},
		"a plus and a star go together":                     {[]string{`path "acl/+/te*" { capabilities = ["read"] }`}, "acl/data/team/x", []string{"read"}},
		"deny wins over what the same rule allows":          {[]string{`path "acl/data/a" { capabilities = ["read", "deny"] }`}, "acl/data/a", []string{"deny"}},
		"deny wins over what another policy allows":         {[]string{`path "acl/data/a" { capabilities = ["read"] }`, `path "acl/data/a" { capabilities = ["deny"] }`}, "acl/data/a", []string{"deny"}},
		"two policies add up on one pattern":                {[]string{`path "acl/data/a" { capabilities = ["read"] }`, `path "acl/data/a" { capabilities = ["update"] }`}, "acl/data/a", []string{"read", "update"}},
		"the more specific pattern decides alone":           {[]string{`path "acl/*" { capabilities = ["read", "update"] }`, `path "acl/data/a" { capabilities = ["read"] }`}, "acl/data/a", []string{"read"}},
		"a specific permission stands out of a wide deny":   {[]string{`path "acl/*" { capabilities = ["deny"] }`, `path "acl/data/a" { capabilities = ["read"] }`}, "acl/data/a", []string{"read"}},
		"a longer prefix is more specific":                  {[]string{`path "acl/*" { capabilities = ["read"] }`, `path "acl/data/*" { capabilities = ["update"] }`}, "acl/data/a", []string{"update"}},
		"a later wildcard is more specific than an earlier": {[]string{`path "acl/+/a" { capabilities = ["read"] }`, `path "acl/data/*" { capabilities = ["update"] }`}, "acl/data/a", []string{"update"}},
		"JSON says the same as HCL":                         {[]string{`{"path":{"acl/data/a":{"capabilities":["read"]}}}`}, "acl/data/a", []string{"read"}},
	} {
		t.Run(name, func(t *testing.T) {
			var names []string
			for i, text := range tc.policies {
				names = append(names, "decide-"+string(rune('a'+i)))
				check(t, s.Sys().PutPolicy(names[i], text))
			}
			got, err := s.as(t, &vaultapi.TokenCreateRequest{Policies: names}).Sys().CapabilitiesSelf(tc.path)
			check(t, err)
			slices.Sort(got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("capabilities (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCallsNeedTheirCapability(t *testing.T) {
	t.Parallel()
	s := contract(t, "caps")
	_, err := s.Logical().Write("caps/data/there", map[string]any{"data": map[string]any{"A": "1"}})
	check(t, err)
	read := func(c *vaultapi.Client) error { _, err := c.Logical().Read("caps/data/there"); return err }
	list := func(c *vaultapi.Client) error { _, err := c.Logical().List("caps/metadata/"); return err }
	write := func(key string) func(c *vaultapi.Client) error {
		return func(c *vaultapi.Client) error {
			_, err := c.Logical().Write("caps/data/"+key, map[string]any{"data": map[string]any{"A": "1"}})
			return err
		}
	}
	remove := func(c *vaultapi.Client) error { _, err := c.Logical().Delete("caps/data/there"); return err }
	mount := func(c *vaultapi.Client) error {
		_, err := c.Logical().Read("sys/internal/ui/mounts/caps/data/there")
		return err
	}
	enable := func(c *vaultapi.Client) error {
		return c.Sys().EnableAuthWithOptions("caps", &vaultapi.EnableAuthOptions{Type: "boo"})
	}
	for _, tc := range []struct {
		name, rule string
		call       func(*vaultapi.Client) error
		allowed    bool
	}{
		{"read is allowed by read", `path "caps/data/there" { capabilities = ["read"] }`, read, true},
		{"read is not allowed by list", `path "caps/data/there" { capabilities = ["list"] }`, read, false},
		{"list is allowed by list", `path "caps/metadata/" { capabilities = ["list"] }`, list, true},
		{"list is allowed without the slash at the end", `path "caps/metadata" { capabilities = ["list"] }`, list, true},
		{"list is not allowed by read", `path "caps/metadata/*" { capabilities = ["read"] }`, list, false},
		{"a new key needs create", `path "caps/data/new1" { capabilities = ["update"] }`, write("new1"), false},
		{"a new key is allowed by create", `path "caps/data/new2" { capabilities = ["create"] }`, write("new2"), true},
		{"a key that is there needs update", `path "caps/data/there" { capabilities = ["create"] }`, write("there"), false},
		{"a key that is there is allowed by update", `path "caps/data/there" { capabilities = ["update"] }`, write("there"), true},
		{"delete is not allowed by update", `path "caps/data/*" { capabilities = ["update"] }`, remove, false},
		{"delete is allowed by delete", `path "caps/data/*" { capabilities = ["delete"] }`, remove, true},
		{"who may read in a mount is told its version", `path "caps/data/there" { capabilities = ["read"] }`, mount, true},
		{"who may nothing in a mount is not told its version", `path "other/*" { capabilities = ["read"] }`, mount, false},
		{"sys/auth needs sudo", `path "sys/auth/*" { capabilities = ["create", "update"] }`, enable, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			check(t, s.Sys().PutPolicy("caps", tc.rule))
			err := tc.call(s.as(t, &vaultapi.TokenCreateRequest{Policies: []string{"caps"}}))
			if tc.allowed {
				check(t, err)
				return
			}
			refused(t, err, 403, "")
		})
	}
	refused(t, read(client(t, s.url, "")), 403, "permission denied")
	refused(t, read(client(t, s.url, "no-such-token")), 403, "permission denied")
}

func TestTokensDescribeThemselves(t *testing.T) {
	t.Parallel()
	s := contract(t, "lookup")
	c := s.as(t, &vaultapi.TokenCreateRequest{Policies: []string{"one", "Two"}, TTL: "1h", Metadata: map[string]string{"app": "shop"}, DisplayName: "shop"})
	self, err := c.Auth().Token().LookupSelf()
	check(t, err)
	policies, err := self.TokenPolicies()
	check(t, err)
	if diff := cmp.Diff([]string{"default", "one", "two"}, policies); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
	ttl, err := self.TokenTTL()
	check(t, err)
	if ttl > time.Hour || ttl < 50*time.Minute || self.Data["display_name"] != "token-shop" || self.Data["orphan"] != false || self.Data["type"] != "service" {
		t.Errorf("token is %v", self.Data)
	}
	if diff := cmp.Diff(map[string]any{"app": "shop"}, self.Data["meta"]); diff != "" {
		t.Errorf("meta (-want +got):\n%s", diff)
	}
	other, err := s.Auth().Token().Lookup(c.Token())
	check(t, err)
	if other.Data["accessor"] != self.Data["accessor"] || other.Data["accessor"] == "" {
		t.Errorf("looked up %v", other.Data)
	}
	renewed, err := c.Auth().Token().RenewSelf(7200)
	check(t, err)
	if renewed.Auth.LeaseDuration < 7100 || !renewed.Auth.Renewable {
		t.Errorf("renewed to %+v", renewed.Auth)
	}
	if _, err := c.Auth().Token().Create(&vaultapi.TokenCreateRequest{}); err == nil {
		t.Error("a token without a policy for it made another")
	}
	check(t, c.Auth().Token().RevokeSelf(""))
	_, err = c.Auth().Token().LookupSelf()
	refused(t, err, 403, "permission denied")
}

func TestATokenGivesNoMoreThanItHas(t *testing.T) {
	t.Parallel()
	s := contract(t, "child")
	check(t, s.Sys().PutPolicy("maker", `path "auth/token/create" { capabilities = ["update"] }`))
	maker := s.as(t, &vaultapi.TokenCreateRequest{Policies: []string{"maker"}})
	_, err := maker.Auth().Token().Create(&vaultapi.TokenCreateRequest{Policies: []string{"root"}})
	if err == nil {
		t.Error("it made a root token")
	}
	_, err = maker.Auth().Token().Create(&vaultapi.TokenCreateRequest{Policies: []string{"other"}})
	refused(t, err, 400, "child policies must be subset of parent")
	child, err := maker.Auth().Token().Create(&vaultapi.TokenCreateRequest{Policies: []string{"maker"}})
	check(t, err)
	check(t, maker.Auth().Token().RevokeSelf(""))
	_, err = client(t, s.url, child.Auth.ClientToken).Auth().Token().LookupSelf()
	refused(t, err, 403, "permission denied") // it went with its parent
}

func TestTokensExpire(t *testing.T) {
	t.Parallel()
	s := ready(t, t.TempDir())
	short := s.as(t, &vaultapi.TokenCreateRequest{TTL: "1h", Policies: []string{"default"}})
	periodic := s.as(t, &vaultapi.TokenCreateRequest{Period: "1h", Policies: []string{"default"}})
	capped := s.as(t, &vaultapi.TokenCreateRequest{TTL: "1h", ExplicitMaxTTL: "90m", Policies: []string{"default"}})
	twice := s.as(t, &vaultapi.TokenCreateRequest{NumUses: 2, Policies: []string{"default"}})
	for n, c := range []*vaultapi.Client{twice, twice} {
		if _, err := c.Auth().Token().LookupSelf(); err != nil {
			t.Errorf("use %d: %v", n, err)
		}
	}
	_, err := twice.Auth().Token().LookupSelf()
	refused(t, err, 403, "permission denied")

	s.clock.add(50 * time.Minute)
	for name, tc := range map[string]struct {
		c    *vaultapi.Client
		want time.Duration
	}{"periodic": {periodic, time.Hour}, "capped": {capped, 40 * time.Minute}} {
		got, err := tc.c.Auth().Token().RenewSelf(0)
		check(t, err)
		if d := time.Duration(got.Auth.LeaseDuration) * time.Second; d > tc.want || d < tc.want-time.Second {
			t.Errorf("%s was renewed for %s, want %s", name, d, tc.want)
		}
	}
	s.clock.add(50 * time.Minute)
	_, err = short.Auth().Token().LookupSelf()
	refused(t, err, 403, "permission denied")
	_, err = capped.Auth().Token().LookupSelf()
	refused(t, err, 403, "permission denied")
	_, err = periodic.Auth().Token().LookupSelf()
	check(t, err)
	_, err = s.Auth().Token().LookupSelf() // the root token never expires
	check(t, err)
}
