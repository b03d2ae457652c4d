package wire

import (
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// HostVolume is a folder on a node that belongs to the instances of one number of a process.
type HostVolume struct {
	Name      string           `json:"name" doc:"Nomad's name of it: APP--PROCESS--VOLUME[NUMBER]."`
	Team      string           `json:"team"`
	App       string           `json:"app" doc:"It may be gone; an app of this name finds the volume again."`
	Process   string           `json:"process"`
	Volume    string           `json:"volume" doc:"Its name in the spec."`
	Index     int              `json:"index" doc:"The number of the instances that have it."`
	ID        string           `json:"id" doc:"Nomad's."`
	Node      string           `json:"node"`
	NodeID    string           `json:"node_id"`
	Size      int              `json:"size_mib" doc:"What was asked for. Nomad's own plugin does not hold anybody to it."`
	Status    paas.VolumeState `json:"status" enum:"pending,ready,unavailable,lost"`
	UsedBy    []string         `json:"used_by" doc:"Ids of the instances that have it now."`
	CreatedAt time.Time        `json:"created_at"`
}

// HostVolumes are those of a team, by app, process, name and number.
type HostVolumes struct {
	Items []HostVolume `json:"items"`
	Next  string       `json:"next"`
}
