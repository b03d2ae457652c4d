package watch

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// countTraffic reads the routers' counters and writes the traffic that follows from them, until ctx
// ends. It has a loop of its own: what it reads is large, and nothing that Fold derives depends on it.
func (w *Watch) countTraffic(ctx context.Context) {
	outage := outage{log: w.log.With("what", "traffic")}
	var known Counted
	for {
		list, err := w.cfg.Store.Traffic(ctx, paas.AppRef{})
		if outage.pauseAfter(ctx, err) {
			known = KnownTraffic(list)
			break
		}
		if ctx.Err() != nil {
			return
		}
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		counters, err := w.cfg.Fabio.Counters(ctx)
		if ctx.Err() != nil {
			return
		}
		outage.note(ctx, err)
		apps := w.apps()
		known = Count(known, Reading{At: w.cfg.Now(), Routers: counters, Missing: err != nil}, apps)
		if news := known.Unsaved(apps); len(news) > 0 {
			if err := w.cfg.Store.Observe(ctx, w.cfg.Epoch(), paas.Observation{Traffic: news}); err == nil {
				known = known.Saved(news)
			} else if ctx.Err() == nil { // it stays unsaved, and is written with the next
				w.log.WarnContext(ctx, "traffic not written", "err", err)
			}
		}
		timer.Reset(countPace(apps, w.cfg.Every))
	}
}

// countPace says when to read again: soon while an app walks, whose canary may have to be stopped.
func countPace(apps map[paas.AppRef]App, every time.Duration) time.Duration {
	for _, app := range apps {
		if app.Walking {
			return every
		}
	}
	return 2 * every
}

// apps are those that the loop has read last.
func (w *Watch) apps() map[paas.AppRef]App {
	if apps := w.read.Load(); apps != nil {
		return *apps
	}
	return nil
}
