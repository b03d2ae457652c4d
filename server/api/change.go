package api

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

const (
	changedAfter = time.Second // at least, between two words of what has changed
	mostRates    = 1000        // apps in one word of rates, those first that are asked the most
)

// changes tells the reader of a stream of events which apps are no longer as they were:
//
//	commit -> hub -> Store.Changed -> the apps that the reader sees, at most once a second
//
// It names apps and nothing of them: whoever is told reads them again, as what a reader may see is decided there.
type changes struct {
	api   *API
	s     *stream
	sees  func(paas.AppRef) bool
	since int64                // all changes up to this number were told of
	timer *time.Timer          // when the next word may be said, while one is due
	last  time.Time            // when the last one was
	beat  *time.Ticker         // of signs of life
	rates map[string]wire.Rate // as last told
}

// startChanges begins with what changes from now on, and says at once how the backends are.
func (a *API) startChanges(ctx context.Context, s *stream, sees func(paas.AppRef) bool) (*changes, error) {
	c := &changes{api: a, s: s, sees: sees, timer: time.NewTimer(time.Hour), rates: map[string]wire.Rate{}}
	c.timer.Stop()
	since, err := a.changedUntil(ctx)
	if err != nil {
		return nil, err
	}
	c.since = since
	c.beat = time.NewTicker(a.Beat)
	return c, nil
}

func (c *changes) stop() {
	c.timer.Stop()
	c.beat.Stop()
}

// hint says that something was committed.
func (c *changes) hint() { c.timer.Reset(max(0, changedAfter-time.Since(c.last))) }

// tell sends the apps that have changed since it last did.
func (c *changes) tell(ctx context.Context) error {
	c.last = time.Now()
	refs, since, err := c.api.Store.Changed(ctx, c.since)
	if err != nil {
		return err
	}
	c.since = since
	word := wire.Changed{Apps: []string{}}
	for _, ref := range refs {
		if c.sees(ref) {
			word.Apps = append(word.Apps, ref.String())
		}
	}
	if len(word.Apps) == 0 {
		return nil
	}
	if err := c.s.add("", wire.StreamChanged, word); err != nil {
		return err
	}
	return c.s.flush()
}

// sign sends a sign of life, with what does not answer, and the rates that have moved.
func (c *changes) sign(ctx context.Context) error {
	beat := wire.Beat{Time: time.Now().UTC(), Backends: c.api.silent(ctx)}
	if err := c.s.add("", wire.StreamBeat, beat); err != nil {
		return err
	}
	all, err := c.api.rates(ctx)
	if err != nil {
		return err
	}
	if word := c.moved(all); len(word.Items) > 0 {
		if err := c.s.add("", wire.StreamRates, word); err != nil {
			return err
		}
	}
	return c.s.flush()
}

// moved gives the rates that are others than the reader knows.
func (c *changes) moved(all rates) wire.Rates {
	word := wire.Rates{Items: []wire.Rate{}}
	for ref, sum := range all.of {
		rate := rateOf(ref, sum)
		if c.sees(ref) && c.rates[rate.App] != rate {
			word.Items = append(word.Items, rate)
		}
	}
	for name, rate := range c.rates { // asked no more
		team, app, _ := strings.Cut(name, "/")
		if _, still := all.of[paas.AppRef{Team: team, App: app}]; !still && rate.Rate > 0 {
			word.Items = append(word.Items, wire.Rate{App: name})
		}
	}
	slices.SortFunc(word.Items, func(a, b wire.Rate) int {
		return cmp.Or(cmp.Compare(b.Rate, a.Rate), strings.Compare(a.App, b.App))
	})
	word.Items = word.Items[:min(mostRates, len(word.Items))]
	for _, rate := range word.Items {
		c.rates[rate.App] = rate
	}
	return word
}
