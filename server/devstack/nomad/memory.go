package nomad

import "time"

// memoryEvery is how often a task's memory is looked at. Nomad has the kernel do that, at once.
const memoryEvery = 200 * time.Millisecond

// memoryLimit is how many bytes a task may hold; 0 for as many as it likes.
func (t *task) memoryLimit() int64 {
	def, _ := t.spec()
	if def == nil || def.Resources == nil {
		return 0
	}
	limit := intOr(def.Resources.MemoryMB, 0)
	if most := intOr(def.Resources.MemoryMaxMB, 0); most > limit {
		limit = most
	}
	return int64(limit) << 20
}
