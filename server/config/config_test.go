package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/config"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestThePrintedDefaultsAreTheDefaults(t *testing.T) {
	t.Parallel()
	var empty config.Config
	empty.Store, empty.Nomad, empty.Consul = &config.Store{}, &config.Nomad{}, &config.Consul{}
	empty.Vault, empty.Fabio, empty.Build = &config.Vault{}, &config.Fabio{}, &config.Build{}
	empty.Retention = &config.Retention{}
	empty.Session, empty.Limits = &config.Session{}, &config.Limits{}
	printed, err := empty.Source([]byte(config.DefaultHCL), "default.hcl")
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Build.Platform = ""
	if diff := cmp.Diff(want, printed); diff != "" {
		t.Errorf("default.hcl differs from Default (-want +printed):\n%s", diff)
	}
}

func TestEachLayerWinsOverTheOneBelow(t *testing.T) {
	t.Parallel()
	c, err := config.Default().Source([]byte(`
listen = "127.0.0.1:1"
domain = "file.example"
nomad { address = "http://file:4646" }
`), "server.hcl")
	if err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"CRUMPET_LISTEN": "127.0.0.1:2", "CONSUL_HTTP_ADDR": "consul:8500"}
	c, err = c.Env(func(k string) string { return env[k] }).Validate()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{
		"listen": c.Listen, "advertise": c.Advertise, "domain": c.Domain,
		"nomad": c.Nomad.Address, "consul": c.Consul.Address, "vault": c.Vault.Address,
	}
	want := map[string]string{
		"listen": "127.0.0.1:2", "advertise": "http://127.0.0.1:2", "domain": "file.example",
		"nomad": "http://file:4646", "consul": "http://consul:8500", "vault": "http://127.0.0.1:8200",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Listen, c.Drivers, c.Consul.Rules = "nowhere", []string{"docker"}, "fabio/config"
	_, err := c.Validate()
	var e *paas.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want a paas.Error", err)
	}
	var keys []string
	for _, f := range e.Faults {
		keys = append(keys, f.Location)
	}
	if got := strings.Join(keys, " "); got != "consul.rules drivers listen" {
		t.Errorf("faults at %s", got)
	}
}

func TestAnUnknownKeyIsAFaultWithItsLine(t *testing.T) {
	t.Parallel()
	_, err := config.Default().Source([]byte("listen = \"127.0.0.1:1\"\nlisteners = 3\nnomads {}\n"), "server.hcl")
	faults := paas.FaultsOf(err)
	if len(faults) != 2 || faults[0].Location != "server.hcl:2:1" || faults[1].Location != "server.hcl:3:1" {
		t.Errorf("got %v", faults)
	}
}

func TestFaultsOfFormAndOfValuesAreReportedTogether(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "server.hcl")
	text := "listen = \"nowhere\"\nlisteners = 3\ndomain = \"Example.com\"\nbuild {\n  timeout = \"soon\"\n}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(file, func(string) string { return "" }, config.Config{LogLevel: "loud"})
	var at []string
	for _, f := range paas.FaultsOf(err) {
		at = append(at, strings.TrimPrefix(f.Location, filepath.Dir(file)+"/"))
	}
	if got := strings.Join(at, " "); got != "server.hcl:2:1 build.timeout domain listen log_level" {
		t.Errorf("faults at %s: %v", got, err)
	}
	if text := paas.MessageOf(err); text != "The configuration has 5 faults." {
		t.Errorf("it says %q", text)
	}
}

func TestPeriods(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"90d": 90 * 24 * time.Hour, "12h": 12 * time.Hour, "1s": time.Second, "0d": 0, "-1d": 0, "d": 0, "1.5d": 0, "99999999d": 0, "": 0, "x": 0,
	} {
		if got := config.Period(text); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	c := config.Default()
	c.Retention = &config.Retention{Releases: 0, Age: "long", Rollbacks: -1, Events: "30d", Content: "-1h", Every: "0s"}
	_, err := c.Validate()
	var keys []string
	for _, f := range paas.FaultsOf(err) {
		keys = append(keys, f.Location)
	}
	if diff := cmp.Diff([]string{"retention.age", "retention.content", "retention.every", "retention.releases", "retention.rollbacks"}, keys); diff != "" {
		t.Error(diff)
	}
}

func TestNamesOfMountsCantWidenAPolicy(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.Vault = &config.Vault{Address: "http://127.0.0.1:8200", Mount: "crumpet/*", JWT: "/jwt-nomad", Audience: " ", Database: "", Token: "a", TokenFile: "b"}
	_, err := c.Validate()
	var keys []string
	for _, f := range paas.FaultsOf(err) {
		keys = append(keys, f.Location)
	}
	if diff := cmp.Diff([]string{"vault.audience", "vault.database", "vault.jwt", "vault.mount", "vault.token"}, keys); diff != "" {
		t.Error(diff)
	}
	c.Vault = &config.Vault{Address: "http://127.0.0.1:8200", Mount: "paas/crumpet", JWT: "nomad_1", Audience: "vault", Database: "db"}
	if _, err := c.Validate(); err != nil {
		t.Error(err)
	}
}
