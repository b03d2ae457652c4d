package doctor

import (
	"fmt"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// wrongClock is how far clocks may be apart: identities of tasks are believed for some seconds around their time, and
// events of several machines are put into one order.
const wrongClock = 2 * time.Second

func clocks(l *findings, f Facts) {
	say := func(thing string, skew *time.Duration) {
		if skew == nil || skew.Abs() < wrongClock {
			return
		}
		which := "before"
		if *skew < 0 {
			which = "behind"
		}
		l.say(paas.Critical, paas.OfClock, thing, fmt.Sprintf("The clock of %s is at least %s %s that of this Crumpet server.", thing, skew.Abs().Round(time.Second), which),
			"Vault refuses identities of tasks that are not valid yet, leases end early, and the story of a fault is told in the wrong order.",
			fmt.Sprintf("timedatectl   (on %s, and where Crumpet runs)", thing))
	}
	for _, program := range groups {
		if q := f.Quorums[program]; q.Reason == "" {
			say(title(program), q.Is.Skew)
		}
	}
	for _, a := range f.Agents.Is {
		if a.Settings != nil {
			say(a.Name, a.Settings.Skew)
		}
	}
}
