package watch

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// cause says which row of the table of causes an instance's reason tells of; it must follow the same
// events and checks in the same order as reason.
func (f *folding) cause(i paas.Instance, a *nomadapi.AllocationListStub, task *nomadapi.TaskState, process paas.Process, checks []paas.Check) paas.Cause {
	own := paas.Cause("")
	switch i.State {
	case paas.InstanceLost:
		return paas.CauseNodeDown
	case paas.InstanceFailed:
		if (task == nil || task.Failed) || f.sidecarReason(a) == "" {
			own = Cause(task)
		}
	case paas.InstancePending:
		own = Cause(task)
	case paas.InstanceRunning:
		switch {
		case i.Health != paas.HealthHealthy && (i.Exits > 0 || livenessOf(task)):
			own = Cause(task)
		case i.Health == paas.HealthCritical && process.Checked():
			own = f.checkCause(i, process, checks)
		case livenessOf(task): // it serves until the next time
			own = paas.CauseLiveness
		}
	case paas.InstanceStopping, paas.InstanceComplete:
		return ""
	}
	if own == "" && f.sidecarReason(a) != "" {
		return paas.CauseSidecar
	}
	return own
}

// Cause says why a task ended or could not start: from its last event that tells; "" if none does.
func Cause(task *nomadapi.TaskState) paas.Cause {
	if task == nil {
		return ""
	}
	for i := range slices.Backward(task.Events) {
		if c := eventCause(task.Events, i); c != "" {
			return c
		}
	}
	return ""
}

func eventCause(events []*nomadapi.TaskEvent, i int) paas.Cause {
	e := events[i]
	switch e.Type {
	case nomadapi.TaskTerminated:
		switch {
		case ordered(events, i):
			return ""
		case e.Details["oom_killed"] == "true":
			return paas.CauseOutOfMemory
		case number(e, "signal", e.Signal) != 0:
			return paas.CauseSignal
		}
		return paas.CauseExit
	case nomadapi.TaskRestartSignal:
		if unhealthyCheck.MatchString(restartReason(e)) {
			return paas.CauseLiveness
		}
	case nomadapi.TaskDriverFailure:
		return driverCause(detail(e, "driver_error"))
	case nomadapi.TaskArtifactDownloadFailed:
		return fetchCause(detail(e, "download_error"))
	case eventTemplate:
		if templateWaits(events, i) {
			if missingSecrets(e.DisplayMessage) != "" {
				return paas.CauseVaultFailed
			}
			return setupCause("template: " + e.DisplayMessage)
		}
	case nomadapi.TaskSetupFailure:
		return setupCause(detail(e, "setup_error"))
	case eventHookFailed:
		return setupCause(e.DisplayMessage)
	case nomadapi.TaskKilling:
		if e.FailsTask || e.Details["fails_task"] == "true" {
			return setupCause(e.DisplayMessage)
		}
	case nomadapi.TaskFailedValidation:
		return paas.CauseSetupFailed
	case "Disk Resources Exceeded":
		return paas.CauseNoDisk
	}
	return ""
}

var (
	sealed     = regexp.MustCompile(`(?i)vault is sealed`)
	ofVault    = regexp.MustCompile(`(?i)vault`)
	ofTemplate = regexp.MustCompile(`(?i)template`)
	ofUser     = regexp.MustCompile(`(?i)unknown user|identify user|user validation`)
	ofFolder   = regexp.MustCompile(`chdir |work_dir`)
	notThere   = regexp.MustCompile(`response code: 404`)
	denied     = regexp.MustCompile(`response code: 40[13]`)
	otherSum   = regexp.MustCompile(`(?i)checksums did not match`)
)

// setupCause reads what Nomad says of templates and of Vault before the program is started.
func setupCause(s string) paas.Cause {
	switch {
	case sealed.MatchString(s):
		return paas.CauseVaultSealed
	case ofTemplate.MatchString(s):
		return paas.CauseTemplateFailed
	case ofVault.MatchString(s):
		return paas.CauseVaultFailed
	}
	return paas.CauseSetupFailed
}

func driverCause(s string) paas.Cause {
	switch {
	case ofUser.MatchString(s):
		return paas.CauseUserMissing
	case ofFolder.MatchString(s):
		return paas.CauseFolderMissing
	case notFound.MatchString(s):
		return paas.CauseCommandMissing
	case notExecutable.MatchString(s):
		return paas.CauseNotExecutable
	}
	return paas.CauseSetupFailed
}

func fetchCause(s string) paas.Cause {
	switch {
	case notThere.MatchString(s):
		return paas.CauseArtifactMissing
	case denied.MatchString(s):
		return paas.CauseArtifactDenied
	case otherSum.MatchString(s):
		return paas.CauseArtifactChecksum
	}
	return paas.CauseArtifactFailed
}

// checkCause reads the first check that does not pass, as checkReason does.
func (f *folding) checkCause(i paas.Instance, process paas.Process, checks []paas.Check) paas.Cause {
	look := f.in.looks[i.ID]
	for _, c := range slices.SortedFunc(slices.Values(checks), telling) {
		if c.Status == paas.CheckPassing || CheckReason(process, c, i.Ports[c.Port], look) == "" {
			continue
		}
		probe, _ := probeOf(process, c)
		output := outputOf(process, c, look)
		switch {
		case probe.Type != paas.ProbeExec && refused.MatchString(output):
			return silentCause(i.Ports[c.Port], look.Addresses)
		case c.Name == checkStartup:
			return paas.CauseStartupLimit
		case timedOut.MatchString(output):
			return paas.CauseCheckSlow
		}
		return paas.CauseCheckFailing
	}
	return ""
}

// silentCause tells a program that listens nowhere from one that listens where nobody asks.
func silentCause(at paas.Endpoint, listening []string) paas.Cause {
	if len(listening) == 0 || slices.Contains(listening, net.JoinHostPort(at.Host, strconv.Itoa(at.Port))) {
		return paas.CauseNeverListens
	}
	return paas.CauseElsewhere
}

// Events that the client library has no name for.
const (
	eventTemplate   = "Template"
	eventHookFailed = "Task hook failed"
)

// templateWaits says that the task has not started since a template was found waiting.
func templateWaits(events []*nomadapi.TaskEvent, i int) bool {
	return !slices.ContainsFunc(events[i:], func(e *nomadapi.TaskEvent) bool { return e.Type == nomadapi.TaskStarted })
}

// unhealthyCheck matches what Nomad says when a check had it restart a task.
var unhealthyCheck = regexp.MustCompile(`^healthcheck: check "[^"]*" unhealthy`)

func restartReason(e *nomadapi.TaskEvent) string {
	if s := e.Details["restart_reason"]; s != "" {
		return s
	}
	return strings.TrimSpace(e.RestartReason + e.DisplayMessage)
}

// livenessOf says that the last thing that ended the task's program was its liveness probe.
func livenessOf(task *nomadapi.TaskState) bool {
	if task == nil {
		return false
	}
	for i, e := range slices.Backward(task.Events) {
		switch e.Type {
		case nomadapi.TaskRestartSignal:
			return unhealthyCheck.MatchString(restartReason(e))
		case nomadapi.TaskTerminated:
			if !ordered(task.Events, i) {
				return false
			}
		}
	}
	return false
}

// livenessTimes counts, among the events that Nomad keeps, how often the liveness probe ended the program.
func livenessTimes(task *nomadapi.TaskState) int {
	n := 0
	for _, e := range task.Events {
		if e.Type == nomadapi.TaskRestartSignal && unhealthyCheck.MatchString(restartReason(e)) {
			n++
		}
	}
	return n
}
