package api

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// statusOf says how an app is, from one snapshot: pure.
func statusOf(s paas.Snapshot, url func(paas.Route) string) wire.Status {
	status := wire.Status{
		App: s.App.Name, Team: s.App.Team, Release: s.App.Release, Slot: s.App.Live,
		Health: paas.HealthOf(s), Origin: origin(s), Processes: processes(s), Instances: instances(s), Routes: routes(s, url),
		Bindings: items(s.Bindings),
	}
	if len(s.Deployments) > 0 {
		d := presentDeployment(s.Deployments[0]) // the running one comes before those that wait
		status.Deployment = &d
	}
	status.Status, status.Reason = judge(s, status)
	return status
}

// origin says where the release that serves came from.
func origin(s paas.Snapshot) *wire.Origin {
	r, ok := s.Releases[s.App.Release]
	if !ok || s.App.Release == 0 {
		return nil
	}
	return &wire.Origin{CreatedAt: r.CreatedAt, CreatedBy: r.CreatedBy, Commit: r.Commit, Dirty: r.Dirty, Note: r.Note, RollbackTo: r.RollbackTo}
}

// judge finds the one word for an app, and the sentence that says why it is not running.
func judge(s paas.Snapshot, status wire.Status) (wire.AppState, string) {
	var wanted, running, healthy int
	for _, p := range status.Processes {
		wanted += p.Wanted
		running += p.Running
		healthy += min(p.Healthy, p.Wanted)
	}
	switch {
	case s.App.Deleting:
		return wire.AppStopped, "The app is being destroyed."
	case s.App.Stopped && running > 0:
		return wire.AppStopped, fmt.Sprintf("%s still stopping.", plural(running, "instance is", "instances are"))
	case s.App.Stopped:
		return wire.AppStopped, ""
	case status.Deployment != nil && s.App.Release == 0 && status.Deployment.State == paas.DeploymentPending:
		return wire.AppPending, sentence(status.Deployment.Reason)
	case status.Deployment != nil:
		return wire.AppDeploying, sentence(cmp.Or(status.Deployment.Reason, blocked(s)))
	case s.App.Release == 0: // the first deployment ended without a release that serves
		return wire.AppFailing, ""
	case wanted == 0:
		return wire.AppStopped, "Every process is scaled to 0."
	case healthy == wanted && status.Health == paas.AppCrashing: // well just now, for the moment
		return wire.AppDegraded, looping(s)
	case healthy == wanted:
		return judgeRoutes(status.Routes)
	}
	word := wire.AppDegraded
	if healthy == 0 {
		word = wire.AppPending
		if failed(s) {
			word = wire.AppFailing
		}
	}
	return word, cmp.Or(sentence(cmp.Or(troubled(s), blocked(s))), fmt.Sprintf("%d of %s healthy.", healthy, plural(wanted, "instance is", "instances are")))
}

// judgeRoutes is asked when every instance is healthy: it may still not be reached.
func judgeRoutes(routes []wire.Route) (wire.AppState, string) {
	for _, r := range routes {
		if r.State == paas.RoutePending {
			return wire.AppDegraded, fmt.Sprintf("The route %s%s is not in every router's table.", r.Host, r.Path)
		}
	}
	return wire.AppRunning, ""
}

// failed says that some instance of the live release got into trouble, rather than just started.
func failed(s paas.Snapshot) bool {
	return slices.ContainsFunc(s.Instances, func(i paas.Instance) bool {
		return i.Release == s.App.Release && (i.State == paas.InstanceFailed || i.State == paas.InstanceLost ||
			i.Restarts > 0 || i.Exits > 0 || i.PassingAt != nil && i.Health == paas.HealthCritical)
	})
}

// troubled gives the reason of the first instance of the live release that has one.
func troubled(s paas.Snapshot) string {
	for _, i := range s.Instances {
		if i.Release == s.App.Release && i.Reason != "" && !i.Serving() {
			return i.Reason
		}
	}
	return ""
}

// looping says which instance of those that serve ends again and again.
func looping(s paas.Snapshot) string {
	for _, i := range s.Instances {
		if i.Slot.Beside(s.App.Live) && i.Looping() {
			return fmt.Sprintf("%s %d (%s) is in a crash loop: it ended %d times within ten minutes, last with code %d.", i.Process, i.Index, i.Slot, i.Crashes, i.ExitCode)
		}
	}
	return ""
}

// blocked says why Nomad could not place what is wanted.
func blocked(s paas.Snapshot) string {
	for _, slot := range []paas.Slot{s.App.Live, paas.Data, s.App.Live.Other()} {
		if fact, ok := s.Jobs[slot]; ok && fact.Blocked != "" && !s.Slots[slot].Empty() {
			return fact.Blocked
		}
	}
	return ""
}

// processes lists those of the live release, or of the first one while it is being deployed, in the
// order of its spec; an instance counts towards the release that is live.
func processes(s paas.Snapshot) []wire.Process {
	list := []wire.Process{}
	release, ok := s.Releases[current(s)]
	if !ok {
		return list
	}
	for _, p := range release.Spec.Processes {
		line := wire.Process{Name: p.Name, Wanted: s.App.Wanted(p.Name)}
		if s.App.Release == 0 && line.Wanted == 0 && !s.App.Stopped && !s.App.Deleting {
			line.Wanted = p.Instances
		}
		for _, i := range s.Instances {
			if i.Process != p.Name {
				continue
			}
			if i.State == paas.InstanceRunning {
				line.Running++
			}
			if i.Serving() {
				line.Healthy++
			}
		}
		list = append(list, line)
	}
	return list
}

// current is the release that is live, or the one on its way while none is.
func current(s paas.Snapshot) int {
	if s.App.Release == 0 && len(s.Deployments) > 0 {
		return s.Deployments[0].Release
	}
	return s.App.Release
}

func presentInstance(i paas.Instance) wire.Instance {
	return wire.Instance{
		ID: i.ID, Process: i.Process, Slot: i.Slot, Release: i.Release,
		State: i.State, Health: i.Health, Node: i.Node, Since: i.Since, Reason: i.Reason,
		Index: i.Index, Restarts: i.Restarts, Crashes: i.Crashes, NextTry: i.NextTry,
	}
}

func instances(s paas.Snapshot) []wire.Instance {
	list := []wire.Instance{}
	for _, i := range s.Instances {
		list = append(list, presentInstance(i))
	}
	slices.SortStableFunc(list, func(a, b wire.Instance) int {
		return cmp.Or(cmp.Compare(a.Process, b.Process), cmp.Compare(b.Release, a.Release), cmp.Compare(a.ID, b.ID))
	})
	return list
}

func routes(s paas.Snapshot, url func(paas.Route) string) []wire.Route {
	list := []wire.Route{}
	for _, r := range s.Releases[current(s)].Spec.Routes() {
		line := wire.Route{Host: r.Host, Path: r.Path, URL: url(r), State: paas.RoutePending}
		for _, fact := range s.Routes {
			if fact.Host == r.Host && fact.Path == r.Path {
				line.State = fact.State
			}
		}
		list = append(list, line)
	}
	return list
}

func plural(n int, one, many string) string {
	if n == 1 {
		return fmt.Sprintf("%d %s", n, one)
	}
	return fmt.Sprintf("%d %s", n, many)
}

// sentence ends a reason with a full stop. Its first letter stays: it may be the name of a process.
func sentence(s string) string {
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") || strings.HasSuffix(s, "!") {
		return s
	}
	return s + "."
}
