package paas

import (
	"maps"
	"slices"
)

// AppHealth is how an app is, in one word: whether it serves, not what is done to it.
type AppHealth string

// The words, from the best to the worst. The first that holds, from below, is the app's.
const (
	AppHealthy  AppHealth = "healthy"  // every wanted instance serves
	AppStarting AppHealth = "starting" // what lacks is on its way, for the first time
	AppDegraded AppHealth = "degraded" // fewer serve than wanted
	AppCrashing AppHealth = "crashing" // an instance of the serving release ends again and again, or one that lacks does
	AppDown     AppHealth = "down"     // wanted, and some process that takes requests has no instance that serves
	AppStopped  AppHealth = "stopped"  // none is wanted
)

// CrashLoop is how many ends of an instance by itself, within the last ten minutes, are a crash loop.
const CrashLoop = 3

// Looping says that the instance ends again and again.
func (i Instance) Looping() bool { return i.Crashes >= CrashLoop }

// troubled says that something went wrong with the instance, rather than that it has just begun.
func (i Instance) troubled() bool {
	return i.State == InstanceFailed || i.State == InstanceLost || i.Exits > 0 || i.Overdue
}

// HealthOf finds the word for an app.
func HealthOf(s Snapshot) AppHealth {
	wanted := s.wanted()
	total, lacking := 0, map[string]int{}
	for process, n := range wanted {
		total += n
		lacking[process] = n
	}
	if total == 0 && s.App.Release == 0 && !s.App.Stopped && !s.App.Deleting && len(s.Deployments) > 0 {
		return AppStarting
	}
	if total == 0 {
		return AppStopped
	}
	for _, i := range s.Instances {
		if i.Serving() && lacking[i.Process] > 0 {
			lacking[i.Process]--
		}
	}
	missing := 0
	for _, n := range lacking {
		missing += n
	}
	coming, looping, troubled := s.others(missing > 0)
	down := s.down(wanted, lacking)
	switch {
	case looping:
		return AppCrashing
	case missing == 0:
		return AppHealthy
	case down && (troubled || !coming):
		return AppDown
	case coming && !troubled && (down || len(s.Deployments) > 0):
		return AppStarting
	}
	return AppDegraded
}

// wanted gives how many instances of each process the app should have.
func (s Snapshot) wanted() map[string]int {
	wanted := map[string]int{}
	if s.App.Stopped || s.App.Deleting {
		return wanted
	}
	counts := s.App.Counts
	if s.App.Release == 0 && len(s.Deployments) > 0 {
		counts = s.Deployments[0].Wanted
	}
	maps.Copy(wanted, counts)
	return wanted
}

// others looks at the instances that do not serve: whether any is on its way, and what is wrong. Those
// of a release that is only being tried count when the app lacks instances.
func (s Snapshot) others(all bool) (coming, looping, troubled bool) {
	for _, i := range s.Instances {
		if (!all && !i.Slot.Beside(s.App.Live)) || i.State == InstanceStopping || !s.Current(i) {
			continue
		}
		looping = looping || i.Looping()
		if !i.Serving() {
			troubled = troubled || i.troubled()
			coming = coming || !i.State.Ended()
		}
	}
	for slot, fact := range s.Jobs {
		if fact.Blocked != "" && (all || slot.Beside(s.App.Live)) && !s.Slots[slot].Empty() {
			troubled = true
		}
	}
	return coming || len(s.Instances) == 0 && len(s.Deployments) > 0, looping, troubled
}

// Current says that the instance is the newest for its place, and that the place is wanted: one that
// has ended and was replaced, or was taken away, says nothing about the app.
func (s Snapshot) Current(i Instance) bool {
	if !i.State.Ended() {
		return true
	}
	if slot, ok := s.Slots[i.Slot]; i.State == InstanceComplete || !ok || i.Index >= slot.Counts[i.Process] {
		return false
	}
	return !slices.ContainsFunc(s.Instances, func(o Instance) bool {
		return o.ID != i.ID && o.Slot == i.Slot && o.Process == i.Process && o.Index == i.Index &&
			(o.CreatedAt.After(i.CreatedAt) || o.Previous == i.ID)
	})
}

// down says that some process that takes requests has no instance that serves; where none does, any
// process.
func (s Snapshot) down(wanted, lacking map[string]int) bool {
	number := s.App.Release
	if number == 0 && len(s.Deployments) > 0 {
		number = s.Deployments[0].Release
	}
	routed, down, empty := false, false, true
	for process, n := range wanted {
		if n == 0 {
			continue
		}
		empty = empty && lacking[process] == n
		if p, ok := s.Releases[number].Spec.Process(process); ok && len(p.Routes) > 0 {
			routed = true
			down = down || lacking[process] == n
		}
	}
	if routed {
		return down
	}
	return empty
}
