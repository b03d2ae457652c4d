package watch

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A template that reads in Vault names paths when it waits, in the words of Nomad's library:
//
//	Missing: vault.read(crumpet/data/apps/default/shop/config.v3), nomad.var.get(nomad/jobs@default.global)
//
// Paths are no secrets, but say little to who has pushed an app.
var (
	ofConfig      = regexp.MustCompile(`^Missing: .*?vault\.read\([^)]*/data/apps/[^/)]+/[^/)]+/config(?:\.v([0-9]+))?\)`)
	ofBinding     = regexp.MustCompile(`vault\.read\([^)]*/data/apps/[^/)]+/[^/)]+/bindings/([a-z0-9-]+)(?:\.v[0-9]+)?\)`)
	ofCredentials = regexp.MustCompile(`vault\.read\([^)]*/creds/crumpet-[a-z0-9-]+?--[a-z0-9-]+?--([a-z0-9-]+)--[0-9]+\)`)
	ofGenerations = regexp.MustCompile(`^Missing: .*nomad\.var\.(?:get|block)\(nomad/jobs@`)
)

// missingSecrets says which of an app's secrets its template waits for, without its full stop; "" for none.
func missingSecrets(display string) string {
	var parts []string
	if m := ofConfig.FindStringSubmatch(display); m != nil {
		part := "its configuration"
		if m[1] != "" {
			part = fmt.Sprintf("version %s of its configuration", m[1])
		}
		parts = append(parts, part)
	}
	var services []string
	for _, pattern := range []*regexp.Regexp{ofBinding, ofCredentials} {
		for _, m := range pattern.FindAllStringSubmatch(display, -1) {
			services = append(services, m[1])
		}
	}
	slices.Sort(services)
	for _, name := range slices.Compact(services) {
		parts = append(parts, "the credentials of service "+name)
	}
	switch {
	case len(parts) > 0:
		return "waits for " + strings.Join(parts, " and ") + ", which Vault does not give"
	case ofGenerations.MatchString(display):
		return "waits to be told in the Nomad variable nomad/jobs which credentials are its"
	}
	return ""
}
