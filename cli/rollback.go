package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/wire"
)

func newRollbackCmd(s *session) *cobra.Command {
	r := &rollback{push: push{candidate: candidate{s: s}}}
	var planOnly bool
	cmd := &cobra.Command{
		Use:   "rollback [APP] [N]",
		Short: "Restore an earlier release as a new one",
		Long: `Makes a new release with the spec, the artifact and the configuration of release N, and walks the app to
it as a push does: nothing is built. It rolls even where the spec asks for canary or blue-green, as what
served before needs no trial. What was scaled since stays, unless the two specs ask for different numbers.

Without N it is the last release before the one that serves that was healthy and is another; where a
rollback serves, before what that one restored, so that a second rollback goes further back.

--plan shows what it would do and does nothing; its exit code is as that of "crumpet plan".`,
		Example: `  crumpet rollback
  crumpet rollback shop 11 --note "12 is slow"
  crumpet rollback shop --plan`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			named, numbers, err := appAndNumbers(args, 1)
			if err != nil {
				return err
			}
			if r.spec.App, err = s.appName(named); err != nil {
				return err
			}
			r.request = wire.Rollback{Note: r.note, Supersede: r.supersede, Wait: r.wait}
			if len(numbers) > 0 {
				r.request.Release = numbers[0]
			}
			if planOnly {
				changes, err := r.showPlan(cmd.Context())
				return s.compared(changes, err)
			}
			return r.run(cmd.Context(), r.restore)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&planOnly, "plan", false, "show what it would do, and do nothing")
	flags.StringVar(&r.note, "note", "", "what is to be remembered of the new release")
	flags.BoolVar(&r.supersede, "supersede", false, "end a deployment that is under way")
	flags.BoolVar(&r.wait, "wait", false, "queue behind a deployment that is under way")
	flags.BoolVar(&r.asJSON, "json", false, "print one JSON object at the end")
	exclusive(cmd, "wait", "supersede")
	cmd.ValidArgsFunction = s.completeRestorable()
	return withApp(s, cmd)
}

// rollback is one run of the command: a push of what was released before.
type rollback struct {
	push
	request wire.Rollback
}

// restore makes the release and follows its deployment.
func (r *rollback) restore(ctx context.Context) (err error) {
	r.result.App = r.spec.App
	if r.c, err = r.s.client(); err != nil {
		return err
	}
	if r.after, err = r.c.LastEvent(ctx); err != nil {
		return err
	}
	began := time.Now()
	r.p.begin("Releasing")
	answer, err := r.c.Rollback(ctx, r.spec.App, r.request)
	if err != nil {
		return err
	}
	took := time.Since(began)
	r.result.Timings.Release = took.Milliseconds()
	r.result.Release, r.result.URLs = answer.Release.Number, answer.URLs
	if answer.Changed {
		r.p.end("Released", fmt.Sprintf("release %d, restoring release %d", answer.Release.Number, answer.Release.RollbackTo), took)
	}
	return r.walk(ctx, answer)
}

func (r *rollback) showPlan(ctx context.Context) (changes bool, err error) {
	c, err := r.s.client()
	if err != nil {
		return false, err
	}
	made, err := c.PlanRollback(ctx, r.spec.App, r.request)
	if err != nil {
		return false, err
	}
	if r.asJSON {
		return !made.Nothing, r.s.printJSON(made)
	}
	r.s.showPlan(made)
	return !made.Nothing, nil
}
