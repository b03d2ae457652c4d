package config

import (
	"errors"
	"fmt"
	"os"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Load gives the configuration of a server: the defaults, and over them the file at path if there is
// one, the environment and over, the flags. Every fault is reported, those of the file's form and
// those of values alike. Code: invalid.
func Load(path string, getenv func(string) string, over Config) (Config, error) {
	c := Default()
	var faults []paas.Fault
	if path != "" {
		var err error
		c, err = c.File(path)
		if faults = paas.FaultsOf(err); err != nil && len(faults) == 0 {
			return c, err
		}
	}
	c, err := c.Env(getenv).Over(over).Validate()
	if len(faults) == 0 {
		return c, err
	}
	return c, faulty("The configuration", append(faults, paas.FaultsOf(err)...))
}

// faulty is the error of a thing with faults.
func faulty(thing string, faults []paas.Fault) *paas.Error {
	count := fmt.Sprintf("%d faults", len(faults))
	if len(faults) == 1 {
		count = "1 fault"
	}
	return &paas.Error{Code: paas.Invalid, Message: fmt.Sprintf("%s has %s.", thing, count), Faults: faults}
}

// File lays the keys that an HCL file sets over c, those without a fault also where others have one.
// Every fault of the file is reported, with line and column. Code: invalid.
func (c Config) File(path string) (Config, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return c, paas.Wrap(paas.Invalid, err, "The configuration file %s can't be read.", path)
	}
	return c.Source(src, path)
}

// Source is File for a text that has been read.
func (c Config) Source(src []byte, path string) (Config, error) {
	file, diags := hclparse.NewParser().ParseHCL(src, path)
	var over Config
	if file != nil && !diags.HasErrors() {
		diags = append(diags, gohcl.DecodeBody(file.Body, nil, &over)...)
	}
	if diags.HasErrors() {
		return c.merge(over), diagnosed(path, diags)
	}
	return c.merge(over), nil
}

func diagnosed(path string, diags hcl.Diagnostics) error {
	var faults []paas.Fault
	var causes []error
	for _, d := range diags {
		at := path
		if d.Subject != nil {
			at = fmt.Sprintf("%s:%d:%d", d.Subject.Filename, d.Subject.Start.Line, d.Subject.Start.Column)
		}
		faults = append(faults, paas.Fault{Location: at, Message: d.Summary + ": " + d.Detail})
		causes = append(causes, fmt.Errorf("%s: %s: %s", at, d.Summary, d.Detail))
	}
	e := faulty("The configuration file "+path, faults)
	e.Err = errors.Join(causes...)
	return e
}

// merge lays every key that over sets over c.
func (c Config) merge(over Config) Config {
	set(&c.Name, over.Name)
	set(&c.Listen, over.Listen)
	set(&c.Advertise, over.Advertise)
	set(&c.Data, over.Data)
	set(&c.URL, over.URL)
	set(&c.Domain, over.Domain)
	set(&c.LogLevel, over.LogLevel)
	set(&c.FirstToken, over.FirstToken)
	if len(over.Drivers) > 0 {
		c.Drivers = over.Drivers
	}
	if len(over.Datacenters) > 0 {
		c.Datacenters = over.Datacenters
	}
	if over.Proxies != nil {
		c.Proxies = over.Proxies
	}
	if over.Fragments != nil {
		c.Fragments = over.Fragments
	}
	if o := over.Store; o != nil && *o != (Store{}) { // one of the three stands for all
		store := *o
		c.Store = &store
	}
	if o := over.Nomad; o != nil {
		nomad := *c.Nomad
		set(&nomad.Address, o.Address)
		set(&nomad.Region, o.Region)
		set(&nomad.Token, o.Token)
		set(&nomad.CAFile, o.CAFile)
		set(&nomad.CertFile, o.CertFile)
		set(&nomad.KeyFile, o.KeyFile)
		c.Nomad = &nomad
	}
	if o := over.Consul; o != nil {
		consul := *c.Consul
		set(&consul.Address, o.Address)
		set(&consul.Datacenter, o.Datacenter)
		set(&consul.Token, o.Token)
		set(&consul.Rules, o.Rules)
		set(&consul.Service, o.Service)
		set(&consul.Lock, o.Lock)
		if len(o.Tags) > 0 {
			consul.Tags = o.Tags
		}
		c.Consul = &consul
	}
	if o := over.Vault; o != nil {
		vault := *c.Vault
		set(&vault.Address, o.Address)
		set(&vault.Token, o.Token)
		set(&vault.TokenFile, o.TokenFile)
		set(&vault.Mount, o.Mount)
		set(&vault.JWT, o.JWT)
		set(&vault.Audience, o.Audience)
		set(&vault.Database, o.Database)
		c.Vault = &vault
	}
	if o := over.Fabio; o != nil {
		fabio := *c.Fabio
		if len(o.Addresses) > 0 {
			fabio.Addresses = o.Addresses
		}
		set(&fabio.Service, o.Service)
		set(&fabio.URL, o.URL)
		c.Fabio = &fabio
	}
	if o := over.Build; o != nil {
		build := *c.Build
		set(&build.Timeout, o.Timeout)
		set(&build.MaxSource, o.MaxSource)
		set(&build.MaxUpload, o.MaxUpload)
		set(&build.Platform, o.Platform)
		set(&build.Concurrent, o.Concurrent)
		set(&build.MaxLogLines, o.MaxLogLines)
		c.Build = &build
	}
	if o := over.Retention; o != nil {
		retention := *c.Retention
		set(&retention.Releases, o.Releases)
		set(&retention.Age, o.Age)
		set(&retention.Rollbacks, o.Rollbacks)
		set(&retention.Events, o.Events)
		set(&retention.Content, o.Content)
		set(&retention.Every, o.Every)
		c.Retention = &retention
	}
	return c.mergeAccess(over)
}

func (c Config) mergeAccess(over Config) Config {
	if len(over.OIDC) > 0 {
		c.OIDC = nil
		for _, o := range over.OIDC {
			c.OIDC = append(c.OIDC, o.withDefaults())
		}
	}
	if o := over.Session; o != nil {
		session := *c.Session
		set(&session.Idle, o.Idle)
		set(&session.Absolute, o.Absolute)
		c.Session = &session
	}
	if o := over.Limits; o != nil {
		limits := *c.Limits
		set(&limits.Rate, o.Rate)
		set(&limits.Burst, o.Burst)
		set(&limits.LoginRate, o.LoginRate)
		set(&limits.LoginBurst, o.LoginBurst)
		c.Limits = &limits
	}
	return c
}

// Over lays every key that over sets, flags for instance, over c.
func (c Config) Over(over Config) Config { return c.merge(over) }

func set[T comparable](to *T, from T) {
	var zero T
	if from != zero {
		*to = from
	}
}

// Env lays the environment over c: CRUMPET_* for the server's own keys, and the variables that the
// HashiCorp programs and their operators know for theirs.
func (c Config) Env(getenv func(string) string) Config {
	return c.merge(Config{
		Store:  &Store{URL: getenv("CRUMPET_STORE_URL")},
		Listen: getenv("CRUMPET_LISTEN"), Advertise: getenv("CRUMPET_ADVERTISE"), Data: getenv("CRUMPET_DATA"), URL: getenv("CRUMPET_URL"),
		Domain: getenv("CRUMPET_DOMAIN"), LogLevel: getenv("CRUMPET_LOG_LEVEL"), Name: getenv("CRUMPET_NAME"),
		Nomad: &Nomad{
			Address: getenv("NOMAD_ADDR"), Region: getenv("NOMAD_REGION"), Token: getenv("NOMAD_TOKEN"),
			CAFile: getenv("NOMAD_CACERT"), CertFile: getenv("NOMAD_CLIENT_CERT"), KeyFile: getenv("NOMAD_CLIENT_KEY"),
		},
		Consul: &Consul{Address: withScheme(getenv("CONSUL_HTTP_ADDR")), Token: getenv("CONSUL_HTTP_TOKEN")},
		Vault:  &Vault{Address: getenv("VAULT_ADDR"), Token: getenv("VAULT_TOKEN")},
	})
}
