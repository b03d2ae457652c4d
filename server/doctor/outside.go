package doctor

import (
	"context"
	"maps"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Outside is what is asked instead where no Crumpet server looks: an operator does, from a machine of their own. Drift,
// Crumpet's own tokens and the asking machine are not looked at then.
type Outside struct {
	Machines map[string]error // whether each machine of the cluster can be reached, by its name
	// Crumpet asks whether a server of Crumpet serves. Code: unavailable.
	Crumpet func(ctx context.Context) error
}

// Seen is what Outside found.
type Seen struct {
	Unreached map[string]string // why, by machine
	Crumpet   Known[struct{}]
}

func (o *Outside) look(ctx context.Context) *Seen {
	seen := &Seen{Unreached: map[string]string{}}
	for name, err := range o.Machines {
		if err != nil {
			seen.Unreached[name] = paas.MessageOf(err)
		}
	}
	seen.Crumpet = fact(ctx, func(ctx context.Context) (struct{}, error) { return struct{}{}, o.Crumpet(ctx) })
	return seen
}

func outside(l *findings, f Facts) {
	if f.Outside == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(f.Outside.Unreached)) {
		l.say(paas.Critical, paas.OfMachine, name, "It can't be reached: "+f.Outside.Unreached[name],
			"What should run there is lost, or can't be looked at.", "crumpet cluster up   (when it is back, also with an empty disk)")
	}
	if reason := f.Outside.Crumpet.Reason; reason != "" {
		l.say(paas.Critical, paas.OfQuorum, "crumpet", reason,
			"Nobody can push, scale or sign in. Running instances go on.", "nomad job status -namespace crumpet--platform crumpet")
	}
}
