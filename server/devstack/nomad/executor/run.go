package executor

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Spec is what to run.
type Spec struct {
	Run     string   // folder of this run's files, made by Start
	Dir     string   // working directory
	Command string   // absolute
	Args    []string // without the command
	Env     []string
	User    *Identity // nil: whoever runs the stand-in
	Logs    string    // folder of the logs
	Task    string    // name of the task, in names of logs

	MaxFiles      int // kept files of each stream
	MaxFileSizeMB int
	NoLogs        bool
}

// Exit is how a task ended. Lost is set when the shim died without a word: the
// task is gone too, but its code is unknown.
type Exit struct {
	Code   int
	Signal int
	Lost   bool
	At     time.Time

	OutOfMemory bool // it was killed for holding more than it may
}

// run is the file run.json.
type run struct {
	Shim      int       // pid of the shim
	Pid       int       // pid and process group of the task
	PidStart  uint64    // start of the task in clock ticks: pids are reused
	StartedAt time.Time //
	Exit      *Exit     // nil while running
}

const (
	runFile   = "run.json"
	aliveFile = "alive"
)

func readRun(dir string) (run, error) {
	var r run
	raw, err := os.ReadFile(filepath.Join(dir, runFile))
	if err != nil {
		return r, fmt.Errorf("read run: %w", err)
	}
	if err := json.Unmarshal(raw, &r); err != nil {
		return r, fmt.Errorf("read run: %w", err)
	}
	return r, nil
}

func (r run) write(dir string) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write run: %w", err)
	}
	path := filepath.Join(dir, runFile)
	if err := os.WriteFile(path+".new", raw, 0o600); err != nil {
		return fmt.Errorf("write run: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write run: %w", err)
	}
	return nil
}

// startTicks is when a process started; 0 when there is none, or only what is
// left of one.
func startTicks(pid int) uint64 {
	raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	// The name in parentheses may hold anything; the fields after it do not.
	fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" {
		return 0
	}
	ticks, err := strconv.ParseUint(fields[19], 10, 64)
	if err != nil {
		return 0
	}
	return ticks
}

// Look finds the program of a task as Nomad's executor does: in the task's
// local folder, in its folder, then as a path or on PATH.
func Look(dir, path, command string) (string, error) {
	candidates := []string{filepath.Join(dir, "local", command), filepath.Join(dir, command)}
	if filepath.IsAbs(command) {
		candidates = append(candidates, command)
	} else if !strings.Contains(command, "/") {
		for entry := range strings.SplitSeq(path, ":") {
			if filepath.IsAbs(entry) {
				candidates = append(candidates, filepath.Join(entry, command))
			}
		}
	}
	for _, c := range candidates {
		info, err := os.Stat(c)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("look for %q: %w", command, err)
		}
		if info.IsDir() {
			continue
		}
		if info.Mode()&0o111 == 0 {
			return "", fmt.Errorf("binary %q is not executable", command)
		}
		return c, nil
	}
	return "", fmt.Errorf("binary %q could not be found", command)
}
