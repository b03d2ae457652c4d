package cli

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// verifyTeam owns the canaries, so that nothing of theirs can be mixed up with anybody's.
const verifyTeam = "crumpet-verify"

func newClusterVerifyCmd(s *session) *cobra.Command {
	v := &verify{s: s}
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Send a canary app through everything, and take it away again",
		Long: `Proves that the cluster does what it is for: makes an app in a team of its own (crumpet-verify), pushes
it, asks it through every router, gives it a secret and sees that it reads it, follows its log, stops an
instance and sees another take its place, rolls back, and destroys it. Each check is one line: ok or
FAILED, how long it took, and what to do. Admins only.

Nothing is left behind but an empty namespace in Nomad, also when a check fails or the command is
interrupted. What a run that was killed has left is taken away by the next one, after an hour. Where
Crumpet's token in Nomad may make no namespace, crumpet install has made it, or an operator does:
nomad namespace apply crumpet-verify.

--json prints one object at the end. Its key checks holds: name, status (ok, failed, skipped), took_ms,
found, next.

Exit code 0: every check is ok. 1: one has failed.`,
		Example: `  crumpet cluster verify
  crumpet cluster verify --json | jq -r '.checks[] | select(.status == "failed") | .next'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return v.run(cmd.Context()) },
	}
	cmd.Flags().DurationVar(&v.within, "timeout", 5*time.Minute, "how long one check may take")
	jsonFlag(cmd, &v.result.asJSON)
	return cmd
}

// verify is one run of the command.
type verify struct {
	s      *session
	c      *client.Client // of verifyTeam
	within time.Duration
	app    string
	host   string // of the canary's route
	url    string // of it
	secret string
	result verified
}

// verified is the JSON of verify.
type verified struct {
	Team   string        `json:"team"`
	App    string        `json:"app"`
	OK     bool          `json:"ok"`
	Checks []verifyCheck `json:"checks"`

	asJSON bool
}

// verifyCheck is one of its lines.
type verifyCheck struct {
	Name   string `json:"name"`
	Status string `json:"status"` // ok, failed, skipped
	TookMS int64  `json:"took_ms"`
	Found  string `json:"found"`          // a sentence
	Next   string `json:"next,omitempty"` // what to do about one that failed
}

var errNotVerified = errors.New("not everything works")

// step is a check: do gives what was found.
type step struct {
	name string
	next string
	do   func(ctx context.Context) (found string, err error)
}

func (v *verify) run(ctx context.Context) (err error) {
	v.s.team = verifyTeam
	if v.c, err = v.s.client(); err != nil {
		return err
	}
	id := make([]byte, 4)
	_, _ = rand.Read(id) // never fails, see crypto/rand
	v.app = "canary-" + hex.EncodeToString(id)
	v.secret = rand.Text()
	v.result.Team, v.result.App, v.result.OK = verifyTeam, v.app, true

	if v.checks(ctx, step{"server", "crumpet cluster status", v.checkServer}, step{"findings", "crumpet cluster status", v.checkFindings}) {
		v.canary(ctx)
	}
	if v.result.asJSON {
		err = v.s.printJSON(v.result)
	}
	switch {
	case err != nil:
		return err
	case ctx.Err() != nil:
		return &saidError{errors.New("interrupted")}
	case !v.result.OK:
		return &saidError{errNotVerified}
	}
	return nil
}

// canary takes an app through its life. Whatever comes of it, the app and its team are gone in the end.
func (v *verify) canary(ctx context.Context) {
	why := "nomad namespace status " + verifyTeam + "   (where it is missing: nomad namespace apply " + verifyTeam + "); the log of Crumpet's leader, see crumpet servers"
	lived := v.checks(ctx,
		step{"team", "crumpet teams show " + verifyTeam, v.checkTeam},
		step{"push", why, v.checkPush},
		step{"route", "crumpet platform   (each router's table; then whether its proxy port can be reached from here)", v.checkRoute},
		step{"secret", "vault status; vault read auth/jwt-nomad/config   (whether it believes Nomad's identities)", v.checkSecret},
		step{"log", "nomad node status   (logs are read from the node, through Nomad's servers)", v.checkLog},
		step{"reschedule", "crumpet nodes; crumpet cluster status   (capacity)", v.checkReschedule},
		step{"rollback", why, v.checkRollback},
	)
	// The end is not the caller's to break off: what was made is taken away.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), v.within)
	defer cancel()
	gone := step{"destroy", "crumpet destroy " + v.app + " --team " + verifyTeam + " --yes", v.checkDestroy}
	clean := v.checks(end, gone, step{"nothing left", "crumpet repair --yes", v.checkNothingLeft})
	if lived && clean && !v.result.asJSON {
		v.s.print("")
		v.s.print("The cluster does what it is for.")
	}
}

// checks runs steps in turn. After one that fails the others have nothing to stand on, and are skipped.
func (v *verify) checks(ctx context.Context, steps ...step) (ok bool) {
	ok = true
	for _, st := range steps {
		c := verifyCheck{Name: st.name, Status: "skipped", Found: "A check before it failed."}
		if ok {
			began := time.Now()
			one, cancel := context.WithTimeout(ctx, v.within)
			found, err := st.do(one)
			cancel()
			c.Status, c.Found, c.TookMS = "ok", found, time.Since(began).Milliseconds()
			if err != nil {
				ok, v.result.OK = false, false
				c.Status, c.Found, c.Next = "failed", v.reason(ctx, one, err), st.next
			}
		}
		v.result.Checks = append(v.result.Checks, c)
		v.show(c)
	}
	return ok
}

// reason is the sentence of a failure: a time that has run out is no reason, what the app says is.
func (v *verify) reason(ctx, one context.Context, err error) string {
	text := ended(sentenceOf(err))
	switch {
	case ctx.Err() != nil:
		return "It was interrupted."
	case errors.Is(one.Err(), context.DeadlineExceeded):
		text = "It took longer than " + v.within.String() + "."
	}
	asked, cancel := context.WithTimeout(ctx, lookFor)
	defer cancel()
	if why, err := v.c.Why(asked, v.app); err == nil && why.Summary != "" && !why.Serving {
		text += " " + ended(why.Summary)
	}
	return text
}

const lookFor = 5 * time.Second

func (v *verify) show(c verifyCheck) {
	if v.result.asJSON {
		return
	}
	word := map[string]string{"ok": v.s.tone("ok"), "failed": v.s.tone("FAILED"), "skipped": "skipped"}[c.Status]
	pad := strings.Repeat(" ", max(0, len("skipped")-len(map[string]string{"ok": "ok", "failed": "FAILED", "skipped": "skipped"}[c.Status])))
	v.s.print("%s%s  %-12s  %6s  %s", word, pad, c.Name, seconds(time.Duration(c.TookMS)*time.Millisecond), c.Found)
	if c.Next != "" {
		v.s.print("%9s%s", "", "next: "+c.Next)
	}
}

// checkServer asks Crumpet, and through it every backend.
func (v *verify) checkServer(ctx context.Context) (string, error) {
	p, err := v.c.Platform(ctx)
	if err != nil {
		return "", err
	}
	var silent []string
	for _, b := range p.Backends {
		if !b.OK {
			silent = append(silent, b.Name+": "+b.Reason)
		}
	}
	if len(silent) > 0 {
		return "", paas.Errorf(paas.Unavailable, "%s", strings.Join(silent, " "))
	}
	return "Crumpet " + p.Version + " and all four programs answer; " + count(len(p.Nodes), "node") + ", " + count(len(p.Routers), "router") + ", " + count(len(p.Servers), "server") + " of Crumpet.", nil
}

// checkFindings asks the doctor.
func (v *verify) checkFindings(ctx context.Context) (string, error) {
	c, err := v.c.Findings(ctx)
	if err != nil {
		return "", err
	}
	n := map[paas.Severity]int{}
	for _, f := range c.Findings {
		n[f.Severity]++
	}
	if n[paas.Critical] > 0 {
		first := c.Findings[0]
		return "", paas.Errorf(paas.Conflict, "%s, the first of them of %s: %s", count(n[paas.Critical], "critical finding"), first.Thing, first.Found)
	}
	return "Nothing is critical; " + count(n[paas.Warning], "warning") + ", " + count(n[paas.NotKnown], "thing") + " not known.", nil
}
