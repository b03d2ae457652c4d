package cluster

import (
	"context"
	"fmt"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// places are where instances of a node that is to be empty may go.
type places struct {
	from  paas.Node
	nodes []paas.Node                  // other than that, which take instances
	rooms map[string]paas.NodeCapacity // by their ids; empty where it is not known
}

func (c *Cluster) places(ctx context.Context, from paas.Node, nodes map[string]paas.Node) places {
	at := places{from: from}
	for _, n := range nodes {
		if n.ID != from.ID && n.Status == paas.NodeReady && n.Eligible && !n.Draining {
			at.nodes = append(at.nodes, n)
		}
	}
	if len(at.nodes) > 0 {
		at.rooms, _ = c.cfg.Rooms.Rooms(ctx) // not known: a walk finds out
	}
	return at
}

// without says why an app can't walk there, a part of a sentence; "" where it may. It says for sure that there is
// too little room, never that there is enough: a walk finds out the rest.
func (at places) without(snap paas.Snapshot) string {
	if len(at.nodes) == 0 {
		return "no other node takes instances"
	}
	for _, i := range snap.Instances {
		need, known := at.rooms[at.from.ID].Instances[i.ID]
		if i.NodeID != at.from.ID || !i.Serving() || !known || at.fits(need) {
			continue
		}
		return fmt.Sprintf("no other node has room for an instance of %s, which has %d MHz and %d MB reserved", i.Process, need.CPU, need.Memory)
	}
	return ""
}

func (at places) fits(need paas.Reserved) bool {
	for _, n := range at.nodes {
		room, known := at.rooms[n.ID]
		if !known || room.CPU.Total-room.CPU.Reserved >= need.CPU && room.Memory.Total-room.Memory.Reserved >= need.Memory {
			return true
		}
	}
	return false
}

// wait is what a drain waits for.
type wait struct {
	text string // a sentence without a full stop
	next string // what somebody must do about it, sentences; "" for nothing
}

type waits []wait

// most is how many apps are named as what a drain waits for.
const most = 3

func (w waits) String() string {
	var texts []string
	next := ""
	for n, one := range w {
		if n < most {
			texts = append(texts, one.text)
		}
		if next == "" && one.next != "" {
			next = " " + one.next
		}
	}
	if more := len(w) - most; more > 0 {
		texts = append(texts, fmt.Sprintf("%d more apps", more))
	}
	return strings.Join(texts, ", ") + "." + next
}
