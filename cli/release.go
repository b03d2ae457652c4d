package cli

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newReleaseCmd(s *session) *cobra.Command {
	var asJSON, asSpec bool
	cmd := &cobra.Command{
		Use:   "release [APP] N",
		Short: "Show a release: who made it, from what, and what became of it",
		Long: `Shows all that is kept of a release. --spec prints its app spec as it was resolved then: with the values
of variables and the environment's own settings in it, without what is a default. It can be pushed again.`,
		Example: `  crumpet release shop 12
  crumpet release 12 --spec > crumpet.hcl
  crumpet release shop 12 --json | jq -r .artifact`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			named, numbers, err := appAndNumbers(args, 1)
			if err != nil {
				return err
			}
			if len(numbers) == 0 {
				return usagef("%q is not the number of a release; `crumpet releases` lists those there are", args[len(args)-1])
			}
			c, app, err := s.about(named)
			if err != nil {
				return err
			}
			release, err := c.Release(cmd.Context(), app, numbers[0])
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(release)
			}
			if asSpec {
				_, err := s.out.Write(spec.Print(release.Spec))
				return err
			}
			walks, err := c.Deployments(cmd.Context(), app)
			if err != nil {
				return err
			}
			s.showRelease(release, walks.Items)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asSpec, "spec", false, "print its app spec")
	jsonFlag(cmd, &asJSON)
	exclusive(cmd, "spec", "json")
	cmd.ValidArgsFunction = s.completeReleases(1)
	return withApp(s, cmd)
}

func (s *session) showRelease(r wire.KeptRelease, walks []paas.Deployment) {
	line := func(name, value string) {
		if value != "" {
			s.print("%s %s", s.faint(name+strings.Repeat(" ", max(0, 9-len(name)))), value)
		}
	}
	s.print("%s release %d: %s", s.bold(r.App), r.Number, s.outcome(r))
	line("note", r.Note)
	line("made", moment(r.CreatedAt)+" by "+r.CreatedBy)
	commit := r.Commit
	if r.Dirty {
		commit += ", and changes that it does not hold"
	}
	line("commit", commit)
	line("spec", r.SpecDigest)
	line("artifact", r.Artifact)
	line("runtime", r.Runtime)
	if r.Config > 0 {
		line("config", "version "+strconv.Itoa(r.Config))
	}
	for _, p := range r.Spec.Processes {
		line("process", processLine(p))
	}
	for _, route := range r.Spec.Routes() {
		line("route", route.String())
	}
	for _, d := range walks {
		if d.Release == r.Number {
			line("walk", s.deploymentText(d))
		}
	}
}

func processLine(p paas.Process) string {
	return p.Name + ", " + count(p.Instances, "instance") + ", " + strconv.Itoa(p.CPU) + " MHz, " + strconv.Itoa(p.Memory) + " MiB"
}
