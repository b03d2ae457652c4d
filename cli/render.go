package cli

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
)

// Offline there is no artifact, and no cluster to say where things are: what `crumpet dev` has by
// default stands in.
const (
	renderDigest = "0000000000000000000000000000000000000000000000000000000000000000"
	renderDomain = "localhost"
	renderRouter = "http://%s:9999"
	renderDriver = "exec"
)

func newRenderCmd(s *session) *cobra.Command {
	var driver string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "render [FILE]",
		Short: "Print the Nomad job of an app spec, without a server",
		Long: `Prints the exact job that Crumpet would register in the blue slot, as {"Job":{...}}, which
"nomad job run -json" accepts. There is no artifact yet: its digest is all zeros.`,
		Example: `  crumpet render
  crumpet render crumpet.hcl | nomad job plan -json -`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			if driver != "exec" && driver != "raw_exec" {
				return usagef("--driver takes exec or raw_exec, not %q", driver)
			}
			path := specPath(args)
			parsed, source, diags := spec.ParseFile(path)
			if parsed == nil && asJSON {
				return errors.Join(s.printJSON(verdictOf(false, diags)), invalidSpec(false, diags))
			}
			if parsed == nil {
				s.showDiagnostics(path, source, diags)
				return invalidSpec(false, diags)
			}
			_, err := s.out.Write(renderJob(*parsed, driver))
			return err
		},
	}
	cmd.Flags().StringVar(&driver, "driver", renderDriver, "task driver: exec or raw_exec")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print faults as JSON too, as validate does")
	return cmd
}

func renderJob(parsed paas.Spec, driver string) []byte {
	parsed = parsed.WithDefaultRoute(renderDomain)
	release := paas.Release{Team: paas.DefaultTeam, App: parsed.App, Number: 1, Spec: parsed, SpecDigest: parsed.Digest(), Artifact: renderDigest}
	if parsed.Build.Builder == paas.BuilderStatic {
		release.Runtime = renderDigest
	}
	counts := map[string]int{}
	for _, p := range parsed.Processes {
		counts[p.Name] = p.Instances
	}
	return jobspec.Submission(jobspec.Job(jobspec.Input{
		Release: release, Slot: paas.Blue, Counts: counts, Driver: driver,
		ArtifactURL: func(digest string) string { return client.DefaultAddr + "/v1/artifacts/sha256/" + digest },
		BaseURL:     func(r paas.Route) string { return fmt.Sprintf(renderRouter, r.Host) + r.Path },
	}))
}
