package deploy_test

import (
	"fmt"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

// table is what a router makes of the healthy instances of the process web and of an app's rule.
type table struct {
	targets map[paas.Slot][]string // addresses
	weights map[paas.Slot]float64
}

func tableOf(ref paas.AppRef, instances []paas.Instance, rule string) table {
	t := table{targets: map[paas.Slot][]string{}, weights: map[paas.Slot]float64{}}
	for _, i := range instances {
		if i.Ref() == ref && i.Process == "web" && i.Serving() {
			t.targets[i.Slot] = append(t.targets[i.Slot], fmt.Sprintf("%s:%d", i.Ports["http"].Host, i.Ports["http"].Port))
		}
	}
	commands, err := route.Parse(rule)
	if err != nil {
		panic(err) // a test that writes a rule no router reads
	}
	for _, c := range commands {
		service, ok := paas.ParseService(c.Service)
		switch {
		case !ok:
		case c.Verb == route.VerbDel:
			delete(t.targets, service.Slot)
		case c.Verb == route.VerbWeight && len(t.targets[service.Slot]) > 0:
			t.weights[service.Slot] = c.Weight
		}
	}
	return t
}

func (t table) addresses() []string {
	all := slices.Concat(t.targets[paas.Blue], t.targets[paas.Green])
	slices.Sort(all)
	return all
}

// share is the part of the requests that a slot gets.
func (t table) share(slot paas.Slot) float64 {
	own, other := len(t.targets[slot]), len(t.targets[slot.Other()])
	switch w, o := t.weights[slot], t.weights[slot.Other()]; {
	case own == 0:
		return 0
	case other == 0, w >= 1:
		return 1
	case o >= 1:
		return 0
	case w > 0:
		return w
	case o > 0:
		return 1 - o
	}
	return float64(own) / float64(own+other)
}

// reach is how many instances' worth of requests are served before the slot with too few for its
// share has more to do than it can.
func (t table) reach() float64 {
	least := -1.0
	for _, slot := range []paas.Slot{paas.Blue, paas.Green} {
		if s := t.share(slot); s > 0 {
			if n := float64(len(t.targets[slot])) / s; least < 0 || n < least {
				least = n
			}
		}
	}
	return max(0, least)
}

func (c *cluster) table(ref paas.AppRef) table {
	var all []paas.Instance
	for _, i := range c.instances {
		all = append(all, i)
	}
	return tableOf(ref, all, c.rules[ref])
}

func (c *cluster) reach(ref paas.AppRef) float64 { return c.table(ref).reach() }

// running counts the instances of all apps.
func (c *cluster) running() int {
	n := 0
	for _, i := range c.instances {
		if !i.State.Ended() {
			n++
		}
	}
	return n
}
