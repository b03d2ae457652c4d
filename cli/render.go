package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
)

// Offline there is no artifact, no release and no cluster to say where things are: what `crumpet dev`
// has by default stands in.
const (
	renderDigest  = "0000000000000000000000000000000000000000000000000000000000000000"
	renderRelease = 1
	renderDomain  = "localhost"
	renderRouter  = "http://%s:9999"
	renderDriver  = "exec"
)

// render is one run of the command.
type render struct {
	s             *session
	flags         *specFlags
	driver, job   string
	asHCL, asJSON bool // asJSON: faults, too
}

func newRenderCmd(s *session) *cobra.Command {
	r := &render{s: s}
	cmd := &cobra.Command{
		Use:   "render [FILE]",
		Short: "Print the Nomad job of an app spec, without a server",
		Long: `Prints the exact job that Crumpet would register in the blue slot, as {"Job":{...}}, which
"nomad job run -json" accepts, or as Nomad's HCL. Tasks and crons have jobs of their own, and processes with a
volume have one together. There is no artifact yet: its digest is all zeros.`,
		Example: `  crumpet render
  crumpet render crumpet.hcl | nomad job plan -json -
  crumpet render --hcl | nomad job validate -
  crumpet render --hcl --env staging --job cron.report`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return r.run(specPath(args)) },
	}
	r.flags = s.specFlags(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&r.asHCL, "hcl", false, "print Nomad's HCL")
	flags.StringVar(&r.job, "job", "", "whose job: task.NAME, cron.NAME, or data for the processes with a volume; else that of the others")
	flags.StringVar(&r.driver, "driver", renderDriver, "task driver: exec or raw_exec")
	flags.BoolVar(&r.asJSON, "json", false, "print faults as JSON too, as validate does")
	must(cmd.RegisterFlagCompletionFunc("driver", cobra.FixedCompletions([]string{"exec", "raw_exec"}, cobra.ShellCompDirectiveNoFileComp)))
	must(cmd.RegisterFlagCompletionFunc("job", func(_ *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		path := completedSpec(args)
		return sideNames(blocks(path, "task"), blocks(path, "cron")), cobra.ShellCompDirectiveNoFileComp
	}))
	return cmd
}

func (r *render) run(path string) error {
	if r.driver != "exec" && r.driver != "raw_exec" {
		return usagef("--driver takes exec or raw_exec, not %q", r.driver)
	}
	if r.asHCL && r.asJSON {
		return usagef("--hcl and --json say opposite things: leave one out")
	}
	options, err := r.flags.options(path)
	if err != nil {
		return err
	}
	parsed, source, diags := spec.ParseFile(path, options)
	if parsed == nil && r.asJSON {
		return errors.Join(r.s.printJSON(verdictOf(false, diags)), invalidSpec(false, diags))
	}
	if parsed == nil {
		r.s.showDiagnostics(path, source, diags)
		return invalidSpec(false, diags)
	}
	text, err := r.text(*parsed)
	if err != nil {
		return err
	}
	_, err = r.s.out.Write(text)
	return err
}

// text is the job of a spec's processes, or the one that --job names.
func (r *render) text(parsed paas.Spec) ([]byte, error) {
	write := jobspec.Submission
	if r.asHCL {
		write = jobspec.HCL
	}
	in := r.input(parsed.WithDefaultRoute(renderDomain))
	walks := slices.ContainsFunc(parsed.Processes, func(p paas.Process) bool { return !p.Stateful() })
	switch {
	case r.job == "" && !walks, r.job == string(paas.Data) && parsed.Stateful():
		in.Slot = paas.Data
		return write(jobspec.Job(in)), nil
	case r.job == "":
		return write(jobspec.Job(in)), nil
	}
	var tasks, crons []string
	for _, t := range parsed.Tasks {
		if r.job == "task."+t.Name {
			id := paas.SideJob{App: parsed.App, Kind: paas.JobTask, Name: t.Name, Last: strconv.Itoa(renderRelease)}
			return write(jobspec.TaskJob(in, t, id)), nil
		}
		tasks = append(tasks, t.Name)
	}
	for _, c := range parsed.Crons {
		if r.job == "cron."+c.Name {
			return write(jobspec.CronJob(in, c)), nil
		}
		crons = append(crons, c.Name)
	}
	there := "no task and no cron"
	if names := sideNames(tasks, crons); len(names) > 0 {
		there = strings.Join(names, ", ")
	}
	return nil, usagef("--job %q: app %q has %s; leave --job out for the job of its processes", r.job, parsed.App, there)
}

func (r *render) input(parsed paas.Spec) jobspec.Input {
	release := paas.Release{
		Team: paas.DefaultTeam, App: parsed.App, Number: renderRelease, Spec: parsed, SpecDigest: parsed.Digest(), Artifact: renderDigest,
	}
	if parsed.Build.Builder == paas.BuilderStatic {
		release.Runtime = renderDigest
	}
	counts := map[string]int{}
	for _, p := range parsed.Processes {
		counts[p.Name] = p.Instances
	}
	return jobspec.Input{
		Release: release, Slot: paas.Blue, Counts: counts, Driver: r.driver,
		ArtifactURL: func(digest string) string { return client.DefaultAddr + "/v1/artifacts/sha256/" + digest },
		BaseURL:     func(r paas.Route) string { return fmt.Sprintf(renderRouter, r.Host) + r.Path },
	}
}

// sideNames are what --job takes.
func sideNames(tasks, crons []string) []string {
	var names []string
	for _, t := range tasks {
		names = append(names, "task."+t)
	}
	for _, c := range crons {
		names = append(names, "cron."+c)
	}
	slices.Sort(names)
	return names
}
