package deploy

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Guard is guard, for its table.
var Guard = guard

// Spare is spare, for its table.
var Spare = spare

// Surplus is surplus, for its table.
var Surplus = surplus

// Back is back, for the property of the way back.
var Back = back

// MovesTraffic is movesTraffic, for the property of walks.
var MovesTraffic = movesTraffic

// Turn is turn, for tests that say when each one is.
func (d *Deployer) Turn(ctx context.Context, epoch int64, ref paas.AppRef) (time.Duration, bool, error) {
	return d.turn(ctx, epoch, ref)
}

// StopJob is stopJob, for what happens between its look and its write.
var StopJob = stopJob

// TokenEnding is tokenEnding: what a repair finds without a cluster.
func (r *Repair) TokenEnding(of *paas.AppRef) []paas.Finding { return r.tokenEnding(of) }
