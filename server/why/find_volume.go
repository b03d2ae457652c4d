package why

import (
	"fmt"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// volumeAway finds instances that wait for the node that has their volume.
func volumeAway(v view, row Row) (finding, bool) {
	found, ok := v.ofPlacement(row.ID)
	if !ok || v.stage == stageWhole {
		return found, false
	}
	var waits []string
	for _, vol := range v.Snapshot.Volumes {
		if vol.Index >= v.wanted[vol.Process] || v.there(vol) {
			continue
		}
		text := fmt.Sprintf("%s.%d waits for node %s, which has its volume", vol.Process, vol.Index, vol.Node)
		if n, known := v.node(vol.NodeID); known {
			if closed(n) {
				text += " and is " + nodeWords(n)
			}
			found.node, found.since = n.ID, n.Since
		}
		waits = append(waits, text)
	}
	if len(waits) > 0 {
		found.said = strings.Join(waits, ", and ")
	}
	return found, true
}

// there says that an instance has the volume.
func (v view) there(vol paas.HostVolume) bool {
	for _, i := range v.heads {
		if i.Slot == paas.Data && i.Process == vol.Process && i.Index == vol.Index && !i.State.Ended() {
			return true
		}
	}
	return false
}
