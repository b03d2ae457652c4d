package doctor

import (
	"fmt"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// capacity says whether what runs on the largest node has room on the others. It adds up what is free there, so it
// can say for sure that there is too little, never that there is enough for one large instance.
func capacity(l *findings, f Facts) {
	const next = "crumpet platform   (how full each node is; then a machine of the role client more in cluster.hcl, and crumpet cluster up)"
	switch {
	case f.Rooms.Reason != "":
		l.unknown(paas.OfCapacity, "nodes", f.Rooms.Reason, "Whether a node may be lost can't be said.", "nomad node status -stats")
		return
	case len(f.Rooms.Is) == 0:
		l.say(paas.Critical, paas.OfCapacity, "nodes", "No node takes instances.", "No app can start or move.", "crumpet nodes")
		return
	case len(f.Rooms.Is) == 1:
		l.say(paas.Warning, paas.OfCapacity, f.Rooms.Is[0].Name, "One node takes all instances.", "When it is lost every app is down.", next)
		return
	}
	for _, lost := range f.Rooms.Is {
		var cpu, memory int
		for _, r := range f.Rooms.Is {
			if r.Name != lost.Name {
				cpu += max(0, r.CPU.Total-r.CPU.Reserved)
				memory += max(0, r.Memory.Total-r.Memory.Reserved)
			}
		}
		if lost.CPU.Reserved > cpu || lost.Memory.Reserved > memory {
			l.say(paas.Warning, paas.OfCapacity, lost.Name, fmt.Sprintf(
				"%s can't be lost: %d MHz and %d MB are reserved on it, and the others have %d MHz and %d MB free.", lost.Name, lost.CPU.Reserved, lost.Memory.Reserved, cpu, memory),
				"Some of its instances would find no place, and wait.", next)
		}
	}
}
