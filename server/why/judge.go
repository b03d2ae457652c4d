package why

import (
	"bytes"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// How far back events count.
const (
	flapWithin  = 5 * time.Minute // turns of a check
	flapTurns   = 3               // that make it flap
	recentDrift = 10 * time.Minute
	recentMove  = 10 * time.Minute
)

// formatError is what Nomad's exec driver prints, as the program's own last line, before it ends with
// formatExit: the kernel can't run the file.
const (
	formatError = "exec format error"
	formatExit  = 255
)

// judge says what is wrong with an instance that doesn't serve, and which instance shows it: itself, or
// the one it was placed instead of.
func (v view) judge(i paas.Instance) (paas.Cause, paas.Instance) {
	cause, shown := v.causeOf(i)
	if i.State == paas.InstanceLost || v.cutOff(i) {
		return paas.CauseNodeDown, i
	}
	if c := v.vaultCause(i, cause); c != "" {
		return c, i
	}
	switch {
	case cause == paas.CauseExit && shown.ExitCode == formatExit && strings.Contains(v.LastLine, formatError):
		return paas.CauseNotExecutable, shown
	case looping(cause) && (i.Looping() || shown.Looping()):
		return paas.CauseCrashLoop, shown
	case v.beginning(i) && (cause == "" || cause == paas.CauseNeverListens || cause == paas.CauseStartupLimit):
		return paas.CauseStarting, i
	case cause == "" && i.Overdue:
		return paas.CauseStartupLimit, i
	case cause == "":
		return paas.CauseStarting, i
	}
	return cause, shown
}

// looping says that a cause, again and again, is a crash loop.
func looping(c paas.Cause) bool {
	return c == paas.CauseExit || c == paas.CauseSignal || c == paas.CauseLiveness || c == ""
}

// beginning says that the instance has time left to become healthy for the first time.
func (v view) beginning(i paas.Instance) bool {
	if i.State == paas.InstancePending {
		return true
	}
	limit := v.process(i.Process).Startup
	return i.State == paas.InstanceRunning && !i.Overdue && i.PassingAt == nil && i.Restarts == 0 && i.StartedAt != nil &&
		limit > 0 && v.now.Before(i.StartedAt.Add(limit))
}

// cutOff says that the node of an instance can't be reached.
func (v view) cutOff(i paas.Instance) bool {
	n, ok := v.node(i.NodeID)
	return ok && (n.Status == paas.NodeDown || n.Status == paas.NodeDisconnected) && !i.State.Ended()
}

// vaultCause says that an instance that has not started waits for a Vault that is not well.
func (v view) vaultCause(i paas.Instance, cause paas.Cause) paas.Cause {
	b, ill := v.trouble(paas.BackendVault)
	waits := cause == "" && i.State == paas.InstancePending || cause == paas.CauseTemplateFailed || cause == paas.CauseVaultFailed
	switch {
	case !ill || !waits || !v.needsVault(i.Process):
		return ""
	case strings.Contains(b.Reason, "sealed"): // the only word a backend has for it
		return paas.CauseVaultSealed
	}
	return paas.CauseVaultDown
}

// needsVault says that a program of the process is given something of Vault's before it starts.
func (v view) needsVault(process string) bool {
	if v.release.Config > 0 || len(v.release.Spec.Services) > 0 {
		return true
	}
	p := v.process(process)
	fragments := []paas.Fragment{p.NomadTask}
	for _, s := range p.Sidecars {
		fragments = append(fragments, s.NomadTask)
	}
	for _, f := range fragments {
		if bytes.Contains(f, []byte(`"Vault"`)) {
			return true
		}
	}
	return false
}

// turns counts how often an instance stopped being healthy within the time that counts, and says since when.
func (v view) turns(i paas.Instance) (n int, since time.Time) {
	for _, e := range v.Events {
		if e.Instance == i.ID && e.Kind == paas.EventInstanceHealth && v.now.Sub(e.Time) < flapWithin {
			if n++; since.IsZero() {
				since = e.Time
			}
		}
	}
	return n, since
}
