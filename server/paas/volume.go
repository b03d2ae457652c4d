package paas

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Volume is storage on a node that a process keeps across deploys: a volume block of the spec. Each of the
// process's instances has one of its own.
type Volume struct {
	Name  string `json:"name"`  // unique in the process
	Size  int    `json:"size"`  // MiB
	Mount string `json:"mount"` // absolute path, or below the task's folder with the raw_exec driver
}

// Data is the slot of the processes that have a volume: they do not walk, but are replaced in place.
const Data Slot = "data"

// Beside says that what stands in the slot serves while the slot live does: it is that one, or Data.
func (s Slot) Beside(live Slot) bool { return s == live || s == Data }

// Stateful says that the process has a volume, and so stands in the slot Data.
func (p Process) Stateful() bool { return len(p.Volumes) > 0 }

// Stateful says that some process has a volume.
func (s Spec) Stateful() bool {
	for _, p := range s.Processes {
		if p.Stateful() {
			return true
		}
	}
	return false
}

// HostVolume is a folder on one node that belongs to the instances of one number of a process, whatever
// their release: it stays when they go, and even when the app does.
type HostVolume struct {
	Team      string    `json:"team"`
	App       string    `json:"app"`
	Process   string    `json:"process"`
	Volume    string    `json:"volume"` // name in the spec
	Index     int       `json:"index"`  // of the instances that it belongs to
	ID        string    `json:"id"`     // Nomad's
	NodeID    string    `json:"node_id"`
	Node      string    `json:"node"` // name
	Size      int       `json:"size"` // MiB that were asked for
	CreatedAt time.Time `json:"created_at"`
}

// Ref names the volume's app.
func (v HostVolume) Ref() AppRef { return AppRef{Team: v.Team, App: v.App} }

// Name is what Nomad calls it: APP--PROCESS--VOLUME[INDEX]. A task group asks for what stands before the
// bracket, per instance.
func (v HostVolume) Name() string {
	return fmt.Sprintf("%s[%d]", VolumeSource(v.App, v.Process, v.Volume), v.Index)
}

// Same says that two stand for the same place of an app, though Nomad may have made one after the other.
func (v HostVolume) Same(o HostVolume) bool {
	return v.Team == o.Team && v.App == o.App && v.Process == o.Process && v.Volume == o.Volume && v.Index == o.Index
}

// VolumeSource is the name that the volumes of all instances of a process begin with. Names hold no double
// dash, so that the parts can be told apart again.
func VolumeSource(app, process, volume string) string {
	return strings.Join([]string{app, process, volume}, "--")
}

// ParseVolume splits a name that HostVolume.Name made; ok is false for any other.
func ParseVolume(team, name string) (v HostVolume, ok bool) {
	source, rest, found := strings.Cut(name, "[")
	parts := strings.Split(source, "--")
	number, closed := strings.CutSuffix(rest, "]")
	index, err := strconv.Atoi(number)
	if !found || !closed || err != nil || index < 0 || len(parts) != 3 || strconv.Itoa(index) != number {
		return HostVolume{}, false
	}
	v = HostVolume{Team: team, App: parts[0], Process: parts[1], Volume: parts[2], Index: index}
	return v, validName(v.App) && len(v.App) <= MaxApp && validName(v.Process) && validName(v.Volume)
}

// VolumeState is how a volume stands.
type VolumeState string

// The states: Nomad's, and that it knows no such volume any more.
const (
	VolumePending     VolumeState = "pending" // its node has not said yet that it is there
	VolumeReady       VolumeState = "ready"
	VolumeUnavailable VolumeState = "unavailable"
	VolumeLost        VolumeState = "lost" // Nomad knows no such volume: somebody deleted it there
)

// FoundVolume is a volume as Nomad has it.
type FoundVolume struct {
	HostVolume
	State  VolumeState `json:"status"`
	Path   string      `json:"path,omitempty"` // on its node
	UsedBy []string    `json:"used_by"`        // ids of the instances that have it mounted
}

// VolumeRequest asks for a new volume on a node.
type VolumeRequest struct {
	Volume HostVolume // without an id
	Node   Node
}
