package router

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync/atomic"
)

// ringSize is the number of slots that weights are cut into: a weight below 0.01 % gets one slot.
const ringSize = 10_000

// Strategy picks one of a route's targets for a request.
type Strategy string

const (
	Random     Strategy = "rnd" // the default, and what Crumpet needs: see RoundRobin
	RoundRobin Strategy = "rr"  // starts anew at the smallest weight with every table, so a quiet app's requests go there
)

// turn counts the requests of one route for round robin.
type turn struct{ atomic.Uint64 }

// setWeight gives the matching targets the share w together and says whether there were any. An empty
// service or no tags match all.
func (r *route) setWeight(service string, w float64, tags []string) bool {
	var matching []*target
	for _, t := range r.targets {
		if (service == "" || t.service == service) && hasAll(t.tags, tags) {
			matching = append(matching, t)
		}
	}
	for _, t := range matching {
		t.fixed = w / float64(len(matching))
	}
	return len(matching) > 0
}

// share computes each target's weight and slots from the fixed weights. Sums are taken in the order of
// the targets, in floats: 6 x (1.0/6) is less than 1, so `weight 1` over six targets leaves a slot each to
// the others; `weight 2` sums above 1, is normalised, and leaves them nothing.
func (r *route) share() {
	var fixed int
	var sum float64
	for _, t := range r.targets {
		if t.fixed > 0 {
			fixed++
			sum += t.fixed
		}
	}
	if fixed == 0 {
		for _, t := range r.targets {
			t.weight, t.slots = 1/float64(len(r.targets)), 1
		}
		r.slots = len(r.targets)
		return
	}
	scale := 1.0
	if sum > 1 || fixed == len(r.targets) && sum < 1 {
		scale = 1 / sum
	}
	rest := max((1-sum)/float64(len(r.targets)-fixed), 0)
	for _, t := range r.targets {
		t.weight = rest
		if t.fixed > 0 {
			t.weight = t.fixed * scale
		}
		t.slots = slotsOf(t.weight)
		r.slots += t.slots
	}
}

func slotsOf(weight float64) int {
	if math.IsNaN(weight) || weight <= 0 { // NaN: an infinite weight, scaled by 0. Its ring is empty.
		return 0
	}
	return max(int(ringSize*weight), 1)
}

// layOut puts the targets on the ring, those with the fewest slots first, each spread evenly.
func (r *route) layOut() []*target {
	order := slices.Clone(r.targets)
	slices.SortStableFunc(order, func(a, b *target) int { return a.slots - b.slots })
	ring := make([]*target, r.slots)
	for _, t := range order {
		if t.slots == 0 {
			continue
		}
		next, step := 0, r.slots/t.slots
		for range t.slots {
			for ring[next] != nil {
				next = (next + 1) % len(ring)
			}
			ring[next] = t
			next = (next + step) % len(ring)
		}
	}
	return ring
}

// pick chooses the target of one request, nil if no target has a slot. A single target needs no slot.
func (r *route) pick() *target {
	switch {
	case len(r.targets) == 1:
		return r.targets[0]
	case r.slots == 0:
		return nil
	case r.ring != nil:
		return r.ring[(r.turn.Add(1)-1)%uint64(len(r.ring))]
	}
	n := rand.IntN(r.slots)
	for _, t := range r.targets {
		if n < t.slots {
			return t
		}
		n -= t.slots
	}
	return nil
}
