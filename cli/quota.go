package cli

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newQuotaCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "quota",
		Short: "What a team may want of the cluster at the same time",
		Long: `A quota bounds what a team wants: the instances that its specs and scalings ask for, whether or not they run.
A push, rollback, scale, start or run that would go above it is refused; a plan shows how the team would stand.
What runs goes on when a quota is lowered below it, and can only get less.`,
		Example: `  crumpet quota show shop
  crumpet quota set shop --memory 4096 --instances 20`,
	}
	add(cmd, "", newQuotaShowCmd(s), newQuotaSetCmd(s))
	refuseOthers(cmd)
	return cmd
}

func newQuotaShowCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show [TEAM]",
		Short: "Show what a team wants of its quota",
		Long:  `Shows that of the team that --team says where none is named.`,
		Example: `  crumpet quota show
  crumpet quota show shop --json | jq '.lines[] | select(.limit > 0)'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			t, err := c.ShowTeam(cmd.Context(), cmp.Or(strings.Join(args, ""), c.Team()))
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(t)
			}
			s.showQuota(t)
			return nil
		},
		ValidArgsFunction: completing(s.teamNames),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// showQuota prints what a team wants of each thing, and how much it may.
func (s *session) showQuota(t wire.Team) {
	var rows [][]string
	for _, l := range t.Lines {
		limit, left := "-", "-"
		if l.Limit > 0 {
			limit, left = strconv.Itoa(l.Limit), strconv.Itoa(l.Limit-l.After)
		}
		rows = append(rows, []string{l.What, strconv.Itoa(l.After), limit, left, l.Unit})
	}
	s.table(s.out, []string{"OF", "WANTED", "QUOTA", "LEFT", "UNIT"}, rows)
}

func newQuotaSetCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "set TEAM",
		Short: "Change a team's quota (admins)",
		Long: `Changes the bounds that are said, and leaves the others; 0 takes a bound away. Memory and storage are in MB,
cpu in MHz; a reserved core counts as 2000 MHz.`,
		Example: `  crumpet quota set shop --memory 4096 --cpu 8000
  crumpet quota set shop --apps 10 --routes 30 --storage 0`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: completing(s.teamNames),
	}
	quota := quotaFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		change := quota()
		if change == (paas.QuotaChange{}) {
			return usagef("nothing is said to change: give --memory, --cpu, --apps, --instances, --routes or --storage")
		}
		return s.updateTeam(cmd.Context(), args[0], wire.UpdateTeam{Quota: change}, asJSON)
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// quotaFlags adds a flag for each bound, and gives what was said.
func quotaFlags(cmd *cobra.Command) func() paas.QuotaChange {
	flags := cmd.Flags()
	bound := func(name, usage string) func() *int {
		n := flags.Int(name, 0, usage+", 0 for no bound")
		return func() *int {
			if !flags.Changed(name) {
				return nil
			}
			return n
		}
	}
	memory, cpu := bound("memory", "MB of all instances wanted"), bound("cpu", "MHz of all instances wanted")
	apps, instances := bound("apps", "apps"), bound("instances", "instances wanted of all apps")
	routes, storage := bound("routes", "routes of all apps"), bound("storage", "MB of volumes")
	return func() paas.QuotaChange {
		return paas.QuotaChange{Memory: memory(), CPU: cpu(), Apps: apps(), Instances: instances(), Routes: routes(), Storage: storage()}
	}
}

// showPlannedQuota says how the team would stand against its quota, in one line for each three bounds.
func (s *session) showPlannedQuota(lines []paas.QuotaLine) {
	if len(lines) == 0 {
		return
	}
	var parts []string
	for _, l := range lines {
		parts = append(parts, fmt.Sprintf("%s %d of %s", l.What, l.After, limitText(l)))
	}
	s.print("")
	s.wrap(s.bold("Quota")+"  ", "       ", "after this: "+strings.Join(parts, ", "))
}
