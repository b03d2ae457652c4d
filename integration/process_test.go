package integration_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// process is one of those that carry the mark of a dev, by the files of /proc.
type process struct {
	pid   int
	start string // when it began, so that another with its pid is not taken for it
	args  []string
}

func (p process) String() string { return fmt.Sprintf("%d %s", p.pid, strings.Join(p.args, " ")) }

func (p process) alive() bool {
	start, ok := startOf(p.pid)
	return ok && start == p.start
}

// processes are all that the stack of this folder started, but for dev itself: each inherits CRUMPET_DEV_DIR.
func (d *dev) processes() []process {
	d.t.Helper()
	dir, err := filepath.EvalSymlinks(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		d.t.Fatal(err)
	}
	var found []process
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		environ, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		if err != nil || !slices.Contains(strings.Split(string(environ), "\x00"), "CRUMPET_DEV_DIR="+dir) {
			continue
		}
		start, ok := startOf(pid)
		args, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if ok && err == nil && len(args) > 0 {
			found = append(found, process{pid, start, strings.Split(strings.TrimRight(string(args), "\x00"), "\x00")})
		}
	}
	return found
}

// startOf tells when a process began, if it lives and is no zombie.
func startOf(pid int) (string, bool) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", false
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return "", false
	}
	return fields[19], true
}

// askNomad reads what this stack's Nomad knows.
func (d *dev) askNomad(path string, into any) {
	d.t.Helper()
	code, body := d.get(d.info.Nomad+path, "")
	if err := json.Unmarshal([]byte(body), into); err != nil || code != http.StatusOK {
		d.t.Fatalf("nomad %s: %d %s", path, code, body)
	}
}
