package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newPushCmd(s *session) *cobra.Command {
	push := &push{candidate: candidate{s: s}}
	cmd := &cobra.Command{
		Use:   "push [DIR]",
		Short: "Build an app from source and roll it out",
		Long: `Packs the source in DIR (the current folder unless said), sends what the server lacks, builds it
there, and walks the app to the new release: new instances serve before old ones go. It ends when every
instance is healthy and every route answers, or when the release before serves again.

What .gitignore and .crumpetignore name is left out.`,
		Example: `  crumpet push
  crumpet push ./api --team shop
  crumpet push --env staging --var size=small
  crumpet push --note "faster search"
  crumpet push --json | jq -r '.urls[]'`,
		Args: cobra.MaximumNArgs(1),
		RunE: push.runE,
	}
	push.flagsOn(cmd)
	cmd.Flags().StringVar(&push.plan, "plan", "", "file of a plan to apply: exactly it, or nothing")
	must(cmd.MarkFlagFilename("plan"))
	return withApp(s, cmd)
}

// flagsOn adds the flags of every command that releases a spec.
func (u *push) flagsOn(cmd *cobra.Command) {
	u.flags = u.s.specFlags(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&u.force, "force", false, "walk even if nothing changed")
	flags.BoolVar(&u.supersede, "supersede", false, "end a deployment that is under way")
	flags.BoolVar(&u.wait, "wait", false, "queue behind a deployment that is under way")
	flags.StringVar(&u.note, "note", "", "what is to be remembered of the release")
	flags.BoolVar(&u.asJSON, "json", false, "print one JSON object at the end")
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
}

func (u *push) runE(cmd *cobra.Command, args []string) error {
	if u.wait && u.supersede {
		return usagef("--wait and --supersede say opposite things: leave one out")
	}
	if u.plan != "" {
		if err := onlyPlan(cmd, args); err != nil {
			return err
		}
	}
	u.in(args)
	return u.run(cmd.Context(), u.steps)
}

// push is one run of the command.
type push struct {
	candidate
	force, supersede, wait bool
	asJSON                 bool
	note                   string
	plan                   string         // file of a plan to apply; "" to push the folder
	base                   *paas.PlanBase // of that plan

	result pushed
}

// pushed is the JSON of push, also of one that failed.
type pushed struct {
	App        string               `json:"app"`
	Team       string               `json:"team"`
	Release    int                  `json:"release"`
	Deployment string               `json:"deployment"`
	Status     paas.DeploymentState `json:"status"`
	Reason     string               `json:"reason,omitempty"`
	URLs       []string             `json:"urls"`
	Timings    timings              `json:"timings"`
}

// timings are how long each part took, in milliseconds: the first four by this machine's clock, the
// others by the server's.
type timings struct {
	Pack     int64 `json:"pack"`
	Upload   int64 `json:"upload"`
	Build    int64 `json:"build"`
	Release  int64 `json:"release"`
	Plan     int64 `json:"plan"`
	Register int64 `json:"register"`
	Healthy  int64 `json:"healthy"`
	Routed   int64 `json:"routed"`
	Total    int64 `json:"total"`
}

// run takes the steps of a push, or of what follows a walk as it does.
func (u *push) run(ctx context.Context, steps func(context.Context) error) error {
	began := time.Now()
	u.p = newProgress(u.s, u.asJSON)
	defer u.p.close()
	u.result = pushed{Team: u.s.teamName(), App: u.s.app, Status: paas.DeploymentFailed, URLs: []string{}}
	err := steps(ctx)
	u.p.close()
	u.result.Timings.Total = time.Since(began).Milliseconds()

	var usage *usageError
	if !u.asJSON || errors.As(err, &usage) {
		return err
	}
	var said *saidError
	if err != nil && !errors.As(err, &said) {
		u.s.fail(err)
		err = &saidError{err}
	}
	if err != nil && u.result.Reason == "" {
		u.result.Reason = reasonFor(err)
	}
	return errors.Join(u.s.printJSON(u.result), err)
}

// reasonFor is the sentence of a failure; several faults are counted, and stand on stderr.
func reasonFor(err error) string {
	if said, ok := errors.AsType[*saidError](err); ok {
		err = said.error
	}
	if known, ok := errors.AsType[*paas.Error](err); ok {
		return ended(known.Message)
	}
	return ended(err.Error())
}

// steps are those of a push, each with its own failure.
func (u *push) steps(ctx context.Context) error {
	err := u.prepare(ctx)
	u.result.App = cmp.Or(u.spec.App, u.s.app)
	u.result.Timings.Pack, u.result.Timings.Upload, u.result.Timings.Build = u.took.pack.Milliseconds(), u.took.upload.Milliseconds(), u.took.build.Milliseconds()
	if err != nil {
		return err
	}
	answer, err := u.release(ctx)
	if err != nil {
		return err
	}
	return u.walk(ctx, answer)
}

func (u *push) release(ctx context.Context) (wire.Deployed, error) {
	began := time.Now()
	u.p.begin("Releasing")
	answer, err := u.c.CreateRelease(ctx, u.spec.App, wire.CreateRelease{
		Source: u.source, Artifact: u.artifact, Runtime: u.runtime,
		Force: u.force, Supersede: u.supersede, Wait: u.wait, Base: u.base,
		Commit: u.commit, Dirty: u.dirty, Note: u.note,
	})
	if err != nil {
		return answer, err
	}
	took := time.Since(began)
	u.result.Timings.Release = took.Milliseconds()
	u.result.Release, u.result.URLs = answer.Release.Number, answer.URLs
	if answer.Changed {
		u.p.end("Released", fmt.Sprintf("release %d", answer.Release.Number), took)
	}
	return answer, nil
}

// walk follows the deployment to its end.
func (u *push) walk(ctx context.Context, answer wire.Deployed) error {
	if answer.Deployment == nil {
		u.result.Status = paas.DeploymentHealthy
		u.p.done("nothing changed: release %d is serving", answer.Release.Number)
		u.showURLs()
		return nil
	}
	f := &follower{s: u.s, c: u.c, p: u.p, deployment: *answer.Deployment}
	u.result.Deployment = f.deployment.ID
	err := f.run(ctx, u.after)
	d := f.deployment
	u.result.Status, u.result.Reason = d.State, d.Reason
	u.time(d)
	u.p.close()
	switch {
	case err != nil:
		return u.s.left(ctx, err, d)
	case waitsOnPurpose(d) && !serves(d):
		u.p.done("%s", u.s.heldText(d))
		return nil
	case !serves(d):
		return f.explain(ctx)
	case d.State != paas.DeploymentHealthy:
		u.p.done("%s", warmText(d))
		u.showURLs()
		return nil
	}
	u.p.done("Release %d of %s is serving.", d.Release, d.App)
	u.showURLs()
	return nil
}

// time takes the parts of a deployment from the server's clock.
func (u *push) time(d paas.Deployment) {
	last := d.CreatedAt
	for _, part := range []struct {
		at *time.Time
		ms *int64
	}{
		{d.PlannedAt, &u.result.Timings.Plan},
		{d.RegisteredAt, &u.result.Timings.Register},
		{d.HealthyAt, &u.result.Timings.Healthy},
		{d.RoutedAt, &u.result.Timings.Routed},
	} {
		if part.at == nil {
			return
		}
		*part.ms = max(0, part.at.Sub(last).Milliseconds())
		last = *part.at
	}
}

func (u *push) showURLs() {
	for _, url := range slices.Compact(u.result.URLs) {
		u.p.print("  %s", url)
	}
}
