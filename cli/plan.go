package cli

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Exit codes of commands that compare, as Nomad's and Terraform's plans have them.
const (
	exitSame      = 0
	exitDiffers   = 1
	exitUncertain = 255 // they could not be compared
)

func newPlanCmd(s *session) *cobra.Command {
	plan := &plan{candidate: candidate{s: s}}
	cmd := &cobra.Command{
		Use:   "plan [DIR]",
		Short: "Show what a push would do, before anything is touched",
		Long: `Packs, sends and builds the source in DIR (the current folder unless said) as push does, and then
says what a push would do: which instances stay, change in place or are replaced in the other slot,
and the key that forces it; whether there is room now; the routes and the capacity before and after.
Nothing that runs is touched.

--out saves the plan. "crumpet push --plan FILE" does exactly what it says, or refuses if anything it
was made from has moved. The file holds the spec and the values of its variables.

--json prints one object. Its keys: app, team, release, from_release, nothing, waits, walk, from_slot,
to_slot, strategy, why, changes (key, old, new, forces), processes (name, before, after, stay, in_place,
replaced, created, destroyed), steps, placement (checked, possible, blockers), routes (before, after,
steps), capacity (before, peak, after), quota (what, unit, limit, before, after), tasks, crons, nomad,
warnings, deployment, base.

Exit code 0: nothing to do. 1: a push would change something. 255: it could not be found out.`,
		Example: `  crumpet plan
  crumpet plan --env staging --out staging.plan && crumpet push --plan staging.plan
  crumpet plan --no-build --json | jq -r .why`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			plan.in(args)
			changes, err := plan.run(cmd.Context())
			return s.compared(changes, err)
		},
	}
	plan.flags = s.specFlags(cmd)
	flags := cmd.Flags()
	flags.StringVar(&plan.out, "out", "", "file to save the plan in, for push --plan")
	flags.BoolVar(&plan.asJSON, "json", false, "print one JSON object")
	flags.BoolVar(&plan.noBuild, "no-build", false, "build nothing: plan with the artifact of the release that serves")
	flags.StringVar(&plan.from, "from", "", "release whose artifact to plan with, APP or APP@N, as deploy has it")
	flags.BoolVar(&plan.force, "force", false, "plan a push with --force")
	flags.BoolVar(&plan.supersede, "supersede", false, "plan a push with --supersede")
	exclusive(cmd, "no-build", "from")
	must(cmd.RegisterFlagCompletionFunc("from", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return s.appNames(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}))
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return withApp(s, cmd)
}

// compared gives a comparison its exit code, and shows the failure of one that could not be made.
func (s *session) compared(differs bool, err error) error {
	switch {
	case err != nil:
		if _, said := errors.AsType[*saidError](err); !said {
			s.fail(err)
		}
		return &codeError{err, exitUncertain}
	case differs:
		return &codeError{errors.New("there are changes"), exitDiffers}
	}
	return nil
}

// plan is one run of the command.
type plan struct {
	candidate
	out              string // file to save it in; "" for none
	asJSON           bool
	noBuild          bool
	force, supersede bool
}

// run plans, shows the plan and saves it. changes is true if there is something to do.
func (u *plan) run(ctx context.Context) (changes bool, err error) {
	u.p = newProgress(u.s, u.asJSON)
	defer u.p.close()
	if u.noBuild {
		if err := u.read(); err != nil { // for the app's name
			return false, err
		}
		u.from = u.spec.App
	}
	if err := u.ready(ctx); err != nil {
		return false, err
	}
	u.p.begin("Planning")
	request := wire.CreateRelease{Source: u.source, Artifact: u.artifact, Runtime: u.runtime, Force: u.force, Supersede: u.supersede, Commit: u.commit, Dirty: u.dirty}
	made, err := u.c.Plan(ctx, u.spec.App, request)
	if err != nil {
		return false, err
	}
	u.p.close()
	if u.out != "" {
		request.Base = &made.Base
		if err := savePlan(u.out, planFile{Server: u.c.Addr(), Request: request, Plan: made}); err != nil {
			return false, err
		}
	}
	if u.asJSON {
		return !made.Nothing, u.s.printJSON(made)
	}
	u.s.print("")
	u.s.showPlan(made)
	if u.out != "" {
		u.s.print("")
		u.s.print("Saved in %s: `crumpet push --plan %s` does exactly this.", u.out, u.out)
	}
	return !made.Nothing, nil
}

// onlyPlan refuses what would say more than the plan does: all that a push does stands in it.
func onlyPlan(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("--plan holds the app's source already: leave %s out", args[0])
	}
	for _, name := range []string{"env", "var", "var-file", "force", "supersede", "wait"} {
		if cmd.Flags().Changed(name) {
			return usagef("--plan holds all that is to be done: leave --%s out, or plan again with it", name)
		}
	}
	return nil
}

// prepare gets what a push releases: from a plan that was saved, or from the folder.
func (u *push) prepare(ctx context.Context) error {
	if u.plan == "" {
		return u.ready(ctx)
	}
	file, err := readPlan(u.plan)
	if err != nil {
		return err
	}
	if u.c, err = u.s.client(); err != nil {
		return err
	}
	if problem := file.refuse(u.c.Addr(), u.s); problem != "" {
		return paas.Errorf(paas.Conflict, "%s", problem)
	}
	if u.after, err = u.c.LastEvent(ctx); err != nil {
		return err
	}
	r := file.Request
	u.source, u.artifact, u.runtime, u.base = r.Source, r.Artifact, r.Runtime, r.Base
	u.commit, u.dirty = r.Commit, r.Dirty
	u.force, u.supersede, u.spec.App = r.Force, r.Supersede, file.Plan.App
	return nil
}
