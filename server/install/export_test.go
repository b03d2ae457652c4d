package install

import (
	"context"

	"github.com/crumpet-paas/crumpet/jobs"
)

// What tests look at from outside.
var (
	Downgrade     = downgrade
	PlacementText = placementText
)

// Placement is why Nomad places nothing.
type Placement = placement

// WriteFabio makes the job of the routers as wished.
func (i *Install) WriteFabio(ctx context.Context) error {
	return i.runJob(ctx, fabioJob, jobs.Fabio, i.fabioVariables())
}
