package api

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Names of what can be silent beside the programs that are watched.
const (
	silentStore  = "store"
	silentLeader = "leader"
)

// silentKept is how long an answer serves all who ask.
const silentKept = 2 * time.Second

// silence is what does not answer, kept between two calls.
type silence struct {
	turn   chan struct{} // of one: whoever has put something in may use what follows
	list   []wire.Silent // made anew each time, as answers hold it
	at     time.Time
	broken time.Time // since when the store can't be read
}

// silent says which backends do not answer, and since when. What is shown of them may be as old as that.
func (a *API) silent(ctx context.Context) []wire.Silent {
	select {
	case a.silence.turn <- struct{}{}:
		defer func() { <-a.silence.turn }()
	case <-ctx.Done():
		return []wire.Silent{}
	}
	now := time.Now().UTC()
	if now.Sub(a.silence.at) < silentKept {
		return a.silence.list
	}
	list, err := a.readSilent(ctx)
	switch {
	case err == nil:
		a.silence.broken = time.Time{}
	case ctx.Err() != nil: // the reader left: that says nothing about the store
		return a.silence.list
	default:
		if a.silence.broken.IsZero() {
			a.silence.broken = now
		}
		list = []wire.Silent{{Name: silentStore, Since: a.silence.broken, Reason: paas.MessageOf(err)}}
	}
	a.silence.list, a.silence.at = list, now
	return list
}

func (a *API) readSilent(ctx context.Context) ([]wire.Silent, error) {
	backends, err := a.Store.Backends(ctx)
	if err != nil {
		return nil, err
	}
	servers, err := a.Servers.Servers(ctx)
	if err != nil {
		return nil, err
	}
	return silentOf(backends, servers), nil
}

// silentOf is pure. Without a leader nobody looks at the backends: then what is known of them is old itself.
func silentOf(backends []paas.Backend, servers []paas.Server) []wire.Silent {
	list := []wire.Silent{}
	for _, b := range backends {
		if !b.OK {
			list = append(list, wire.Silent{Name: b.Name, Since: b.Since, Reason: b.Reason})
		}
	}
	slices.SortFunc(list, func(a, b wire.Silent) int { return strings.Compare(a.Name, b.Name) })
	led := func(s paas.Server) bool { return s.State == paas.ServerLeader }
	if len(servers) == 0 || slices.ContainsFunc(servers, led) {
		return list
	}
	last := slices.MaxFunc(servers, func(a, b paas.Server) int {
		if a.Epoch != b.Epoch {
			return int(a.Epoch - b.Epoch)
		}
		return a.SeenAt.Compare(b.SeenAt)
	})
	return append(list, wire.Silent{
		Name: silentLeader, Since: last.SeenAt,
		Reason: "No server of Crumpet leads: what is shown was last read then, and nothing that is wished for happens. It goes on by itself as soon as Consul answers and a server runs.",
	})
}
