package leader

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Lock makes its holder the leader. Lead blocks until the caller leads, and gives an epoch above every
// one given before. With one server on one SQLite file the caller always leads.
type Lock interface {
	Lead(ctx context.Context) (epoch int64, err error)
}

// Loop works until ctx ends, writing under the epoch.
type Loop func(ctx context.Context, epoch int64) error

const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// Run leads whenever it can and then runs the loops side by side; when one of them fails, all are
// ended and begun again under a new epoch. It returns when ctx has ended and every loop has returned.
func Run(ctx context.Context, lock Lock, log *slog.Logger, loops ...Loop) {
	log = log.With("component", "leader")
	wait := firstRetry
	for ctx.Err() == nil {
		began := time.Now()
		if err := lead(ctx, lock, log, loops); err != nil && ctx.Err() == nil {
			log.Error("leading ended", "err", err)
		}
		if time.Since(began) > lastRetry {
			wait = firstRetry
		}
		timer := time.NewTimer(wait/2 + rand.N(wait/2))
		select {
		case <-ctx.Done():
		case <-timer.C:
		}
		timer.Stop()
		wait = min(lastRetry, 2*wait)
	}
}

func lead(ctx context.Context, lock Lock, log *slog.Logger, loops []Loop) error {
	epoch, err := lock.Lead(ctx)
	if err != nil {
		return err
	}
	log.Info("leading begun", "epoch", epoch)
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var running sync.WaitGroup
	for _, loop := range loops {
		running.Go(func() {
			if err := loop(ctx, epoch); err != nil {
				end(err)
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}
