package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func newUsageCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "usage [APP]",
		Short: "Show what each instance takes of its node",
		Long: `Shows the CPU and the memory that each instance of an app takes now, against what its release gives it:
a share of CPU, which it may exceed while nobody else wants it, and memory, above whose maximum it is
killed.

The numbers are those of the nodes, at most two seconds old. Of a node that does not answer nothing is
known, and the last column says so.`,
		Example: `  crumpet usage shop
  crumpet usage shop --json | jq '.items[] | select(.memory_mb > 0.9 * .memory_max_mb)'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, app, err := s.about(args)
			if err != nil {
				return err
			}
			usage, err := c.Usage(cmd.Context(), app)
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(usage)
			}
			s.showUsage(app, usage.Items)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return withApp(s, cmd)
}

func (s *session) showUsage(app string, list []paas.InstanceUsage) {
	if len(list) == 0 {
		s.say("%s has no instance that runs.", app)
		return
	}
	var rows [][]string
	for _, u := range list {
		cpu, memory := "-", "-"
		if u.Known {
			cpu, memory = fmt.Sprintf("%.0f", u.CPU), fmt.Sprintf("%.0f", u.Memory)
		}
		rows = append(rows, []string{
			fmt.Sprintf("%s.%d", u.Process, u.Index), short(u.Instance), string(u.Slot), number(u.Release), u.Node,
			cpu + " of " + cpuText(u), memory + " of " + memoryText(u), u.Reason,
		})
	}
	s.table(s.out, []string{"INSTANCE", "ID", "SLOT", "RELEASE", "NODE", "CPU MHZ", "MEMORY MB", ""}, rows)
}

func cpuText(u paas.InstanceUsage) string {
	switch {
	case u.Cores > 0 && u.CPULimit > 0:
		return fmt.Sprintf("%s and %d", count(u.Cores, "core"), u.CPULimit)
	case u.Cores > 0:
		return count(u.Cores, "core")
	}
	return fmt.Sprint(u.CPULimit)
}

func memoryText(u paas.InstanceUsage) string {
	if u.MemoryMax > u.MemoryLimit {
		return fmt.Sprintf("%d (at most %d)", u.MemoryLimit, u.MemoryMax)
	}
	return fmt.Sprint(u.MemoryLimit)
}
