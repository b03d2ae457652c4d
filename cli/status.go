package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newStatusCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status [APP]",
		Short: "Show an app: its instances, routes and deployment",
		Example: `  crumpet status
  crumpet status hello --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := s.appName(args)
			if err != nil {
				return err
			}
			c, err := s.client()
			if err != nil {
				return err
			}
			status, err := c.Status(cmd.Context(), app)
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(status)
			}
			s.showStatus(status)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return withApp(s, cmd)
}

func (s *session) showStatus(status wire.Status) {
	line := fmt.Sprintf("%s is %s", s.bold(status.App), s.tone(string(status.Status)))
	if status.Release > 0 {
		line += fmt.Sprintf(", release %d in %s", status.Release, status.Slot)
	}
	s.print("%s", line)
	if status.Reason != "" {
		s.print("%s", status.Reason)
	}
	if len(status.Routes) > 0 {
		s.print("")
		var rows [][]string
		for _, r := range status.Routes {
			rows = append(rows, []string{r.URL, s.tone(string(r.State))})
		}
		s.table(s.out, []string{"ROUTE", "STATE"}, rows)
	}
	if len(status.Processes) > 0 {
		s.print("")
		var rows [][]string
		for _, p := range status.Processes {
			rows = append(rows, []string{p.Name, fmt.Sprint(p.Wanted), fmt.Sprint(p.Running), fmt.Sprint(p.Healthy)})
		}
		s.table(s.out, []string{"PROCESS", "WANTED", "RUNNING", "HEALTHY"}, rows)
	}
	if len(status.Instances) > 0 {
		s.print("")
		var rows [][]string
		for _, i := range status.Instances {
			rows = append(rows, []string{
				short(i.ID), i.Process, number(i.Release), string(i.Slot), s.tone(string(i.State)), s.tone(string(i.Health)), i.Node, ago(i.Since), i.Reason,
			})
		}
		s.table(s.out, []string{"INSTANCE", "PROCESS", "RELEASE", "SLOT", "STATE", "HEALTH", "NODE", "SINCE", ""}, rows)
	}
	if status.Deployment != nil {
		s.print("")
		s.print("%s", s.deploymentText(*status.Deployment))
	}
}

func (s *session) deploymentText(d paas.Deployment) string {
	text := fmt.Sprintf("Deployment %s (%s) of release %d is %s", d.ID, d.Cause, d.Release, s.tone(string(d.State)))
	if len(d.Steps) > 0 {
		text += fmt.Sprintf(", step %d of %d", min(d.Step+1, len(d.Steps)), len(d.Steps))
	}
	if d.Abort && !d.State.Ended() {
		text += ", walking back"
	}
	if d.Reason != "" {
		text += ": " + d.Reason
	}
	return ended(text)
}
