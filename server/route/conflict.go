package route

import (
	"fmt"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Conflicts names the routes that an app can't have because of what other apps hold. The same host
// and path belongs to one app. Routers match by prefix, so a path below or above another's would take
// a part of its requests: apps of one team may do that to each other, those of two teams may not, and
// neither may a wildcard and a host it covers.
func Conflicts(mine paas.AppRef, routes []paas.Route, held []paas.Claim) []paas.Fault {
	var faults []paas.Fault
	for _, r := range routes {
		for _, c := range held {
			if c.Team == mine.Team && c.App == mine.App {
				continue
			}
			if problem := conflict(mine, r, c); problem != "" {
				faults = append(faults, paas.Fault{Location: "route." + r.String(), Message: problem})
				break
			}
		}
	}
	return faults
}

func conflict(mine paas.AppRef, r paas.Route, c paas.Claim) string {
	other := paas.Route{Host: c.Host, Path: c.Path}
	owner := fmt.Sprintf("app %q", c.App)
	if c.Team != mine.Team {
		owner += fmt.Sprintf(" of team %q", c.Team)
	}
	switch {
	case r.Host == c.Host && r.Path == c.Path:
		return fmt.Sprintf("Route %s already belongs to %s. Choose another path or remove it there first.", r, owner)
	case c.Team == mine.Team:
		return ""
	case r.Host == c.Host && nested(r.Path, c.Path):
		return fmt.Sprintf("Route %s overlaps %s, which belongs to %s: one would get a part of the other's requests. Choose another host or path.", r, other, owner)
	case r.Host != c.Host && (covers(r.Host, c.Host) || covers(c.Host, r.Host)):
		return fmt.Sprintf("Route %s overlaps %s, which belongs to %s: the wildcard covers both hosts. Choose another host.", r, other, owner)
	}
	return ""
}

// nested says that one path is a prefix of the other; both end in a slash.
func nested(a, b string) bool { return strings.HasPrefix(a, b) || strings.HasPrefix(b, a) }

// covers says that a wildcard host matches another host, or every host that another wildcard does.
func covers(wildcard, host string) bool {
	domain, ok := strings.CutPrefix(wildcard, "*")
	return ok && strings.HasSuffix(host, domain)
}
