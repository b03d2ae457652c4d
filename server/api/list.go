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

// lines are what the list of apps shows, kept between two calls:
//
//	commit -> number of each app it changed -> Store.Changed -> those apps are read again, the others not
//
// Invariant: a list holds all that was committed, by whichever server, before it was asked for. Each call
// asks the store what has changed, and reads an app after it was told of the change; what changes while it
// reads has a higher number and is read again by the next.
type lines struct {
	turn  chan struct{} // of one: whoever has put something in may use what follows
	since int64         // all changes up to this number are in the list
	list  []wire.App    // by team and name; made anew with each change, as answers hold parts of it
	rates rates         // of the list; made anew when they are old
}

// rates are what the routers answered within a minute, by app, added up at a moment. Traffic changes no line: it is
// put onto those of a page when that is cut out, and is read for all apps at once, whoever asks how often.
type rates struct {
	of map[paas.AppRef]paas.Bucket
	at time.Time
}

// How traffic is shown in lines.
const (
	rateOver = time.Minute
	rateKept = 5 * time.Second // buckets end every ten
)

// onto gives lines with the rates of their apps; the lines given stay as they are.
func (r rates) onto(list []wire.App) []wire.App {
	busy := slices.Clone(list)
	for i := range busy {
		if sum, ok := r.of[appOf(busy[i])]; ok {
			rate := rateOf(appOf(busy[i]), sum)
			busy[i].Rate, busy[i].Errors = rate.Rate, rate.Errors
		}
	}
	return busy
}

// atOnce bounds the apps that are held in memory whole.
const atOnce = 100

func rateOf(ref paas.AppRef, sum paas.Bucket) wire.Rate {
	return wire.Rate{App: ref.String(), Rate: float64(sum.Requests) / rateOver.Seconds(), Errors: sum.ErrorShare()}
}

// changedUntil gives the number of the newest change there is.
func (a *API) changedUntil(ctx context.Context) (int64, error) {
	select {
	case a.lines.turn <- struct{}{}:
		defer func() { <-a.lines.turn }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	err := a.refresh(ctx) // what it reads is in the list then, for whoever asks next
	return a.lines.since, err
}

// list gives the lines of all apps, without rates, and the rates.
func (a *API) list(ctx context.Context) ([]wire.App, rates, error) {
	select {
	case a.lines.turn <- struct{}{}:
		defer func() { <-a.lines.turn }()
	case <-ctx.Done():
		return nil, rates{}, ctx.Err()
	}
	if err := a.refresh(ctx); err != nil {
		return nil, rates{}, err
	}
	if err := a.measure(ctx, time.Now()); err != nil {
		return nil, rates{}, err
	}
	return a.lines.list, a.lines.rates, nil
}

// rates gives those of all apps.
func (a *API) rates(ctx context.Context) (rates, error) {
	select {
	case a.lines.turn <- struct{}{}:
		defer func() { <-a.lines.turn }()
	case <-ctx.Done():
		return rates{}, ctx.Err()
	}
	err := a.measure(ctx, time.Now())
	return a.lines.rates, err
}

// refresh reads the apps that have changed. The turn must be held.
func (a *API) refresh(ctx context.Context) error {
	changed, since, err := a.Store.Changed(ctx, a.lines.since)
	if err != nil || len(changed) == 0 {
		return err
	}
	news, err := a.read(ctx, changed)
	if err != nil {
		return err
	}
	a.lines.since, a.lines.list = since, replaced(a.lines.list, changed, news)
	return nil
}

// measure adds up the traffic of the last minute that has been read, if that is not known. The turn must be held.
func (a *API) measure(ctx context.Context, now time.Time) error {
	if now.Sub(a.lines.rates.at) < rateKept {
		return nil
	}
	end := now.Add(-readLate).Truncate(paas.BucketLength)
	sums, err := a.Store.TrafficSums(ctx, end.Add(-rateOver), end)
	if err != nil {
		return err
	}
	a.lines.rates = rates{sums, now}
	return nil
}

// named gives the lines of apps whose names have some part; all for "".
func named(list []wire.App, part string) []wire.App {
	if part == "" {
		return list
	}
	var some []wire.App
	for _, line := range list {
		if strings.Contains(line.App, part) {
			some = append(some, line)
		}
	}
	return some
}

// Warm reads the apps, so that the first who asks for the list after a start need not wait for that.
func (a *API) Warm(ctx context.Context) {
	if _, _, err := a.list(ctx); err != nil && ctx.Err() == nil {
		a.Log.WarnContext(ctx, "apps not read", "err", err) // whoever asks for them reads them
	}
}

// replaced takes the old lines of apps out and puts the new ones in.
func replaced(list []wire.App, refs []paas.AppRef, news []wire.App) []wire.App {
	old := make(map[paas.AppRef]bool, len(refs))
	for _, ref := range refs {
		old[ref] = true
	}
	all := make([]wire.App, 0, len(list)+len(news))
	for _, line := range list {
		if !old[appOf(line)] {
			all = append(all, line)
		}
	}
	all = append(all, news...)
	slices.SortFunc(all, func(a, b wire.App) int { return compare(appOf(a), appOf(b)) })
	return all
}

func appOf(line wire.App) paas.AppRef { return paas.AppRef{Team: line.Team, App: line.App} }

func compare(a, b paas.AppRef) int {
	return cmp.Or(strings.Compare(a.Team, b.Team), strings.Compare(a.App, b.App))
}

// pageOf cuts a page out of the lines of all apps.
func pageOf(list []wire.App, f paas.AppFilter) wire.Apps {
	after := paas.AppRef{Team: f.Team} // no app has the name ""
	if team, app, _ := strings.Cut(f.After, "/"); f.After != "" {
		if from := (paas.AppRef{Team: team, App: app}); compare(from, after) > 0 {
			after = from
		}
	}
	begin, found := slices.BinarySearchFunc(list, after, func(line wire.App, ref paas.AppRef) int { return compare(appOf(line), ref) })
	if found {
		begin++
	}
	rest := list[begin:]
	if f.Team != "" {
		end, _ := slices.BinarySearchFunc(rest, f.Team, func(line wire.App, team string) int {
			if line.Team <= team {
				return -1
			}
			return 1
		})
		rest = rest[:end]
	}
	page := wire.Apps{Items: rest[:min(f.Limit, len(rest)):min(f.Limit, len(rest))]}
	if len(rest) > f.Limit {
		page.Next = appOf(page.Items[f.Limit-1]).String()
	}
	if len(page.Items) == 0 {
		page.Items = []wire.App{} // a list, not null
	}
	return page
}

// read gives the lines of those of the apps that are still there.
func (a *API) read(ctx context.Context, refs []paas.AppRef) ([]wire.App, error) {
	news := make([]wire.App, 0, len(refs))
	for some := range slices.Chunk(refs, atOnce) {
		snapshots, err := a.Store.Snapshots(ctx, some...)
		if err != nil {
			return nil, err
		}
		for _, snapshot := range snapshots {
			line, err := a.summary(ctx, snapshot)
			if err != nil {
				return nil, err
			}
			news = append(news, line)
		}
	}
	return news, nil
}
