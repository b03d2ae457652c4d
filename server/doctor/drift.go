package doctor

import (
	"fmt"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// grave are the kinds of drift that cost requests, or will with the next change.
var grave = map[paas.FindingKind]string{
	paas.RuleBad:           "One key that can't be read freezes the table of every router.",
	paas.RouterUnreachable: "Deployments wait for every router, and nobody knows where this one leads.",
	paas.RouterBehind:      "Its clients are led by rules that no longer hold.",
	paas.RuleMissing:       "A slot that is to be dark takes requests.",
	paas.JobMissing:        "Instances that are wished for do not run.",
	paas.VolumeMissing:     "An app that needs it can't start, and its data may be gone.",
}

// slight is why the other kinds matter.
var slight = map[paas.FindingKind]string{
	paas.JobChanged:    "Somebody else's change is undone when Crumpet writes next.",
	paas.JobOrphan:     "It takes room, and may serve what nobody wished for.",
	paas.RuleChanged:   "Requests are shared out in another way than the deployment believes.",
	paas.RuleOrphan:    "Routers obey a rule that no app has.",
	paas.ServiceOrphan: "Routers may lead requests to where nothing is.",
}

// drift passes on what a repair finds. Crumpet's own token is a lease here.
func drift(l *findings, f Facts) {
	if f.Drift.Reason != "" {
		l.unknown(paas.OfDrift, "apps", f.Drift.Reason, "Whether the cluster is as Crumpet wishes it can't be said.", "crumpet repair")
		return
	}
	for _, d := range f.Drift.Is {
		if d.Kind == paas.TokenEnding {
			continue
		}
		thing := d.Thing
		if d.App != "" {
			thing = fmt.Sprintf("%s/%s %s", d.Team, d.App, d.Thing)
		}
		severity, why := paas.Warning, slight[d.Kind]
		if bad, is := grave[d.Kind]; is {
			severity, why = paas.Critical, bad
		}
		next := "crumpet repair"
		if d.App != "" {
			next = fmt.Sprintf("crumpet repair %s --team %s", d.App, d.Team)
		}
		if !d.Heals {
			next = d.Repair
		}
		l.say(severity, paas.OfDrift, thing, fmt.Sprintf("%s: wished is %s; found is %s.", d.Kind, d.Wished, d.Found), why, next)
	}
}
