// Package jobs holds Crumpet's platform as Nomad jobs, in the words that `nomad job run` takes.
//
//	fabio.nomad.hcl    the routers: system, one on each node
//	crumpet.nomad.hcl  Crumpet's own servers: service, several behind the routers
//
// Each file begins with its variables and what they are for; those without a default must be said. `crumpet install`
// has Nomad itself parse them, and they can be run by hand as well.
//
// Invariant: no secret is a variable. Each job's own identity reads what it needs from Vault.
package jobs

import _ "embed" // for the jobs

// Fabio is the job of the routers.
//
//go:embed fabio.nomad.hcl
var Fabio string

// Crumpet is the job of Crumpet's servers.
//
//go:embed crumpet.nomad.hcl
var Crumpet string
