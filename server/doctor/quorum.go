package doctor

import (
	"fmt"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// groups are the programs whose servers need a majority.
var groups = []string{paas.BackendNomad, paas.BackendConsul, paas.BackendVault}

// without is what stands still while a program has no majority.
var without = map[string]string{
	paas.BackendNomad:  "Running instances go on serving; nothing is placed, moved or scaled.",
	paas.BackendConsul: "Routers keep the tables they have; no deployment goes on, and no instance that starts is found.",
	paas.BackendVault:  "Running instances go on; no new one starts that needs a secret.",
}

// listing is the command that shows a program's servers.
var listing = map[string]string{
	paas.BackendNomad:  "nomad operator autopilot health",
	paas.BackendConsul: "consul operator raft list-peers",
	paas.BackendVault:  "vault operator raft list-peers",
}

func quorums(l *findings, f Facts) {
	for _, program := range groups {
		known, asked := f.Quorums[program]
		switch {
		case !asked:
		case known.Code == paas.Unavailable:
			l.say(paas.Critical, paas.OfQuorum, program, known.Reason, without[program], fmt.Sprintf("journalctl -u crumpet-%s -n 100   (on its servers: why it does not run)", program))
		case known.Reason != "":
			l.unknown(paas.OfQuorum, program, known.Reason, "Whether another of its servers may be lost can't be said.", listing[program])
		default:
			quorum(l, program, known.Is)
		}
	}
}

func quorum(l *findings, program string, q paas.Quorum) {
	name := title(program)
	sealed := false
	for _, s := range q.Servers {
		if s.Sealed {
			sealed = true
			l.say(paas.Critical, paas.OfQuorum, s.Name, fmt.Sprintf("%s at %s is sealed.", name, s.Address),
				"A sealed server serves nobody and counts for no majority.", unseal(q, s))
		}
		if s.Reason != "" {
			l.unknown(paas.OfQuorum, s.Name, s.Reason, "Whether it is sealed can't be said.", listing[program])
		}
	}
	total := q.Spare() + q.Majority() // healthy voters
	switch {
	case len(q.Servers) == 0:
		l.say(paas.Critical, paas.OfQuorum, program, name+" names no server.", without[program], listing[program])
		return
	case q.Leader == "" && !sealed:
		l.say(paas.Critical, paas.OfQuorum, program, name+" has no leader.", without[program], listing[program])
	}
	for _, s := range q.Servers {
		if !s.Healthy && !s.Sealed {
			l.say(paas.Warning, paas.OfQuorum, s.Name, fmt.Sprintf("%s's server %s at %s is not healthy.", name, s.Name, s.Address),
				"While it is away fewer others may be lost.", fmt.Sprintf("journalctl -u crumpet-%s -n 100   (on %s)", program, s.Name))
		}
		if !s.Voter {
			l.say(paas.Warning, paas.OfQuorum, s.Name, fmt.Sprintf("%s's server %s has no vote.", name, s.Name),
				"It counts for no majority. A new one gets its vote after some seconds of health.", listing[program])
		}
	}
	voters := 0
	for _, s := range q.Servers {
		if s.Voter {
			voters++
		}
	}
	switch {
	case len(q.Servers) == 1 && q.Spare() == 0:
		l.say(paas.Warning, paas.OfQuorum, program, name+" has one server.",
			"When it is lost "+lowerFirst(without[program])+" What it keeps goes with its disk.", "crumpet cluster up   (with three machines of the role server in cluster.hcl)")
	case q.Spare() < 0:
		l.say(paas.Critical, paas.OfQuorum, program, fmt.Sprintf("%d of %s's %d voting servers are healthy; %d are needed.", total, name, voters, q.Majority()),
			without[program], listing[program])
	case q.Spare() == 0:
		l.say(paas.Critical, paas.OfQuorum, program, fmt.Sprintf("%d of %s's %d voting servers are healthy: none may be lost.", total, name, voters),
			"With the next one gone "+lowerFirst(without[program]), listing[program])
	case voters%2 == 0:
		l.say(paas.Warning, paas.OfQuorum, program, fmt.Sprintf("%s has %d voting servers, an even number.", name, voters),
			"The last one lets no more be lost than the number below it, and costs its share of each write.", "crumpet cluster up   (with one server more, or one less)")
	}
}

func unseal(q paas.Quorum, s paas.QuorumServer) string {
	if q.Seal != "" && q.Seal != "shamir" {
		return fmt.Sprintf("journalctl -u crumpet-vault -n 100   (on %s: why its seal %q does not open it)", s.Name, q.Seal)
	}
	return "crumpet cluster unseal"
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
