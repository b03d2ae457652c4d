// Package policies holds what Vault allows Crumpet and its apps, and names it for an app.
//
//	vault/app.hcl     of one app; the words MOUNT, DATABASE, TEAM and APP are replaced by App
//	vault/server.hcl  of Crumpet's own token; an operator loads it as it is
//
// Invariant: what App gives allows the app that it names and no other, also for names that begin alike.
package policies

import (
	_ "embed"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

//go:embed vault/app.hcl
var app string

// Server is the policy of Crumpet's own token, with the default names of mounts.
//
//go:embed vault/server.hcl
var Server string

// Mounts are the names of Vault's engines that an app reads from, without slashes.
type Mounts struct {
	KV       string // version 2
	Database string
}

// App is the policy of one app's tasks. The names must be valid: they stand in paths.
func App(mounts Mounts, ref paas.AppRef) string {
	return strings.NewReplacer("MOUNT", mounts.KV, "DATABASE", mounts.Database, "TEAM", ref.Team, "APP", ref.App).Replace(app)
}
