package watch

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Names of checks, as package jobspec gives them.
const (
	checkStartup   = "startup"
	checkReadiness = "readiness"
	checkLiveness  = "liveness"
)

// telling orders checks by how much they tell of an instance that is not healthy: one that has not
// started is not ready either, and one that is not alive is not ready for long.
func telling(a, b paas.Check) int {
	rank := func(c paas.Check) int {
		switch c.Name {
		case checkStartup:
			return 0
		case checkLiveness:
			return 1
		}
		return 2
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.Port, b.Port), strings.Compare(a.ID, b.ID))
}

// expected is how many checks an instance of a process has, by the job of its slot.
func (a App) expected(slot paas.Slot, process string) int {
	job := a.Jobs[slot]
	if job == nil {
		return 0
	}
	n := 0
	for _, g := range job.TaskGroups {
		if g.Name == nil || *g.Name != process {
			continue
		}
		for _, s := range g.Services {
			n += len(s.Checks)
		}
	}
	return n
}

func (f *folding) checkReason(i paas.Instance, process paas.Process, checks []paas.Check) string {
	for _, c := range slices.SortedFunc(slices.Values(checks), telling) {
		if c.Status == paas.CheckPassing {
			continue
		}
		if reason := CheckReason(process, c, i.Ports[c.Port], f.in.looks[i.ID]); reason != "" {
			return reason
		}
	}
	return ""
}

// probeOf gives what a check asks, and the words for it. A check without a probe is a connection.
func probeOf(process paas.Process, c paas.Check) (probe paas.Probe, words string) {
	probes := map[string]*paas.Probe{
		checkStartup: process.Health.Startup, checkLiveness: process.Health.Liveness,
		checkReadiness: process.Health.Readiness, "": process.Health.Readiness, // of a job from before checks had names
	}
	words = "health check"
	if c.Name == checkStartup || c.Name == checkLiveness {
		words = c.Name + " probe"
	}
	if p := probes[c.Name]; p != nil {
		return *p, words
	}
	return paas.Probe{Type: paas.ProbeTCP, Port: c.Port}, words
}

var (
	refused  = regexp.MustCompile(`connection refused`)
	timedOut = regexp.MustCompile(`deadline exceeded|i/o timeout|Client\.Timeout`)
	answered = regexp.MustCompile(`^HTTP \w+ \S+: (\d{3} [\w '-]+?)(?: Output:|$)`)
)

// outputOf gives what a check that does not pass printed, or what it prints when it is done from here:
// Consul gives no output before the status has changed once, and may keep an old one for minutes where
// only the output changed.
func outputOf(process paas.Process, c paas.Check, look Look) string {
	probe, _ := probeOf(process, c)
	switch {
	case probe.Type == paas.ProbeExec, c.Name == checkLiveness, c.Name == checkStartup && c.Output != "":
		return c.Output
	case c.Output == "", answered.MatchString(look.Output):
		return look.Output
	}
	return c.Output
}

// CheckReason says in one sentence, without its full stop, why a check of a process doesn't pass:
// from its output and from a look at the instance, which asks as the health check does; "" while
// neither tells.
func CheckReason(process paas.Process, c paas.Check, at paas.Endpoint, look Look) string {
	probe, words := probeOf(process, c)
	output := outputOf(process, c, look)
	if probe.Type == paas.ProbeExec {
		if output == "" {
			return ""
		}
		return fmt.Sprintf("the %s of %s fails: %s", words, process.Name, plain(output))
	}
	path := ""
	if probe.Path != "" {
		path = " " + probe.Path
	}
	switch m := answered.FindStringSubmatch(output); {
	case m != nil && strings.HasPrefix(m[1], "2"):
		return "" // it has just begun to answer
	case m != nil:
		return fmt.Sprintf("%s answers its %s%s with %s", process.Name, words, path, m[1])
	case refused.MatchString(output):
		return silent(process, c.Port, at, look.Addresses)
	case timedOut.MatchString(output):
		return fmt.Sprintf("%s does not answer its %s%s in time", process.Name, words, path)
	case output == "":
		return ""
	}
	return fmt.Sprintf("the %s of %s fails: %s", words, process.Name, plain(output))
}
