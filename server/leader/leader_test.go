package leader_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/leader"
)

type counter struct{ n atomic.Int64 }

func (c *counter) Lead(context.Context) (int64, error) { return c.n.Add(1), nil }

func TestAFailingLoopEndsItsSiblingsAndAllBeginAgainUnderANewEpoch(t *testing.T) {
	t.Parallel()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	var siblingEnded, secondEpoch atomic.Bool
	sibling := func(ctx context.Context, epoch int64) error {
		<-ctx.Done()
		if epoch == 1 {
			siblingEnded.Store(true)
		}
		return nil
	}
	failing := func(ctx context.Context, epoch int64) error {
		if epoch == 1 {
			return errors.New("no more")
		}
		secondEpoch.Store(true)
		stop()
		return nil
	}
	leader.Run(ctx, leader.Config{Epochs: &counter{}, Log: slog.New(slog.DiscardHandler)}, failing, sibling)
	if !siblingEnded.Load() {
		t.Error("the loop beside the failing one went on")
	}
	if !secondEpoch.Load() {
		t.Error("the loops did not begin again under epoch 2")
	}
}
