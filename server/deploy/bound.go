package deploy

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// bound says what a release still lacks of the services that its spec declares: what it waits for, and
// why one can't be had at all. One that somebody ended by hand, after the release was made, is not
// missed: the release does without.
func bound(snap paas.Snapshot, rel paas.Release) (waits, failed string) {
	for _, use := range rel.Spec.Services {
		i := slices.IndexFunc(snap.Bindings, func(b paas.Binding) bool { return b.Name == use.Name })
		if i < 0 {
			waits = orElse(waits, fmt.Sprintf("it waits for credentials of service %s: they have been asked for", use.Name))
			continue
		}
		b := snap.Bindings[i]
		switch {
		case b.State == paas.BindingEnded && b.Unbound >= rel.Number, b.Usable():
		case b.State == paas.BindingFailed && b.Tried >= rel.Number: // else it is tried anew for this release
			return "", fmt.Sprintf("service %s can't be bound: %s", use.Name, sentence(b.Reason, "its instance gives no credentials"))
		default:
			waits = orElse(waits, fmt.Sprintf("it waits for credentials of service %s: %s", use.Name, sentence(b.Reason, "they have been asked for")))
		}
	}
	return waits, ""
}

// endedByHand says that the app does without a service that its spec declares: a push of the same spec is
// the wish to have it again.
func endedByHand(snap paas.Snapshot, s paas.Spec) bool {
	return slices.ContainsFunc(s.Services, func(use paas.ServiceUse) bool {
		return slices.ContainsFunc(snap.Bindings, func(b paas.Binding) bool {
			return b.Name == use.Name && b.Declared && b.State == paas.BindingEnded
		})
	})
}

// sentence is a reason within a sentence: without its full stop.
func sentence(reason, otherwise string) string {
	return orElse(strings.TrimRight(strings.TrimSpace(reason), "."), otherwise)
}

// unbound holds a pending deployment, before the tasks of its first phase, until the services of its
// release have credentials. It ends one that will never get them.
func unbound(d paas.Deployment, snap paas.Snapshot, now time.Time) (change paas.Change, held, ok bool) {
	waits, failed := bound(snap, snap.Releases[d.Release])
	switch {
	case failed != "":
		d.Abort, d.Reason, d.Trouble = true, failed, paas.CauseServiceFailed
		return end(d, snap, now), true, true
	case waits == "":
		return change, false, false
	case d.Reason == waits:
		return change, true, false
	}
	d.Reason, d.Trouble = waits, paas.CauseServiceWaits
	change = changeOf(snap)
	change.Deployments = []paas.Deployment{d}
	change.Events = []paas.Event{event(d, now, paas.EventDeploymentHeld, waits)}
	return change, true, true
}
