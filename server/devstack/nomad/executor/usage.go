package executor

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Use is what the processes of a task have taken.
type Use struct {
	CPU time.Duration // since they started, of those that run
	RSS int64         // bytes
}

// userHertz is how many ticks /proc counts in a second, on every machine that Linux runs Go on.
const userHertz = 100

// Use looks at what the processes of the task's group take.
func (h *Handle) Use() (use Use) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return use
	}
	for _, e := range entries {
		raw, err := os.ReadFile(filepath.Join("/proc", e.Name(), "stat"))
		if err != nil { // no process, or it has ended
			continue
		}
		// The name in parentheses may hold anything; of what follows, 2 is the group, 11 and 12 are ticks in user and
		// kernel mode, and 21 is pages of memory.
		fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
		if len(fields) < 22 || fields[2] != strconv.Itoa(h.run.Pid) {
			continue
		}
		for _, n := range []int{11, 12} {
			if ticks, err := strconv.ParseInt(fields[n], 10, 64); err == nil {
				use.CPU += time.Duration(ticks) * time.Second / userHertz
			}
		}
		if pages, err := strconv.ParseInt(fields[21], 10, 64); err == nil {
			use.RSS += pages * int64(os.Getpagesize())
		}
	}
	return use
}
