package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// release is the first two or three numbers of a version.
type release [3]int

var numbers = regexp.MustCompile(`^v?(\d+)\.(\d+)(?:\.(\d+))?`)

// parseRelease reads what a program says of its version: 2.0.6-dev, 1.8.7+dfsg1, v2.6.2.
func parseRelease(text string) (r release, ok bool) {
	m := numbers.FindStringSubmatch(strings.TrimSpace(text))
	if m == nil {
		return r, false
	}
	for i := range r {
		r[i], _ = strconv.Atoi(m[i+1]) // digits, or "" for a third number that is not there
	}
	return r, true
}

func (r release) before(o release) bool { return slices.Compare(r[:], o[:]) < 0 }

// minor says that two releases differ in the last number only.
func (r release) minor(o release) bool { return r[0] == o[0] && r[1] == o[1] }

// worked is what a program's releases were seen to do with Crumpet.
type worked struct {
	least release   // below it something that Crumpet needs is missing
	needs string    // what that is
	seen  []release // major and minor of those that the stories have run with
}

// together is the matrix. A release is added when the integration suite has run with it on a real stack.
var together = map[string]worked{
	paas.BackendNomad:  {least: release{1, 10, 0}, needs: "workload identities without legacy tokens, and dynamic host volumes", seen: []release{{2, 0}}},
	paas.BackendConsul: {least: release{1, 8, 0}, needs: "its API as it was then", seen: []release{{1, 8}}},
	paas.BackendVault:  {least: release{1, 11, 0}, needs: "the state of its autopilot", seen: []release{{2, 6}}}, // OpenBao's
	paas.BackendFabio:  {least: release{1, 7, 3}, needs: "a weight that matches no instance not to freeze the table", seen: []release{{1, 7}}},
}

// running is one process of a program with its version.
type running struct {
	name, version string
	client        bool
}

func versions(l *findings, f Facts) {
	for _, program := range append(slices.Clone(groups), paas.BackendFabio) {
		all := runningOf(f, program)
		seen := map[string]bool{}
		for _, r := range all {
			if !seen[r.version] {
				seen[r.version] = true
				oneVersion(l, program, r)
			}
		}
		skew(l, program, all)
	}
}

// runningOf gives the processes of a program whose version is known or should be.
func runningOf(f Facts, program string) (all []running) {
	q := f.Quorums[program]
	if q.Reason == "" {
		for _, s := range q.Is.Servers {
			all = append(all, running{name: s.Name, version: s.Version})
		}
		for _, s := range q.Is.Members {
			all = append(all, running{name: s.Name, version: s.Version, client: true})
		}
	}
	switch program {
	case paas.BackendNomad:
		for _, a := range f.Agents.Is {
			if a.Client && !a.Down {
				all = append(all, running{name: a.Name, version: a.Version, client: true})
			}
		}
	case paas.BackendFabio:
		for _, r := range f.Routers.Is {
			if r.Reason == "" {
				all = append(all, running{name: r.Address, version: r.Version})
			}
		}
	}
	return all
}

func oneVersion(l *findings, program string, r running) {
	of := together[program]
	at, ok := parseRelease(r.version)
	switch {
	case strings.HasSuffix(r.version, "embedded"): // Crumpet's own stand-in
	case r.version == "" || !ok:
		l.unknown(paas.OfVersion, r.name, fmt.Sprintf("%s says of its version %q.", title(program), r.version),
			"Whether Crumpet works with it can't be said.", "crumpet cluster verify")
	case at.before(of.least):
		l.say(paas.Critical, paas.OfVersion, r.name, fmt.Sprintf("%s is of version %s, older than %s.", title(program), r.version, of.least),
			"Crumpet needs "+of.needs+".", fmt.Sprintf("crumpet cluster up   (with version = %q or newer for %s in cluster.hcl; a snapshot first, one minor version at a time)", of.least, program))
	case !slices.ContainsFunc(of.seen, at.minor):
		var names []string
		for _, s := range of.seen {
			names = append(names, fmt.Sprintf("%d.%d", s[0], s[1]))
		}
		l.say(paas.NotKnown, paas.OfVersion, r.name, fmt.Sprintf("Crumpet was seen to work with %s %s; this is %s.", title(program), strings.Join(names, ", "), r.version),
			"It may well work; nobody has run the whole suite with it.", "crumpet cluster verify")
	}
}

// skew names versions that differ between servers, and clients that are newer than their servers.
func skew(l *findings, program string, all []running) {
	var servers, clients []running
	for _, r := range all {
		if _, ok := parseRelease(r.version); !ok {
			continue
		}
		if r.client {
			clients = append(clients, r)
		} else {
			servers = append(servers, r)
		}
	}
	if len(servers) == 0 {
		return
	}
	byVersion := func(a, b running) int {
		x, _ := parseRelease(a.version)
		y, _ := parseRelease(b.version)
		return slices.Compare(x[:], y[:])
	}
	oldest, newest := slices.MinFunc(servers, byVersion), slices.MaxFunc(servers, byVersion)
	low, _ := parseRelease(oldest.version)
	high, _ := parseRelease(newest.version)
	found := fmt.Sprintf("%s runs %s, %s runs %s.", oldest.name, oldest.version, newest.name, newest.version)
	switch {
	case low == high:
	case high[0] != low[0] || high[1]-low[1] > 1:
		l.say(paas.Critical, paas.OfVersion, program, found, "Servers more than one minor version apart need not understand each other's log.", "crumpet cluster up")
	default:
		l.say(paas.Warning, paas.OfVersion, program, found, "That is well for as long as an upgrade takes. There is no way back to the older one.", "crumpet cluster up")
	}
	for _, c := range clients {
		at, _ := parseRelease(c.version)
		switch {
		case low.before(at):
			l.say(paas.Warning, paas.OfVersion, c.name, fmt.Sprintf("%s's client %s runs %s, newer than the server %s, %s.", title(program), c.name, c.version, oldest.name, oldest.version),
				"Servers come first in an upgrade: a newer client may ask for what they don't know.", "crumpet cluster up")
		case at[0] != high[0] || high[1]-at[1] > 1:
			l.say(paas.Warning, paas.OfVersion, c.name, fmt.Sprintf("%s's client %s runs %s, its servers %s.", title(program), c.name, c.version, newest.version),
				"A client more than one minor version behind is not tested by anybody.", "crumpet cluster up")
		}
	}
}

func (r release) String() string { return fmt.Sprintf("%d.%d.%d", r[0], r[1], r[2]) }
