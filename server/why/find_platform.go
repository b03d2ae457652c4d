package why

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// backend finds one of the programs below that is not well.
func backend(name string) func(view, Row) (finding, bool) {
	return func(v view, _ Row) (finding, bool) {
		b, ill := v.trouble(name)
		if !ill {
			return finding{}, false
		}
		return finding{
			said: strings.TrimSuffix(b.Reason, "."), since: b.Since,
			links: []paas.Link{{Kind: paas.LinkBackend, ID: b.Name, Text: b.Reason, Since: at(b.Since)}},
		}, true
	}
}

// routerDown finds routers that don't answer, for an app that has routes.
func routerDown(v view, row Row) (finding, bool) {
	if len(v.release.Spec.Routes()) == 0 {
		return finding{}, false
	}
	return backend(paas.BackendFabio)(v, row)
}

// routerStuck finds a key that no router can read: each keeps the table it has.
func routerStuck(v view, _ Row) (finding, bool) {
	if len(v.BadRules) == 0 || len(v.release.Spec.Routes()) == 0 {
		return finding{}, false
	}
	bad := v.BadRules[0]
	return finding{
		said:  fmt.Sprintf("the key %s in Consul freezes every router's table: %s", bad.Key, bad.Reason),
		key:   bad.Key,
		links: []paas.Link{{Kind: paas.LinkBackend, ID: bad.Key, Text: bad.Reason}},
	}, true
}

// draining finds an instance on a node that is being drained, or one that found no other place.
func draining(v view, _ Row) (finding, bool) {
	return v.onNodes(func(n paas.Node) bool { return n.Draining }, "node %s is being drained")
}

// ineligible finds that instances found no place while a node took nothing new.
func ineligible(v view, _ Row) (finding, bool) {
	if !v.placeless() {
		return finding{}, false
	}
	return v.onNodes(func(n paas.Node) bool { return !n.Eligible && !n.Draining && n.Status == paas.NodeReady }, "node %s takes nothing new")
}

func (v view) onNodes(which func(paas.Node) bool, words string) (finding, bool) {
	if v.stage == stageWhole {
		return finding{}, false
	}
	for _, n := range v.Nodes {
		if !which(n) {
			continue
		}
		var moving *paas.Instance
		for _, i := range v.Instances {
			if i.NodeID == n.ID && i.Slot.Beside(v.slot) && !i.State.Ended() {
				moving = &i
			}
		}
		if moving == nil && !v.placeless() {
			continue
		}
		found := finding{
			said: fmt.Sprintf(words, n.Name), since: n.Since, node: n.ID,
			links: []paas.Link{v.evaluation(), {Kind: paas.LinkNode, ID: n.ID, Text: fmt.Sprintf(words, n.Name), Since: at(n.Since)}},
		}
		if v.placeless() {
			found.said += fmt.Sprintf(", and no other has a place for %s", strings.Join(v.lacking(), ", "))
		} else if moving != nil {
			found.said += fmt.Sprintf(", and %s %d moves away", moving.Process, moving.Index)
		}
		return found, true
	}
	return finding{}, false
}

// placeless says that Nomad found no node that is ready for instances of the release.
func (v view) placeless() bool {
	slot := v.blockedSlot()
	fact, row := v.Snapshot.Jobs[slot], v.Snapshot.Slots[slot]
	held := v.walk != nil && !v.walk.State.Ended() && v.walk.Trouble == paas.CauseNoNode
	return held || fact.Cause == paas.CauseNoNode && fact.Index >= row.Index && !row.Empty() && row.Release == v.release.Number
}

// lacking names the processes that want more instances than there are: all, while none of the release is
// registered.
func (v view) lacking() []string {
	var all, some []string
	for _, p := range v.release.Spec.Processes {
		have := 0
		for _, i := range v.heads {
			if i.Process == p.Name && !i.State.Ended() {
				have++
			}
		}
		all = append(all, p.Name)
		if have < v.wanted[p.Name] {
			some = append(some, p.Name)
		}
	}
	if len(some) == 0 {
		some = all
	}
	slices.Sort(some)
	return some
}
