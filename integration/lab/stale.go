//go:build linux

package lab

import (
	"bufio"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// cgroups is where the controllers are mounted, one folder each.
const cgroups = "/sys/fs/cgroup"

// named is the folder of the hierarchy of cgroup v1 that has no controller: systemd keeps its units in it.
const named = "systemd"

// controllers are the folders of hierarchies of cgroup v1 that have one: "cpu", "memory"...
func controllers() []string {
	return slices.DeleteFunc(hierarchies(), func(name string) bool { return name == named })
}

// hierarchies are the folders of all of them.
func hierarchies() []string {
	f, err := os.Open("/proc/self/mounts")
	if err != nil {
		return nil
	}
	defer f.Close() //nolint:errcheck // read only
	var names []string
	for s := bufio.NewScanner(f); s.Scan(); {
		words := strings.Fields(s.Text())
		if len(words) < 4 || words[2] != "cgroup" || filepath.Dir(words[1]) != cgroups {
			continue
		}
		if name := filepath.Base(words[1]); name == named || !strings.Contains(words[3], "name=") {
			names = append(names, name)
		}
	}
	return names
}

// clearStale takes away what an earlier lab at this place left: processes by the control groups they are in, then the groups, the cables and the bridge.
// Whoever calls it holds the lock, so that nothing of it is in use.
func (l *Lab) clearStale() {
	t := l.t
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		left := 0
		for _, name := range hierarchies() {
			left += clearGroups(filepath.Join(cgroups, name, l.group()))
		}
		if left == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Errorf("%d control groups %q below %s are still in use", left, l.group(), cgroups)
			break
		}
	}
	links, _ := filepath.Glob("/sys/class/net/" + l.cables() + "*") // the pattern is right
	for _, link := range append(links, l.bridge()) {
		removeLink(t, filepath.Base(link))
	}
}

// removeLink takes a network device away, if there is one.
func removeLink(t testing.TB, name string) {
	t.Helper()
	out, err := command(time.Minute, "ip", "link", "del", name)
	if err != nil && !strings.Contains(out, "Cannot find device") {
		t.Errorf("take the link %s away: %v\n%s", name, err, out)
	}
}

// clearGroups kills what is in a control group and those below it, removes the empty ones, and counts the others.
func clearGroups(dir string) int {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0 // there is none
	}
	left := 0
	for _, e := range entries {
		if e.IsDir() {
			left += clearGroups(filepath.Join(dir, e.Name()))
		}
	}
	text, _ := os.ReadFile(filepath.Join(dir, "cgroup.procs")) // gone with the group: Remove tells
	for word := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(word); err == nil && pid > 1 {
			_ = syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
	}
	if err := os.Remove(dir); err != nil && !os.IsNotExist(err) {
		left++
	}
	return left
}
