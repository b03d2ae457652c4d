package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newRepairCmd(s *session) *cobra.Command {
	r := &repair{s: s}
	cmd := &cobra.Command{
		Use:   "repair [APP]",
		Short: "Show what on the cluster is not as it is wished, and heal it",
		Long: `Holds what stands in Nomad, in Consul and in the tables of the routers against what Crumpet wishes, of one
app of the team or, without APP, of every app of every team, and shows each difference that somebody else
made: jobs that were scaled, edited, stopped or purged; jobs, services and keys that nothing names; routing
rules that were changed; keys that freeze the routers; routers that lag behind.

Then it heals them, after asking: jobs are put back by the converger, in place where that costs no
instance and else by a walk; what nothing names is taken away; keys that are no rules are moved to
crumpet/quarantine/ in Consul's KV. --yes stands for the answer, and is needed where nobody can be asked.

--json prints one object. Its key items holds the findings: kind, team, app, thing, wished, found, repair,
heals, status (found, healed, left), reason.

Exit code 0: all is as it is wished, or is again. 1: something is not.`,
		Example: `  crumpet repair
  crumpet repair shop --yes
  crumpet repair --json | jq -r '.items[].kind'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) > 0 && s.app != "" && args[0] != s.app:
				return usagef("the argument names app %q, --app names %q: leave one out", args[0], s.app)
			case len(args) > 0:
				s.app = args[0]
			}
			return r.run(cmd.Context())
		},
	}
	cmd.Flags().BoolVar(&r.yes, "yes", false, "heal without asking")
	jsonFlag(cmd, &r.asJSON)
	withApp(s, cmd)
	cmd.Flags().Lookup("app").Usage = "the app; else all of them"
	return cmd
}

// repair is one run of the command.
type repair struct {
	s           *session
	c           *client.Client
	yes, asJSON bool
}

var errDrift = errors.New("not everything is as it is wished")

func (r *repair) run(ctx context.Context) (err error) {
	if r.c, err = r.s.client(); err != nil {
		return err
	}
	found, err := r.c.Drift(ctx, r.s.app)
	if err != nil {
		return err
	}
	if len(found.Items) == 0 {
		if r.asJSON {
			return r.s.printJSON(found)
		}
		r.s.print("Everything is as it is wished.")
		return nil
	}
	if !r.asJSON {
		r.s.showFindings(found.Items)
	}
	heals, err := r.agreed(found.Items)
	switch {
	case err != nil:
		return err
	case heals:
		if found.Items, err = r.heal(ctx, found.Items); err != nil {
			return err
		}
	}
	if r.asJSON {
		err = r.s.printJSON(found)
	} else if heals {
		r.s.showHealed(found.Items)
	}
	if err == nil && slices.ContainsFunc(found.Items, func(f paas.Finding) bool { return f.State != paas.FindingHealed }) {
		return &saidError{errDrift}
	}
	return err
}

// agreed says whether to heal.
func (r *repair) agreed(list []paas.Finding) (bool, error) {
	n := 0
	for _, f := range list {
		if f.Heals {
			n++
		}
	}
	switch {
	case n == 0 || (r.asJSON && !r.yes):
		return false, nil
	case r.yes:
		return true, nil
	case !r.s.prompts():
		r.s.say("Nothing was healed: there is nobody to ask. Say --yes to heal %s.", count(n, "finding"))
		return false, nil
	}
	r.s.say("")
	r.s.say("Heal %s? Type yes to go on:", count(n, "finding"))
	line, err := bufio.NewReader(io.LimitReader(r.s.in, 1024)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	if strings.TrimSpace(line) != "yes" {
		r.s.say("Nothing was healed.")
		return false, nil
	}
	return true, nil
}

const (
	healWithin = 60 * time.Second // longer than a sweep of the converger
	healLook   = time.Second
)

// heal asks for all to be healed, and looks until it is.
func (r *repair) heal(ctx context.Context, list []paas.Finding) ([]paas.Finding, error) {
	var request wire.Repair
	for _, f := range list {
		request.Items = append(request.Items, wire.Faulty{Kind: f.Kind, Team: f.Team, App: f.App, Thing: f.Thing})
	}
	answer, err := r.c.Repair(ctx, r.s.app, request)
	if err != nil {
		return list, err
	}
	list = answer.Items
	p := newProgress(r.s, r.asJSON)
	defer p.close()
	p.begin("Healing")
	for deadline := time.Now().Add(healWithin); ; {
		now, err := r.c.Drift(ctx, r.s.app)
		if err != nil {
			return list, err
		}
		waits := false
		for i, f := range list {
			if !slices.ContainsFunc(now.Items, f.Same) {
				list[i].State, list[i].Reason = paas.FindingHealed, ""
				continue
			}
			waits = waits || f.State == paas.FindingFound
		}
		switch late := time.Now().After(deadline); {
		case !waits:
			return list, nil
		case late:
			for i, f := range list {
				if f.State == paas.FindingFound {
					list[i].State, list[i].Reason = paas.FindingLeft, "It is still so after "+healWithin.String()+"; the events of the app tell what was tried."
				}
			}
			return list, nil
		}
		select {
		case <-ctx.Done():
			return list, ctx.Err()
		case <-time.After(healLook):
		}
	}
}

// showFindings shows each finding in three lines: in a table of 80 columns no sentence has room.
func (s *session) showFindings(list []paas.Finding) {
	for i, f := range list {
		if i > 0 {
			s.print("")
		}
		s.print("%s  %s  %s", s.bold(ownerOf(f)), s.tone(string(f.Kind)), f.Thing)
		s.print("  wished  %s", f.Wished)
		s.print("  found   %s", f.Found)
		if f.Heals {
			s.print("  repair  %s", f.Repair)
		} else {
			s.print("  %s", f.Repair)
		}
	}
}

func ownerOf(f paas.Finding) string {
	switch {
	case f.App == "":
		return "-"
	case f.Team == paas.DefaultTeam:
		return f.App
	}
	return f.Team + "/" + f.App
}

func (s *session) showHealed(list []paas.Finding) {
	s.print("")
	var rows [][]string
	for _, f := range list {
		rows = append(rows, []string{ownerOf(f), string(f.Kind), f.Thing, s.tone(string(f.State))})
	}
	s.table(s.out, []string{"APP", "KIND", "THING", "STATUS"}, rows)
	for _, f := range list {
		if f.Reason != "" && f.State == paas.FindingLeft {
			s.say("%s: %s", f.Thing, ended(f.Reason))
		}
	}
}
