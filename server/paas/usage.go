package paas

import "time"

// InstanceUsage is what one instance takes of its node, against what its job gives it: all its tasks together.
type InstanceUsage struct {
	Instance string `json:"instance"` // id of the allocation
	Process  string `json:"process"`
	Slot     Slot   `json:"slot"`
	Release  int    `json:"release"`
	Index    int    `json:"index"` // within its slot
	Node     string `json:"node"`

	Known  bool       `json:"known"`            // false where it could not be measured: Reason says why
	Reason string     `json:"reason,omitempty"` // a sentence
	At     *time.Time `json:"at,omitempty"`     // when it was measured, by the node's clock

	CPU      float64 `json:"cpu_mhz"`
	CPULimit int     `json:"cpu_limit_mhz"`   // its share when the node is full; it may take more while nobody else wants it
	Cores    int     `json:"cores,omitempty"` // whole cores of its own, beside or instead of a share
	// Memory is resident memory in MiB. An instance that goes above the maximum is killed.
	Memory      float64 `json:"memory_mb"`
	MemoryLimit int     `json:"memory_limit_mb"`
	MemoryMax   int     `json:"memory_max_mb"` // the limit where no more is allowed
}

// Measured is what the scheduler says an allocation takes now.
type Measured struct {
	At     time.Time
	CPU    float64 // MHz
	Memory int64   // bytes
}
