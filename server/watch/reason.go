package watch

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"

	nomadapi "github.com/hashicorp/nomad/api"
)

// maxEvents is how many events of a task Nomad keeps.
const maxEvents = 10

// Reason says in one sentence, without its full stop, why the task of a process ended or could not
// start: from its last event that tells; "" if none does. memory is its limit in MiB.
func Reason(process string, task *nomadapi.TaskState, memory int64) string {
	if task == nil {
		return ""
	}
	for i := range slices.Backward(task.Events) {
		if s := eventReason(process, task, i, memory); s != "" {
			return s
		}
	}
	return ""
}

func eventReason(process string, task *nomadapi.TaskState, i int, memory int64) string {
	e := task.Events[i]
	switch e.Type {
	case nomadapi.TaskTerminated:
		if ordered(task.Events, i) {
			return ""
		}
		return exitReason(process, e, exits(task), memory)
	case nomadapi.TaskDriverFailure:
		return process + " could not be started: " + startError(detail(e, "driver_error"))
	case nomadapi.TaskArtifactDownloadFailed:
		return process + " could not fetch its artifact: " + fetchError(detail(e, "download_error"))
	case nomadapi.TaskSetupFailure:
		return process + " could not be set up: " + plain(detail(e, "setup_error"))
	case nomadapi.TaskFailedValidation:
		return process + " is not valid for its node: " + plain(detail(e, "validation_error"))
	case "Disk Resources Exceeded":
		return process + " was killed: it used more disk than it may"
	case nomadapi.TaskSiblingFailed:
		return process + " was stopped, as another task beside it failed"
	case nomadapi.TaskRestartSignal:
		if !unhealthyCheck.MatchString(restartReason(e)) {
			return ""
		}
		often := ""
		if n := livenessTimes(task); n > 1 {
			often = fmt.Sprintf(" %d times", n)
		}
		return process + " was ended" + often + ": its liveness probe failed"
	case eventTemplate:
		if templateWaits(task.Events, i) {
			if s := missingSecrets(e.DisplayMessage); s != "" {
				return process + " " + s
			}
			return process + " waits for a template: " + plain(e.DisplayMessage)
		}
	case eventHookFailed:
		return process + " could not be set up: " + plain(e.DisplayMessage)
	case "Failed Restoring Task":
		return process + " was lost when its node's Nomad client restarted"
	case nomadapi.TaskKilling:
		if e.FailsTask || e.Details["fails_task"] == "true" {
			return process + " was killed: " + plain(e.DisplayMessage)
		}
	}
	return ""
}

// exits counts how often a task has ended by itself. Once Nomad has dropped its first events the
// count of restarts has to stand in for them.
func exits(task *nomadapi.TaskState) int {
	n, pending := 0, false
	for i, e := range task.Events {
		switch e.Type {
		case nomadapi.TaskTerminated:
			if !ordered(task.Events, i) {
				n, pending = n+1, true
			}
		case nomadapi.TaskRestarting:
			pending = false
		}
	}
	if n == 0 || len(task.Events) < maxEvents {
		return n
	}
	counted := int(task.Restarts)
	if pending { // this exit's restart has not been counted yet, or never will be
		counted++
	}
	return max(n, counted)
}

// ordered says that the end at events[i] was asked for: since its start the task was told to stop
// or to restart.
func ordered(events []*nomadapi.TaskEvent, i int) bool {
	for i--; i >= 0; i-- {
		switch events[i].Type {
		case nomadapi.TaskKilling, nomadapi.TaskRestartSignal:
			return true
		case nomadapi.TaskStarted, nomadapi.TaskTerminated:
			return false
		}
	}
	return false
}

func exitReason(process string, e *nomadapi.TaskEvent, times int, memory int64) string {
	if e.Details["oom_killed"] == "true" {
		return fmt.Sprintf("%s was killed: out of memory (%d MiB)", process, memory)
	}
	often := ""
	if times > 1 {
		often = fmt.Sprintf(" %d times", times)
	}
	if n := number(e, "signal", e.Signal); n != 0 {
		return fmt.Sprintf("%s was ended%s by signal %d (%s)", process, often, n, signalName(n))
	}
	return fmt.Sprintf("%s exited%s with code %d", process, often, number(e, "exit_code", e.ExitCode))
}

func signalName(n int) string {
	if name := signalNames[n]; name != "" {
		return name
	}
	return syscall.Signal(n).String()
}

// signalNames are those that tell what went wrong.
var signalNames = map[int]string{
	int(syscall.SIGSEGV): "SIGSEGV, an invalid memory access",
	int(syscall.SIGABRT): "SIGABRT, it aborted",
	int(syscall.SIGKILL): "SIGKILL, killed from outside",
}

// number reads a detail; older Nomads give the field only.
func number(e *nomadapi.TaskEvent, key string, field int) int {
	if n, err := strconv.Atoi(e.Details[key]); err == nil {
		return n
	}
	return field
}

func detail(e *nomadapi.TaskEvent, key string) string {
	if s := e.Details[key]; s != "" {
		return s
	}
	return e.DisplayMessage
}

var (
	notFound      = regexp.MustCompile(`"([^"]+)"(?: could not be found|: (?:executable file not found|no such file|stat))|(?:fork/)?exec ([^\s:"]+): (?:no such file|executable file not found)|file (\S+) not found under path`)
	notExecutable = regexp.MustCompile(`(?:(?:fork/)?exec|binary) "?([^\s:"]+)"?:? (?:permission denied|exec format error|is not executable)`)
	wrapping      = regexp.MustCompile(`^(?:failed to launch command with executor: |rpc error: code = \w+ desc = |failed to start command path.*? err: )+`)
	fetchWrapping = regexp.MustCompile(`^failed to download artifact "[^"]*": |getter subprocess failed: |dial tcp |connect: |exit status \d+: |failed to download artifact: |Get "[^"]*": |error downloading '[^']*': `)
	query         = regexp.MustCompile(`\?[^\s"']*`)
)

// startError says what a driver found wrong with the program.
func startError(s string) string {
	s = wrapping.ReplaceAllString(s, "")
	if m := notFound.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("exec: %q: no such file in the artifact", asWritten(m[1]+m[2]+m[3]))
	}
	if m := notExecutable.FindStringSubmatch(s); m != nil {
		return fmt.Sprintf("exec: %q: not a program that can be executed", asWritten(m[1]))
	}
	return plain(s)
}

// asWritten gives a program's name as the app spec has it: the artifact is unpacked into local/.
func asWritten(program string) string {
	if rest, ok := strings.CutPrefix(program, "local/"); ok {
		return "./" + rest
	}
	if _, rest, ok := strings.Cut(program, "/local/"); ok && strings.Contains(program, "/alloc/") {
		return "./" + rest
	}
	return program
}

// fetchError gives the cause only: the address of an artifact is signed, so it must not be shown.
func fetchError(s string) string { return plain(fetchWrapping.ReplaceAllString(s, "")) }

// plain brings foreign text onto one line of bounded length, without the query of an address, which
// may hold a signature, and without a full stop.
func plain(s string) string {
	s = query.ReplaceAllString(strings.Join(strings.Fields(s), " "), "")
	s = strings.TrimRight(s, ". ")
	const longest = 300
	if len(s) > longest {
		s = strings.ToValidUTF8(s[:longest], "") + "..."
	}
	if s == "" {
		return "no reason given"
	}
	return s
}
