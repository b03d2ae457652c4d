package route

import (
	"fmt"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Conflicts names the routes that an app can't have: the same host and path belongs to one app, and a host
// to one team, unless that team shares it. Routers match by prefix, so a path below or above another's takes
// a part of its requests, and so does a host below a wildcard: apps that may both be on a host may do that
// to each other. What belongs to a team that is not seen is named by neither its team nor its app.
func Conflicts(mine paas.AppRef, routes []paas.Route, held []paas.Claim, hosts []paas.Host, sight paas.Sight) []paas.Fault {
	var faults []paas.Fault
	sight.Teams = append([]string{mine.Team}, sight.Teams...)
	for _, r := range routes {
		if problem := conflict(mine, r, held, hosts, sight); problem != "" {
			faults = append(faults, paas.Fault{Location: "route." + r.String(), Message: problem})
		}
	}
	return faults
}

func conflict(mine paas.AppRef, r paas.Route, held []paas.Claim, hosts []paas.Host, sight paas.Sight) string {
	if taken, ok := paas.HostAgainst(mine.Team, r.Host, hosts); ok {
		return paas.HostTakenText(r.Host, taken, sight)
	}
	for _, c := range held {
		if c.Host != r.Host || c.Path != r.Path || c.Team == mine.Team && c.App == mine.App {
			continue
		}
		owner, then := fmt.Sprintf("app %q", c.App), "Choose another path or remove it there first."
		switch {
		case c.Team != mine.Team && sight.Of(c.Team):
			owner += fmt.Sprintf(" of team %q", c.Team)
		case c.Team != mine.Team:
			owner, then = "another team", "Choose another path."
		}
		return fmt.Sprintf("Route %s already belongs to %s. %s", r, owner, then)
	}
	return ""
}
