package spec

import (
	"reflect"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const maxTraffic = 20 // steps of a canary

func validateDeploy(s paas.Spec, r report) {
	at, d := placed("deploy", "deploy"), s.Deploy
	if !slices.Contains(strategies, d.Strategy) {
		r.say(at.attr("strategy"), "Unknown value", "%s", unknownWord("strategy", string(d.Strategy), strategies))
	}
	for i, p := range s.Processes {
		if d.Strategy == paas.StopFirst && p.Strategy == paas.Rolling { // never of a file, which is read so
			r.say(place{}.block("process", i, p.Name).attr("strategy"), "Impossible combination", "The app stops first, and the process %q does not. Write strategy = \"stop-first\" there too.", p.Name)
		}
	}
	validateAmount(at.attr("surge"), d.Surge, r)
	count(r, at.attr("max_in_flight"), "max_in_flight", "", d.MaxInFlight, 0, paas.MaxInstances)
	if !slices.Contains(rooms, d.Room) {
		r.say(at.attr("room"), "Unknown value", "%s", unknownWord("key room", string(d.Room), rooms))
	}
	if !slices.Contains(follows, d.Unrouted) {
		r.say(at.attr("unrouted"), "Unknown value", "%s", unknownWord("key unrouted", string(d.Unrouted), follows))
	}
	validateDeadline(at.attr("deadline"), s, r)
	none := paas.CanaryPolicy{}
	switch {
	case d.Strategy == paas.Canary:
		validateCanary(at.attr("canary"), d.Canary, r)
	case !reflect.DeepEqual(d.Canary, none) && slices.Contains(strategies, d.Strategy):
		r.say(at.attr("canary"), "Impossible combination", "The canary block is of the strategy \"canary\", and the strategy is %q. Write strategy = \"canary\", or leave the block out.", d.Strategy)
	}
	switch {
	case d.Strategy == paas.BlueGreen:
		span(r, at.attr("blue_green").attr("warm"), "warm", d.Warm, 0, maxWarm)
	case d.Warm != 0 && slices.Contains(strategies, d.Strategy):
		r.say(at.attr("blue_green"), "Impossible combination", "The blue_green block is of the strategy \"blue-green\", and the strategy is %q. Write strategy = \"blue-green\", or leave the block out.", d.Strategy)
	}
	if (d.Strategy == paas.Canary || d.Strategy == paas.BlueGreen) && len(s.Processes) > 0 && !slices.ContainsFunc(s.WithDefaultRoute("localhost").Processes, walks) {
		r.missing(at.attr("strategy"), "Impossible combination", "The strategy %q moves the requests of routes, and no process of the app %q has one that may run twice at once. Write route \"HOST/\" {} in a process, or strategy = \"rolling\".", d.Strategy, s.App)
	}
}

// walks says whether requests of a process can be moved from one slot to the other.
func walks(p paas.Process) bool { return len(p.Routes) > 0 && p.Strategy != paas.StopFirst }

func validateAmount(at place, a paas.Amount, r report) {
	switch {
	case a.Percent != 0 && a.Count != 0:
		r.say(at, "Impossible combination", "The surge is either a number or a percentage of the instances. Keep one.")
	case a.Percent != 0 && (a.Percent < 1 || a.Percent > 100):
		r.say(at, "Out of range", "The surge is %d%% of the instances; it must be from 1%% to 100%%.", a.Percent)
	case a.Percent == 0 && (a.Count < 1 || a.Count > paas.MaxInstances):
		r.say(at, "Out of range", "The surge is %d; it must be from 1 to %d instances, or a percentage such as \"25%%\". Without any, write strategy = \"stop-first\".", a.Count, paas.MaxInstances)
	}
}

func validateDeadline(at place, s paas.Spec, r report) {
	var longest time.Duration
	name := ""
	for _, p := range s.Processes {
		if p.Startup > longest {
			longest, name = p.Startup, p.Name
		}
	}
	switch d := s.Deploy.Deadline; {
	case d <= 0 || d > maxDeadline:
		span(r, at, "deadline", d, time.Second, maxDeadline)
	case d <= longest && longest <= maxStartup:
		r.say(at, "Too short", "The deadline of a deployment is %s, and one instance of process %q alone may take %s to start. Make deadline longer, or startup shorter.", paas.Span(d), name, paas.Span(longest))
	}
}

func validateCanary(at place, c paas.CanaryPolicy, r report) {
	count(r, at.attr("instances"), "number of canary instances", "", c.Instances, 1, paas.MaxInstances)
	span(r, at.attr("hold"), "hold", c.Hold, 0, maxHold)
	count(r, at.attr("margin"), "margin", " percentage points", c.Margin, 0, 100)
	traffic := at.attr("traffic")
	switch n := len(c.Traffic); {
	case n == 0:
		r.say(traffic, "Out of range", "The canary has no steps. Write the percentages of requests that it gets one after the other, such as traffic = [5, 25, 50].")
	case n > maxTraffic:
		r.say(traffic, "Out of range", "The canary has %d steps of traffic; at most %d are allowed.", n, maxTraffic)
	}
	for i, percent := range c.Traffic {
		switch {
		case percent < 1 || percent > 99:
			r.say(traffic.item(i), "Out of range", "A step of the canary is %d%% of the requests; it must be from 1 to 99. All requests follow after the last step by themselves.", percent)
			return
		case i > 0 && percent <= c.Traffic[i-1]:
			r.say(traffic.item(i), "Impossible combination", "The canary's traffic goes from %d%% to %d%%, and must grow from step to step. Write the percentages in order, such as [5, 25, 50].", c.Traffic[i-1], percent)
			return
		}
	}
}
