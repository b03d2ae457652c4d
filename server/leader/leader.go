package leader

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"
)

// Lock is held by one server of all at a time.
type Lock interface {
	// Acquire blocks until the caller holds the lock. held ends with ctx, or as soon as the lock may be
	// another's. release gives the lock back, and must be called once; it does not take longer than a few
	// seconds.
	Acquire(ctx context.Context) (held context.Context, release func(), err error)
}

// Epochs gives an epoch above every one given before.
type Epochs interface {
	Lead(ctx context.Context) (epoch int64, err error)
}

// Loop works until ctx ends, writing under the epoch.
type Loop func(ctx context.Context, epoch int64) error

// Config says whose lead it is.
type Config struct {
	// Lock makes its holder the leader; nil where there is one server only, which always leads.
	Lock   Lock
	Epochs Epochs
	Log    *slog.Logger
	// Changed is told the epoch before the loops begin, and 0 when they have all returned. May be nil.
	Changed func(epoch int64)
}

const (
	firstRetry = time.Second
	lastRetry  = 10 * time.Second
)

// Run leads whenever it can and then runs the loops side by side; when one of them fails, or the lock is
// lost, all are ended, and begun again under a new epoch. It returns when ctx has ended and every loop has
// returned.
func Run(ctx context.Context, cfg Config, loops ...Loop) {
	log := cfg.Log.With("component", "leader")
	if cfg.Changed == nil {
		cfg.Changed = func(int64) {}
	}
	wait := firstRetry
	for ctx.Err() == nil {
		began := time.Now()
		if err := lead(ctx, cfg, log, loops); err != nil && ctx.Err() == nil {
			log.Warn("leading ended", "err", err)
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

func lead(ctx context.Context, cfg Config, log *slog.Logger, loops []Loop) error {
	if cfg.Lock != nil {
		held, release, err := cfg.Lock.Acquire(ctx)
		if err != nil {
			return err
		}
		defer release()
		ctx = held
	}
	epoch, err := cfg.Epochs.Lead(ctx)
	if err != nil {
		return err
	}
	log.Info("leading begun", "epoch", epoch)
	cfg.Changed(epoch)
	defer cfg.Changed(0)
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
