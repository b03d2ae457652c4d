package config

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// fragment is what nomad_fragments may name.
var fragment = regexp.MustCompile(`^(\*|(group|task)\.(\*|[A-Z][A-Za-z]*)|template\.(\*|[A-Za-z0-9_]+))$`)

// mount is what an engine of Vault's may be mounted at, here.
var mount = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*(/[A-Za-z0-9][A-Za-z0-9_-]*)*$`)

// Validate gives the configuration with what follows from other keys filled in (advertise, the
// store's path), or every fault at once, each with its key. Code: invalid.
func (c Config) Validate() (Config, error) {
	var faults []paas.Fault
	fault := func(key, format string, args ...any) {
		faults = append(faults, paas.Fault{Location: key, Message: fmt.Sprintf(format, args...)})
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		fault("listen", "listen = %q is not HOST:PORT, such as 127.0.0.1:4780.", c.Listen)
	} else if c.Advertise == "" {
		c.Advertise = "http://" + c.Listen
	}
	c.URL = strings.TrimSuffix(cmp.Or(c.URL, c.Advertise), "/")
	switch set := slices.DeleteFunc([]string{c.Store.Path, c.Store.URL, c.Store.URLFile}, func(s string) bool { return s == "" }); {
	case len(set) > 1:
		fault("store", "store has more than one of path, url and url_file; keep one.")
	case c.Store.URL != "" && !isDatabase(c.Store.URL):
		// The value is not repeated: it may hold a password.
		fault("store.url", "store.url is not the URL of a database, such as %s.", databaseExample)
	case len(set) == 0:
		store := *c.Store
		store.Path = c.Data + "/crumpet.db"
		c.Store = &store
	}
	urls := []struct{ key, value string }{
		{"advertise", c.Advertise},
		{"url", c.URL},
		{"nomad.address", c.Nomad.Address},
		{"consul.address", c.Consul.Address},
		{"vault.address", c.Vault.Address},
		{"fabio.url", c.Fabio.URL},
	}
	for _, u := range urls {
		if u.value == "" && (u.key == "advertise" || u.key == "url") {
			continue // it would have followed from listen
		}
		if !isURL(u.value) {
			fault(u.key, "%s = %q is not a URL, such as http://127.0.0.1:4780.", u.key, u.value)
		}
	}
	if problem := paas.CheckRoute(paas.Route{Host: "app." + c.Domain, Path: "/"}); problem != "" {
		fault("domain", "domain = %q can't hold the routes of apps. %s", c.Domain, problem)
	}
	for _, known := range c.Drivers {
		if known != "exec" && known != "raw_exec" {
			fault("drivers", "drivers names %q; Crumpet runs tasks under exec, or raw_exec where you allow it.", known)
		}
	}
	if len(c.Drivers) == 0 {
		fault("drivers", "drivers is empty; name at least \"exec\".")
	}
	for _, f := range c.Fragments {
		if !fragment.MatchString(f) {
			fault("nomad_fragments", "nomad_fragments names %q; write \"*\" for everything, \"group.*\", \"task.*\", or one field in the words of Nomad's API, such as \"task.Resources\"; \"template.*\", or one function of templates, such as \"template.service\".", f)
		}
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel) {
		fault("log_level", "log_level = %q; use debug, info, warn or error.", c.LogLevel)
	}
	if !strings.HasSuffix(c.Consul.Rules, "/") {
		fault("consul.rules", "consul.rules = %q must end in a slash: Fabio takes it as a string prefix, so that %q would also be read from a backup beside it.", c.Consul.Rules, c.Consul.Rules)
	}
	if d, err := time.ParseDuration(c.Build.Timeout); err != nil || d <= 0 {
		fault("build.timeout", "build.timeout = %q is not a duration, such as 10m.", c.Build.Timeout)
	}
	for key, text := range map[string]string{"build.max_source": c.Build.MaxSource, "build.max_upload": c.Build.MaxUpload} {
		if n, err := size(text); err != nil || n <= 0 {
			fault(key, "%s = %q is not a size, such as 1GiB.", key, text)
		}
	}
	if os, arch, ok := strings.Cut(c.Build.Platform, "/"); !ok || os == "" || arch == "" {
		fault("build.platform", "build.platform = %q is not GOOS/GOARCH, such as linux/amd64.", c.Build.Platform)
	}
	if c.Build.Concurrent < 1 {
		fault("build.concurrent", "build.concurrent = %d must be at least 1.", c.Build.Concurrent)
	}
	if c.Shared() && (c.Consul.Lock == "" || strings.HasPrefix(c.Consul.Lock, "/") || strings.HasSuffix(c.Consul.Lock, "/")) {
		fault("consul.lock", "consul.lock = %q is not a key, such as crumpet/leader.", c.Consul.Lock)
	}
	c.Vault.check(fault)
	c.Retention.check(fault)
	c.Session.check(fault)
	c.Limits.check(fault)
	for _, text := range c.Proxies {
		if _, problem := proxy(text); problem != "" {
			fault("trusted_proxies", "%s", problem)
		}
	}
	c.checkOIDC(fault)
	if len(faults) == 0 {
		return c, nil
	}
	slices.SortFunc(faults, func(a, b paas.Fault) int { return strings.Compare(a.Location, b.Location) })
	return c, faulty("The configuration", faults)
}

// check finds what can't be the name of a mount in Vault: it stands in paths of policies, where a star or a
// slash too many would open what is not to be opened.
func (v *Vault) check(fault func(key, format string, args ...any)) {
	if v.Token != "" && v.TokenFile != "" {
		fault("vault.token", "vault.token and vault.token_file are both set; keep one.")
	}
	for key, name := range map[string]string{"vault.mount": v.Mount, "vault.jwt": v.JWT, "vault.database": v.Database} {
		if !mount.MatchString(name) {
			fault(key, "%s = %q is not the name of a mount, such as crumpet: letters, digits, - and _, in parts joined by slashes.", key, name)
		}
	}
	if strings.TrimSpace(v.Audience) == "" {
		fault("vault.audience", "vault.audience is empty: Vault would take identities that were made for others. Name one, such as vault.io.")
	}
}

func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

const databaseExample = "postgres://USER:PASSWORD@HOST/DATABASE"

func isDatabase(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "postgres" || u.Scheme == "postgresql")
}

// withScheme makes the HOST:PORT that CONSUL_HTTP_ADDR may be a URL.
func withScheme(address string) string {
	if address == "" || strings.Contains(address, "://") {
		return address
	}
	return "http://" + address
}

func size(text string) (int64, error) {
	n, err := humanize.ParseBytes(text)
	return int64(min(n, 1<<62)), err
}
