package doctor

import (
	"fmt"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// leaseSoon is when a token that nothing renews is worth a word: a weekend and a day.
const leaseSoon = 72 * time.Hour

func leases(l *findings, f Facts) {
	const why = "Without it Crumpet can't deploy, scale or heal. Running instances go on."
	next := map[string]string{
		paas.BackendVault:  "vault token create -orphan -period=72h -policy=crumpet -no-default-policy   (and put it where vault.token_file points)",
		paas.BackendNomad:  "nomad acl token create -name=crumpet -policy=crumpet   (and put it into nomad.token)",
		paas.BackendConsul: "consul acl token create -description=crumpet -policy-name=crumpet   (and put it into consul.token)",
	}
	for _, t := range f.Leases {
		thing := "token for " + title(t.Of)
		switch {
		case t.Reason != "":
			l.unknown(paas.OfLease, thing, t.Reason, why, next[t.Of])
		case t.Warn != "":
			l.say(paas.Critical, paas.OfLease, thing, t.Warn, why, next[t.Of])
		case t.Ends == nil || t.Renewable:
		case t.Ends.Sub(f.At) < leaseSoon:
			l.say(paas.Critical, paas.OfLease, thing, fmt.Sprintf("Crumpet's token for %s ends in %s, and nothing renews it.", title(t.Of), days(max(0, t.Ends.Sub(f.At)))), why, next[t.Of])
		default:
			l.say(paas.Warning, paas.OfLease, thing, fmt.Sprintf("Crumpet's token for %s ends at %s, and nothing renews it.", title(t.Of), day(*t.Ends)), why, next[t.Of])
		}
	}
}
