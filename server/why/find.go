package why

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// common finds a row in what is said of instances, of placement, and of why a deployment is held or was
// turned back.
func common(v view, row Row) (finding, bool) {
	if v.stage == stageWhole {
		return finding{}, false
	}
	if found, ok := v.ofInstances(row); ok {
		return found, true
	}
	if v.walk != nil && v.walk.Waits == paas.WaitRoom {
		return finding{}, false // somebody is to decide about just that
	}
	if found, ok := v.ofPlacement(row.ID); ok {
		return found, true
	}
	return v.ofDeployment(row.ID)
}

// ofInstances finds those that don't serve for this cause.
func (v view) ofInstances(row Row) (finding, bool) {
	if row.ID == paas.CauseStarting && v.stage == stageServing && len(v.Snapshot.Deployments) > 0 {
		return finding{}, false // the deployment has more to say
	}
	var some []paas.Instance
	var shown paas.Instance
	for _, i := range v.bad {
		c, of := v.judge(i)
		if c != row.ID {
			continue
		}
		if len(some) == 0 {
			shown = of
		}
		if len(some) == 0 || i.Process == some[0].Process {
			some = append(some, i)
		}
	}
	if len(some) == 0 {
		return finding{}, false
	}
	return v.grouped(row, some, shown), true
}

// grouped puts instances of one process that have the same cause into one clause.
func (v view) grouped(row Row, some []paas.Instance, shown paas.Instance) finding {
	wanted := max(v.wanted[some[0].Process], len(some))
	subject, verb := "", row.one
	switch {
	case wanted == 1:
		subject = "the " + shown.Process + " instance"
	case len(some) == wanted:
		subject, verb = fmt.Sprintf("all %d %s instances", wanted, shown.Process), row.many
	default:
		subject = fmt.Sprintf("%d of %d %s instances", len(some), wanted, shown.Process)
		if len(some) > 1 {
			verb = row.many
		}
	}
	if row.ID == paas.CauseCheckFailing {
		verb += " " + possessive(len(some) == 1) + " " + probeWords(shown)
	}
	found := finding{said: subject + " " + verb, instance: &shown, since: since(row.ID, shown), next: some[0].NextTry}
	if d := v.detail(row.ID, some[0], shown); d != "" {
		found.said += ": " + d
	}
	for _, i := range some {
		if i.NextTry != nil && (found.next == nil || i.NextTry.Before(*found.next)) {
			found.next = i.NextTry
		}
	}
	found.node = shown.Node
	found.links = v.ofInstance(shown)
	return found
}

func possessive(one bool) string {
	if one {
		return "its"
	}
	return "their"
}

// since is when the cause arose, as far as the instance tells.
func since(cause paas.Cause, i paas.Instance) time.Time {
	if c, ok := failing(i); ok && i.State == paas.InstanceRunning {
		return c.Since
	}
	if i.StartedAt != nil && (cause == paas.CauseStarting || cause == paas.CauseNeverListens) {
		return *i.StartedAt
	}
	return i.Since
}

// failing gives the check of an instance that tells most.
func failing(i paas.Instance) (paas.CheckFact, bool) {
	for _, c := range i.Checks { // ordered by how much they tell
		if c.Status != paas.CheckPassing {
			return c, true
		}
	}
	return paas.CheckFact{}, false
}

func probeWords(i paas.Instance) string {
	name := "readiness"
	if c, ok := failing(i); ok {
		name, _, _ = strings.Cut(c.Name, " ")
	}
	return name + " check"
}

// detail is what is known of a cause beyond its name.
func (v view) detail(cause paas.Cause, i, shown paas.Instance) string {
	switch cause { //nolint:exhaustive // the others are told by their reason
	case paas.CauseNodeDown:
		if n, ok := v.node(i.NodeID); ok {
			return fmt.Sprintf("node %s is %s", n.Name, n.Status)
		}
	case paas.CauseVaultSealed, paas.CauseVaultDown:
		if b, ill := v.trouble(paas.BackendVault); ill {
			return strings.TrimSuffix(b.Reason, ".")
		}
	case paas.CauseArtifactChecksum:
		if m := sums.FindStringSubmatch(shown.Reason); m != nil {
			return fmt.Sprintf("SHA-256 %.12s was released, %.12s came", m[1], m[2])
		}
	case paas.CauseNotExecutable:
		if strings.Contains(v.LastLine, formatError) {
			return strings.TrimSpace(v.LastLine)
		}
	case paas.CauseStarting:
		return v.startingDetail(i)
	case paas.CauseCheckFailing, paas.CauseStartupLimit:
		if s := v.answered(shown); s != "" {
			return s
		}
	}
	return told(shown.Reason)
}

func (v view) startingDetail(i paas.Instance) string {
	limit := v.process(i.Process).Startup
	if i.State != paas.InstanceRunning || i.StartedAt == nil || limit == 0 {
		return ""
	}
	return fmt.Sprintf("it has until %s to become healthy", clock(i.StartedAt.Add(limit), v.now))
}

// sums finds the two digests in what Nomad says of an artifact.
var sums = regexp.MustCompile(`Expected: ([0-9a-f]+) Got: ([0-9a-f]+)`)

// told leaves of a reason what the words before it have not said yet.
func told(reason string) string {
	for _, said := range []string{" could not fetch its artifact: ", " could not be started: ", " could not be set up: ", " was killed: ", " is not valid for its node: ", " waits for a template: "} {
		if _, rest, ok := strings.Cut(reason, said); ok {
			return rest
		}
	}
	return reason
}

// answered puts the output of an http check into a few words.
func (v view) answered(i paas.Instance) string {
	c, ok := failing(i)
	if !ok {
		return ""
	}
	method, rest, ok := strings.Cut(strings.TrimPrefix(c.Output, "HTTP "), " http://")
	if !ok {
		return ""
	}
	at, answer, ok := strings.Cut(rest, ": ")
	host, path, slash := strings.Cut(at, "/")
	if !ok || !slash {
		return ""
	}
	answer, _, _ = strings.Cut(answer, " Output:")
	return fmt.Sprintf("%s /%s answered %s at %s", method, path, strings.TrimSpace(answer), host)
}

// ofPlacement finds what Nomad said of instances that it found no place for.
func (v view) ofPlacement(cause paas.Cause) (finding, bool) {
	slot := v.blockedSlot()
	fact, row := v.Snapshot.Jobs[slot], v.Snapshot.Slots[slot]
	if fact.Blocked == "" || fact.Cause != cause || fact.Index < row.Index || row.Empty() || row.Release != v.release.Number {
		return finding{}, false
	}
	return finding{said: fact.Blocked, links: []paas.Link{v.evaluation(), {Kind: paas.LinkPlacement, ID: string(cause), Text: fact.Blocked}}}, true
}

// ofDeployment finds why a deployment is held, or was turned back.
func (v view) ofDeployment(cause paas.Cause) (finding, bool) {
	if v.walk == nil || v.walk.Reason == "" || v.troubled() != cause {
		return finding{}, false
	}
	found := finding{said: strings.TrimSuffix(v.walk.Reason, "."), since: v.walk.StepAt}
	if v.walk.HeldAt != nil {
		found.since = *v.walk.HeldAt
	}
	if cause == paas.CauseNotExecutable && strings.Contains(v.LastLine, formatError) {
		found.said = strings.TrimSpace(v.LastLine)
	}
	if i, ok := v.telling(); ok && cause != paas.CauseCanceled {
		found.instance, found.links = &i, v.ofInstance(i)
	}
	return found, true
}

// troubled gives the cause that held the deployment or turned it back, seen as judge sees it.
func (v view) troubled() paas.Cause {
	if i, ok := v.telling(); ok && v.walk.Trouble == paas.CauseExit && i.ExitCode == formatExit && strings.Contains(v.LastLine, formatError) {
		return paas.CauseNotExecutable
	}
	return v.walk.Trouble
}

// telling gives the instance of the release whose log tells most: the newest that failed, or the newest.
func (v view) telling() (paas.Instance, bool) {
	grade := func(i paas.Instance) int {
		switch {
		case i.State == paas.InstanceFailed:
			return 2
		case i.Cause != "":
			return 1
		}
		return 0
	}
	var best paas.Instance
	for _, i := range v.Instances {
		if !i.Slot.Beside(v.slot) || i.Release != v.release.Number {
			continue
		}
		if best.ID == "" || grade(i) > grade(best) || grade(i) == grade(best) && i.CreatedAt.After(best.CreatedAt) {
			best = i
		}
	}
	return best, best.ID != ""
}

// flapping finds instances whose checks pass and fail by turns, even while they pass.
func flapping(v view, row Row) (finding, bool) {
	if v.stage == stageWhole {
		return finding{}, false
	}
	var some []paas.Instance
	first, most := time.Time{}, 0
	for _, i := range v.heads {
		n, at := v.turns(i)
		if n < flapTurns || i.State != paas.InstanceRunning || len(some) > 0 && i.Process != some[0].Process {
			continue
		}
		if some = append(some, i); first.IsZero() || at.Before(first) {
			first = at
		}
		most = max(most, n)
	}
	if len(some) == 0 {
		return finding{}, false
	}
	shown := some[0]
	if n := slices.IndexFunc(some, func(i paas.Instance) bool { return !i.Serving() }); n >= 0 {
		shown = some[n]
	}
	found := v.grouped(row, some, shown)
	found.since = first
	if shown.Reason == "" {
		found.said += fmt.Sprintf(": %s health changed %d times in %s", possessive(len(some) == 1), most, v.now.Sub(first).Round(time.Second))
	}
	return found, true
}

// unrouted finds a route that no router has, though there is an instance it should lead to.
func unrouted(v view, _ Row) (finding, bool) {
	if v.stage != stageServing || v.Snapshot.App.Stopped {
		return finding{}, false
	}
	for _, p := range v.release.Spec.Processes {
		if !slices.ContainsFunc(v.heads, func(i paas.Instance) bool { return i.Process == p.Name && i.Serving() }) {
			continue
		}
		for _, r := range p.Routes {
			for _, fact := range v.Snapshot.Routes {
				if fact.Host != r.Host || fact.Path != r.Path || fact.State != paas.RoutePending || v.now.Sub(fact.Since) < settle {
					continue
				}
				return finding{
					said:  fmt.Sprintf("its route %s%s is not in the table of every router, though %s is healthy", r.Host, r.Path, p.Name),
					since: fact.Since, links: []paas.Link{v.evaluation(), routeLink(fact)},
				}, true
			}
		}
	}
	return finding{}, false
}

// settle is how long a route may take to reach the routers.
const settle = 2 * time.Second
