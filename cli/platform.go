package cli

import (
	"cmp"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func newPlatformCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "platform",
		Short: "Show how the machinery under all apps is",
		Long: `Shows whether Nomad, Consul, Vault and every Fabio do their work, since when, and what to do about one that
does not; what each node has and how much of it is reserved; and Crumpet's own servers. Admins only.`,
		Example: `  crumpet platform
  crumpet platform --json | jq '.nodes[] | {name, memory_mb}'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			p, err := c.Platform(cmd.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(p)
			}
			s.showPlatform(p)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (s *session) showPlatform(p paas.Platform) {
	var rows [][]string
	for _, b := range p.Backends {
		rows = append(rows, []string{b.Name, s.tone(answering(b.OK)), ago(b.Since), cmp.Or(b.Version, "-"), b.Reason})
	}
	s.table(s.out, []string{"BACKEND", "STATE", "SINCE", "VERSION", "REASON"}, rows)
	for _, b := range p.Backends {
		if b.Next != "" {
			s.print("  %s: %s", b.Name, b.Next)
		}
	}
	s.print("")
	rows = nil
	for _, r := range p.Routers {
		read := "never"
		if r.ReadAt != nil {
			read = ago(*r.ReadAt)
		}
		rows = append(rows, []string{r.Address, s.tone(answering(r.OK)), fmt.Sprint(r.Routes), fmt.Sprint(r.Apps), read})
	}
	s.table(s.out, []string{"ROUTER", "STATE", "ROUTES", "APPS", "READ"}, rows)
	s.print("")
	rows = nil
	for _, n := range p.Nodes {
		cpu, memory := "-", "-"
		if n.Known {
			cpu, memory = extentText(n.CPU), extentText(n.Memory)
		}
		rows = append(rows, []string{n.Name, s.tone(string(n.Status)), placing(n.NodeView), cpu, memory, fmt.Sprint(n.Instances)})
	}
	s.table(s.out, []string{"NODE", "STATUS", "PLACING", "CPU MHZ", "MEMORY MB", "INSTANCES"}, rows)
	s.print("")
	rows = nil
	for _, one := range p.Servers {
		rows = append(rows, []string{one.Name, s.tone(one.State), one.Version, one.Store, one.Address})
	}
	s.table(s.out, []string{"SERVER", "STATE", "VERSION", "STORE", "ADDRESS"}, rows)
}

func answering(ok bool) string {
	if ok {
		return "ok"
	}
	return "silent"
}

func extentText(e paas.Extent) string { return fmt.Sprintf("%d of %d", e.Reserved, e.Total) }
