package paas

import (
	"slices"
	"strings"
)

// The rules of host names. The first team to have a route on a host keeps the host, with and without routes,
// until it gives it up:
//
//	x.example.com     belongs to its row, and to whoever has *.x.example.com
//	*.x.example.com   belongs to its row, and to whoever has x.example.com
//	a.x.example.com   can't be had below another team's *.x.example.com, nor the other way round
//
// A host that is shared with a team is open to that team's routes, and so is what its wildcard covers.

// Open says that a team may have routes on the host.
func (h Host) Open(team string) bool { return h.Team == team || slices.Contains(h.Shared, team) }

// HostAgainst gives the host that stands against a team's use of a name: one of another team, not shared.
func HostAgainst(team, name string, hosts []Host) (Host, bool) {
	for _, h := range hosts {
		if !h.Open(team) && related(name, h.Host) {
			return h, true
		}
	}
	return Host{}, false
}

// Lent says that a team may use a name because another team shares it, and so does not come to own it.
func Lent(team, name string, hosts []Host) bool {
	return slices.ContainsFunc(hosts, func(h Host) bool {
		return h.Team != team && h.Open(team) && (h.Host == name || HostCovers(h.Host, name) || "*."+name == h.Host || "*."+h.Host == name)
	})
}

// related says that two names can't be of two teams.
func related(a, b string) bool {
	return strings.TrimPrefix(a, "*.") == strings.TrimPrefix(b, "*.") || HostCovers(a, b) || HostCovers(b, a)
}

// HostCovers says that a wildcard matches another host, or every host that another wildcard does.
func HostCovers(wildcard, host string) bool {
	domain, ok := strings.CutPrefix(wildcard, "*")
	return ok && domain != "" && wildcard != host && strings.HasSuffix(host, domain)
}

// Relatives gives the names that can be related to a name without being below it: itself, its wildcard or
// what it is the wildcard of, and the wildcards above it.
func Relatives(name string) []string {
	base := strings.TrimPrefix(name, "*.")
	list := []string{base, "*." + base}
	for rest := base; ; {
		_, above, found := strings.Cut(rest, ".")
		if !found {
			return list
		}
		list, rest = append(list, "*."+above), above
	}
}

// HostTaken is what a team is told that may not use a name because of another's host.
func HostTaken(name string, taken Host, sees Sight) error {
	return Errorf(Conflict, "%s", HostTakenText(name, taken, sees))
}

// HostTakenText is the sentence of HostTaken. Whose host it is learns only who may know of that team.
func HostTakenText(name string, taken Host, sees Sight) string {
	owner, ask := "another team", "its owner"
	if sees.Of(taken.Team) {
		owner, ask = "team \""+taken.Team+"\"", "a maintainer of it"
	}
	at := taken.Host
	switch {
	case taken.Host == name:
		return "Host " + name + " belongs to " + owner + ". Choose another host, or have " + ask + " share it: `crumpet hosts share " + at + " --with TEAM`."
	case !sees.Of(taken.Team): // what else that team has is not for everybody
		return "Host " + name + " can't be had beside one that belongs to " + owner + ", as a wildcard covers both. Choose another host."
	}
	return "Host " + name + " can't be had beside " + at + ", which belongs to " + owner + ": a wildcard covers both. Choose another host, or have " + ask + " share it: `crumpet hosts share " + at + " --with TEAM`."
}

// Sight says which teams somebody may know of. The zero value sees none.
type Sight struct {
	All   bool
	Teams []string
}

// Of says whether a team is seen.
func (s Sight) Of(team string) bool { return s.All || slices.Contains(s.Teams, team) }

// Sight gives the teams that the identity may know of.
func (i Identity) Sight() Sight {
	s := Sight{All: i.Admin}
	for team := range i.Roles {
		s.Teams = append(s.Teams, team)
	}
	slices.Sort(s.Teams)
	return s
}
