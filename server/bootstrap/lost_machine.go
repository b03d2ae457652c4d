package bootstrap

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// remains counts what Consul's catalog still has of machines that were lost and came back empty under their old names: the
// services of instances that ended with the old machine. As soon as the new one answers Consul calls them passing
// again, since nobody checks them, and its agent may not take them out: routers would lead to nothing.
func (w *World) remains(ctx context.Context, parts []Part) (map[string]int, error) {
	services := map[string]int{}
	for _, p := range parts {
		host, ok := w.Hosts[p.Machine.Name]
		if !ok || !p.Machine.Is(fleet.Client) {
			continue
		}
		note, err := readOr(ctx, host, p.noteFile())
		if err != nil {
			return nil, err
		}
		if note != nil {
			continue // it is the machine that it was
		}
		var known *struct{ Services map[string]any }
		if err := w.CallAny(ctx, fleet.Consul, http.MethodGet, "/v1/catalog/node/"+p.Machine.Name, nil, &known); err != nil {
			return nil, err
		}
		if known != nil && len(known.Services) > 0 {
			services[p.Machine.Name] = len(known.Services)
		}
	}
	return services, nil
}

// planForget says what forgetLost would do. A Consul that says nothing, as one that is yet to be made, has nothing to forget.
func (w *World) planForget(ctx context.Context, parts []Part) (changes []Change) {
	remain, err := w.remains(ctx, parts)
	if err != nil {
		return nil // the step's own look at Consul says what is wrong
	}
	for _, name := range slices.Sorted(maps.Keys(remain)) {
		changes = append(changes, Change{Machine: name, Text: remainsText(remain[name])})
	}
	return changes
}

// silent says that Consul does not answer, or does not know us yet.
func silent(err error) bool {
	return paas.CodeOf(err) == paas.Unavailable || paas.CodeOf(err) == paas.Forbidden
}

func remainsText(services int) string {
	return fmt.Sprintf("take %d services of the machine that had this name before out of Consul", services)
}

// forgetLost takes out what remains of lost machines, before the agents of the new ones start.
func (w *World) forgetLost(ctx context.Context, parts []Part) error {
	remain, err := w.remains(ctx, parts)
	if err != nil {
		return err
	}
	for name, services := range remain {
		w.Say("%s: %s", name, remainsText(services))
		in := map[string]string{"Node": name}
		if err := w.CallAny(ctx, fleet.Consul, http.MethodPut, "/v1/catalog/deregister", in, nil); err != nil {
			return onMachine(name, err)
		}
	}
	return nil
}
