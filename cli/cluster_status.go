package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func newClusterStatusCmd(s *session) *cobra.Command {
	var f fleetFlags
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Look at the cluster as a doctor does",
		Long: `Looks at everything under the apps, and says of each thing that is wrong why it matters and what to do:
leaders and majorities of Nomad, Consul and Vault, and who is sealed; versions, and how they differ; when
certificates and Crumpet's own tokens end; whether the largest node may be lost; drift between what is
wished, Nomad, Consul, Vault and the table of every Fabio; settings of agents and routers that hurt some
day; clocks. What could not be asked is told as well. Admins only.

A server of Crumpet does all that. With --file it is done from here, over SSH, also while none answers: each machine
of cluster.hcl, its agents and its router are asked by what the sealed state holds. Drift and Crumpet's own tokens are left
out then.

--json prints one object. Its key findings holds: severity (critical, warning, unknown), subject, thing,
found, why, next, hint.

Exit code 0: nothing is critical. 1: something is.`,
		Example: `  crumpet cluster status
  crumpet cluster status --file cluster.hcl
  crumpet cluster status --json | jq -r '.findings[] | select(.severity == "critical") | .next'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			look := s.askForFindings
			if cmd.Flags().Changed("file") {
				look = func(ctx context.Context) (paas.Checkup, error) { return s.lookFromOutside(ctx, f) }
			}
			return s.clusterStatus(cmd.Context(), look, asJSON)
		},
	}
	f.add(cmd)
	jsonFlag(cmd, &asJSON)
	return cmd
}

var errCritical = errors.New("the cluster is in a critical state")

// askForFindings asks a server of Crumpet.
func (s *session) askForFindings(ctx context.Context) (paas.Checkup, error) {
	c, err := s.client()
	if err != nil {
		return paas.Checkup{}, err
	}
	found, err := c.Findings(ctx)
	if code := paas.CodeOf(err); code == paas.Unavailable && readable(fleet.FileName) {
		s.say("There is a %s here: `crumpet cluster status --file %s` looks without Crumpet.", fleet.FileName, fleet.FileName)
	}
	return found, err
}

func (s *session) clusterStatus(ctx context.Context, look func(context.Context) (paas.Checkup, error), asJSON bool) error {
	found, err := look(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		err = s.printJSON(found)
	} else {
		s.showCheckup(found)
	}
	if err == nil && found.Worst == paas.Critical {
		return &saidError{errCritical}
	}
	return err
}

func (s *session) showCheckup(c paas.Checkup) {
	var rows [][]string
	for _, q := range c.Quorums {
		spare := fmt.Sprint(q.Spare())
		if q.Spare() < 0 {
			spare = "no majority"
		}
		healthy := 0
		for _, one := range q.Servers {
			if one.Healthy && !one.Sealed {
				healthy++
			}
		}
		rows = append(rows, []string{q.Program, cmp.Or(q.Leader, "none"), fmt.Sprintf("%d of %d", healthy, len(q.Servers)), spare, cmp.Or(q.Version, "-")})
	}
	s.table(s.out, []string{"PROGRAM", "LEADER", "HEALTHY", "MAY LOSE", "VERSION"}, rows)
	s.print("")
	rows = nil
	for _, one := range c.Certificates {
		ends := "-"
		if one.Ends != nil {
			ends = moment(*one.Ends)
		}
		rows = append(rows, []string{"certificate", one.Of, one.Where, ends})
	}
	for _, one := range c.Leases {
		ends := "never"
		if one.Ends != nil {
			ends = moment(*one.Ends)
			if one.Renewable {
				ends += ", renewed before"
			}
		}
		if one.Reason != "" {
			ends = "-"
		}
		rows = append(rows, []string{"token", one.Of, "Crumpet's own", ends})
	}
	s.table(s.out, []string{"WHAT", "OF", "WHERE", "ENDS"}, rows)
	s.print("")
	if len(c.Findings) == 0 {
		s.print("Nothing was found to be wrong.")
		return
	}
	for i, f := range c.Findings {
		if i > 0 {
			s.print("")
		}
		s.print("%s  %s  %s", s.tone(string(f.Severity)), f.Subject, s.bold(f.Thing))
		s.print("  found  %s", f.Found)
		s.print("  why    %s", f.Why)
		s.print("  next   %s", f.Next)
		if f.Hint != "" {
			s.print("         %s", f.Hint)
		}
	}
	s.print("")
	for _, severity := range paas.Severities {
		n := 0
		for _, f := range c.Findings {
			if f.Severity == severity {
				n++
			}
		}
		if n > 0 {
			s.print("%s: %d", severity, n)
		}
	}
}
