package doctor

import (
	"fmt"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	certificateLate = 7 * 24 * time.Hour
	certificateSoon = 30 * 24 * time.Hour
)

func certificates(l *findings, f Facts) {
	const next = "crumpet cluster up   (it renews certificates that end soon, and reloads the programs)"
	for _, c := range f.Certificates {
		thing, look := c.Of+" "+c.Where, "openssl s_client -connect "+c.Where
		if c.File != "" {
			look = "openssl x509 -noout -dates -in " + c.File + "   (where that server runs; in a task with nomad alloc exec)"
		}
		switch {
		case c.Reason != "" || c.Ends == nil:
			l.unknown(paas.OfCertificate, thing, orElse(c.Reason, "It showed no certificate."), "Nobody is told before it ends.", look)
			continue
		case c.Begins != nil && f.At.Before(*c.Begins):
			l.say(paas.Critical, paas.OfCertificate, thing, fmt.Sprintf("The certificate of %s holds from %s on.", c.Subject, day(*c.Begins)),
				"Until then nobody who checks it connects. A clock may be wrong, too.", "timedatectl   (on both machines)")
		}
		switch left := c.Ends.Sub(f.At); {
		case left <= 0:
			l.say(paas.Critical, paas.OfCertificate, thing, fmt.Sprintf("The certificate of %s has ended at %s.", c.Subject, day(*c.Ends)),
				"Nobody who checks it connects.", next)
		case left < certificateLate:
			l.say(paas.Critical, paas.OfCertificate, thing, fmt.Sprintf("The certificate of %s ends in %s, at %s.", c.Subject, days(left), day(*c.Ends)),
				"From then on nobody who checks it connects.", next)
		case left < certificateSoon:
			l.say(paas.Warning, paas.OfCertificate, thing, fmt.Sprintf("The certificate of %s ends in %s, at %s.", c.Subject, days(left), day(*c.Ends)),
				"From then on nobody who checks it connects.", next)
		}
	}
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }

// days is a time that is left, in the largest unit that says enough.
func days(d time.Duration) string {
	if d < 48*time.Hour {
		return d.Round(time.Minute).String()
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
