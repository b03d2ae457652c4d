package doctor

import (
	"cmp"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Findings gives what is wrong, worst first. Pure.
func Findings(f Facts) []paas.PlatformFinding {
	var list findings
	for _, judge := range []func(*findings, Facts){
		quorums, versions, certificates, leases, capacity, drift, agents, sharedConsul, routers, routersGivenUp, staleTables, clocks, machine, outside,
	} {
		judge(&list, f)
	}
	slices.SortStableFunc(list, func(a, b paas.PlatformFinding) int {
		return cmp.Or(
			cmp.Compare(slices.Index(paas.Severities, a.Severity), slices.Index(paas.Severities, b.Severity)),
			cmp.Compare(slices.Index(paas.Subjects, a.Subject), slices.Index(paas.Subjects, b.Subject)),
			strings.Compare(a.Thing, b.Thing),
		)
	})
	return list
}

type findings []paas.PlatformFinding

// say adds one. What stands in brackets behind next, after three spaces, is its hint.
func (l *findings) say(severity paas.Severity, subject paas.Subject, thing, found, why, next string) {
	next, hint, _ := strings.Cut(next, "   (")
	*l = append(*l, paas.PlatformFinding{
		Severity: severity, Subject: subject, Thing: thing, Found: found, Why: why, Next: next, Hint: strings.TrimSuffix(hint, ")"),
	})
}

// unknown says that something could not be found out.
func (l *findings) unknown(subject paas.Subject, thing, reason, why, next string) {
	l.say(paas.NotKnown, subject, thing, "Not known: "+reason, why, next)
}

// title is how a program is called in a sentence.
func title(program string) string {
	if program == "" {
		return ""
	}
	return strings.ToUpper(program[:1]) + program[1:]
}
