package watch

import (
	"fmt"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// oldNews is how old an instance that had ended when it was first seen may be to be told of: one that
// fails at once is news, one that failed while no server ran is not.
const oldNews = time.Minute

// instanceEvents tells of what changed with an instance, for a person.
func instanceEvents(before *paas.Instance, after paas.Instance, now time.Time) []paas.Event {
	if before == nil && after.State.Ended() && now.Sub(after.CreatedAt) > oldNews {
		return nil
	}
	var events []paas.Event
	add := func(kind paas.EventKind, message string) {
		events = append(events, paas.Event{
			Time: now, Team: after.Team, App: after.App, Kind: kind,
			Release: after.Release, Instance: after.ID, Process: after.Process, Message: message,
		})
	}
	name := instanceName(after)
	if before == nil || before.State != after.State {
		add(paas.EventInstanceState, name+" "+stateWords(after))
	}
	was := paas.HealthUnknown
	if before != nil {
		was = before.Health
	}
	switch {
	case after.State != paas.InstanceRunning || was == after.Health:
	case after.Health == paas.HealthHealthy:
		add(paas.EventInstanceHealth, name+paas.HealthyWords)
	case after.Health == paas.HealthCritical && (was == paas.HealthHealthy || was == paas.HealthPassing):
		message := name + " is not healthy any more"
		if after.Reason != "" {
			message += ": " + after.Reason
		}
		add(paas.EventInstanceHealth, message)
	}
	return events
}

// instanceName is what a person calls an instance: its index is within its slot.
func instanceName(i paas.Instance) string {
	return fmt.Sprintf("%s %d (%s)", i.Process, i.Index, i.Slot)
}

func stateWords(i paas.Instance) string {
	because := ""
	if i.Reason != "" {
		because = ": " + i.Reason
	}
	switch i.State {
	case paas.InstancePending:
		if i.Exits > 0 || i.Restarts > 0 {
			return "waits for its restart" + because
		}
		return "was placed on node " + i.Node
	case paas.InstanceRunning:
		return "runs on node " + i.Node
	case paas.InstanceStopping:
		return "is stopping"
	case paas.InstanceComplete:
		return "has stopped"
	case paas.InstanceFailed:
		return "failed" + because
	case paas.InstanceLost:
		return "was lost" + because
	}
	return "is " + string(i.State)
}

// routeEvent tells that a route came to answer or went away. What lies between is only a moment.
func routeEvent(before, after paas.RouteFact, now time.Time) (paas.Event, bool) {
	message := ""
	switch {
	case before.State == after.State:
	case after.State == paas.RouteAnswering:
		message = fmt.Sprintf("Route %s%s answers", after.Host, after.Path)
	case before.State == paas.RouteAnswering && after.State == paas.RoutePending:
		message = fmt.Sprintf("Route %s%s has left the routers", after.Host, after.Path)
	case before.State == paas.RouteAnswering:
		message = fmt.Sprintf("Route %s%s does not answer any more", after.Host, after.Path)
	}
	return paas.Event{
		Time: now, Team: after.Team, App: after.App, Kind: paas.EventRouteState, Message: message,
	}, message != ""
}
