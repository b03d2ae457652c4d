package devstack

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// unmountTasks takes away what a real Nomad mounted into its allocations (secrets, the folders of exec's root) and leaves
// mounted when it stops. As after a reboot, Nomad mounts the secrets again when it restores the tasks.
func unmountTasks(dir string) []error {
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return []error{err}
	}
	var failures []error
	var points []string
	for node := range MaxNodes {
		points = append(points, mountPoints(string(table), filepath.Join(dir, numbered("nomad", node), "alloc"))...)
	}
	for _, point := range points {
		if err := syscall.Unmount(point, syscall.MNT_DETACH); err != nil {
			failures = append(failures, &os.PathError{Op: "unmount", Path: point, Err: err})
		}
	}
	return failures
}

// mountPoints lists the mount points below dir, inner ones first: the table has them in the order of mounting.
func mountPoints(table, dir string) []string {
	var points []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		if point := unescape(fields[4]); strings.HasPrefix(point, dir+"/") {
			points = append(points, point)
		}
	}
	slices.Reverse(points)
	return points
}

// unescape reads the kernel's \040 for a space, and the like.
func unescape(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, `\`)
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if len(after) >= 3 {
			if code, err := strconv.ParseUint(after[:3], 8, 8); err == nil {
				b.WriteByte(byte(code))
				s = after[3:]
				continue
			}
		}
		b.WriteByte('\\')
		s = after
	}
}
