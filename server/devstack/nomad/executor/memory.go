package executor

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Memory is how many bytes the task's processes hold that are in no file.
func (h *Handle) Memory() int64 {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0
	}
	var all int64
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && groupOf(pid) == h.run.Pid {
			all += anonymous(pid)
		}
	}
	return all
}

// groupOf gives the process group of a process, 0 if it has ended.
func groupOf(pid int) int {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err != nil {
		return 0
	}
	// The name in parentheses may hold anything; state, parent and group follow it.
	fields := strings.Fields(string(raw[bytes.LastIndexByte(raw, ')')+1:]))
	if len(fields) < 3 {
		return 0
	}
	group, err := strconv.Atoi(fields[2])
	if err != nil {
		return 0
	}
	return group
}

func anonymous(pid int) int64 {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		if value, ok := strings.CutPrefix(line, "RssAnon:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "kB")), 10, 64)
			if err != nil {
				return 0
			}
			return n << 10
		}
	}
	return 0
}
