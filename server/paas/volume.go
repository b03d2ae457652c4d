package paas

// Volume is storage on a node that a process keeps across deploys: a volume block of the spec. Each of the
// process's instances has one of its own.
type Volume struct {
	Name  string `json:"name"`  // unique in the process
	Size  int    `json:"size"`  // MiB
	Mount string `json:"mount"` // absolute path, or below the task's folder with the raw_exec driver
}

// Data is the slot of the processes that have a volume: they do not walk, but are replaced in place.
const Data Slot = "data"
