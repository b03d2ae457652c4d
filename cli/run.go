package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// exitInterrupted is what a shell gives a program that Ctrl-C ended.
const exitInterrupted = 130

// stopWithin is how long Ctrl-C may take to stop a run.
const stopWithin = 10 * time.Second

func newRunCmd(s *session) *cobra.Command {
	r := &runner{s: s}
	var list bool
	var stop string
	cmd := &cobra.Command{
		Use:   "run [TASK | APP] [-- COMMAND or ARG...]",
		Short: "Run a task, cron or command of an app once, now",
		Long: `Runs a task or cron of the release that serves, once and now, beside the app's instances: with its
artifact and its environment. What stands after -- is appended to its command, as it is.

Where no task is named, what stands after -- is a command: it runs once with the artifact, environment and
resources of a process (web or the only one, unless --process names another), but without its ports, and for
a day at most. A command's arguments are part of its job in Nomad: they are no place for secrets. To look
into an instance that runs, see crumpet exec.

It shows what the program writes, and ends with the program's own exit code; with 255 if it could not be
run. Ctrl-C stops the run. With --detach it only says which run it is.

With --list it shows the runs of tasks and crons, the newest first; --stop ends one of them.`,
		Example: `  crumpet run migrate
  crumpet run seed --app shop -- --users 100
  crumpet run report --detach
  crumpet run shop -- ./shop check --all
  crumpet run shop --process worker -- ./shop rebuild-index
  crumpet run --list
  crumpet run --stop 3fa2b1c0`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case stop != "":
				return s.runFailed(cmd, s.stopRun(cmd.Context(), args, stop))
			case list:
				return s.runFailed(cmd, s.listRuns(cmd.Context(), args, r.asJSON))
			}
			return s.runFailed(cmd, r.run(cmd.Context(), args, cmd.ArgsLenAtDash()))
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return s.runFailed(cmd, flagError(cmd, err)) })
	flags := cmd.Flags()
	flags.BoolVar(&r.detach, "detach", false, "don't wait for its end")
	flags.StringVar(&r.process, "process", "", "process whose environment and resources a command has")
	flags.BoolVar(&list, "list", false, "show the runs there are instead")
	flags.StringVar(&stop, "stop", "", "stop this run instead")
	exclusive(cmd, "list", "stop", "detach")
	flags.BoolVar(&r.asJSON, "json", false, "print the run as JSON at its end; what it writes goes to stderr")
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return append(s.taskNames(cmd.Context()), s.appNames(cmd.Context())...), cobra.ShellCompDirectiveNoFileComp
	}
	must(cmd.RegisterFlagCompletionFunc("process", func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return s.processNames(cmd.Context(), args), cobra.ShellCompDirectiveNoFileComp
	}))
	must(cmd.RegisterFlagCompletionFunc("stop", func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return s.runIDs(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}))
	return withApp(s, cmd)
}

// runFailed shows a failure of ours, and gives it an exit code that programs seldom have.
func (s *session) runFailed(cmd *cobra.Command, err error) error {
	var code *codeError
	var said *saidError
	var usage *usageError
	switch {
	case err == nil, errors.As(err, &code):
		return err
	case errors.As(err, &said):
	case errors.As(err, &usage):
		s.say("Error: %s", usage.Error())
		s.say("Run `%s --help` for its usage.", cmd.CommandPath())
	default:
		s.fail(err)
	}
	return &codeError{err, exitUncertain}
}

// runner is one run of the command.
type runner struct {
	s              *session
	detach, asJSON bool
	process        string

	c   *client.Client
	app string
	now wire.Run // as last seen
}

// run makes a run and sees it through. dash is how many arguments stand before --, -1 without one.
func (r *runner) run(ctx context.Context, args []string, dash int) error {
	switch {
	case len(args) == 0:
		return usagef("no task is named: write `crumpet run TASK`, or `crumpet run APP -- COMMAND`; `crumpet run --list` shows what ran")
	case len(args) > 1 && dash != 0 && dash != 1:
		return usagef("%q is too much: what is for the task stands after --", args[1])
	}
	var err error
	if r.c, err = r.s.client(); err != nil {
		return err
	}
	ask, err := r.ask(ctx, args, dash)
	if err != nil {
		return err
	}
	after, err := r.c.LastEvent(ctx)
	if err != nil {
		return err
	}
	if r.now, err = r.c.CreateRun(ctx, r.app, ask); err != nil {
		return err
	}
	if r.detach {
		if r.asJSON {
			return r.s.printJSON(r.now)
		}
		r.s.print("Run %s of %s has begun. See it with `crumpet run --list --app %s`, and what it writes with `crumpet logs %s --process %s`.",
			r.now.ID, r.now.Task, r.app, r.app, r.now.Task)
		return nil
	}
	if err := r.follow(ctx, &after); err != nil {
		if ctx.Err() != nil {
			return r.interrupted(ctx)
		}
		r.s.say("%s Run %s goes on without this command. See it with `crumpet run --list`, end it with `crumpet run --stop %s`.", sentenceOf(err), r.now.ID, r.now.ID)
		return &saidError{err}
	}
	return r.ended()
}

// ask tells a task from a command, and finds the app. A name before -- is a task's if the app has such a task, else it
// is an app's.
func (r *runner) ask(ctx context.Context, args []string, dash int) (wire.CreateRun, error) {
	command := dash == 0 || (dash == 1 && len(args) > 1 && r.process != "")
	var err error
	if dash == 1 && len(args) > 1 && !command {
		if r.app, err = r.s.appName(nil); err != nil {
			command = true // no app is named but this one
		} else if _, err := r.c.App(ctx, r.app); err == nil {
			status, err := r.c.Status(ctx, r.app)
			if err != nil {
				return wire.CreateRun{}, err
			}
			release, err := r.c.Release(ctx, r.app, status.Release)
			if err != nil {
				return wire.CreateRun{}, err
			}
			_, process := release.Spec.Process(args[0])
			_, task := release.Spec.Once(args[0])
			command = process || !task
		}
	}
	if !command {
		if r.process != "" {
			return wire.CreateRun{}, usagef("--process is for a command: write `crumpet run APP --process %s -- COMMAND`", r.process)
		}
		r.app, err = r.s.appName(nil)
		return wire.CreateRun{Task: args[0], Args: args[1:]}, err
	}
	r.app, err = r.s.appName(args[:dash])
	if err != nil {
		return wire.CreateRun{}, err
	}
	if err := paas.ValidCommand(args[dash:]); err != nil {
		return wire.CreateRun{}, usagef("%s", paas.MessageOf(err))
	}
	return wire.CreateRun{Command: args[dash:], Process: r.process}, nil
}

// follow shows what the run writes until it has ended.
func (r *runner) follow(ctx context.Context, after *int64) error {
	look := func(until func() bool) error {
		return await(ctx, r.c, r.app, after,
			func(e paas.Event) bool { return e.Kind == paas.EventRunState && r.hear(e) },
			func() (bool, error) {
				next, err := r.c.Run(ctx, r.app, r.now.ID)
				if err != nil {
					return false, err
				}
				if next.Instance == "" && next.Reason != "" && next.Reason != r.now.Reason && !next.Status.Ended() {
					r.s.say("It waits: %s", ended(next.Reason))
				}
				r.now = next
				return until(), nil
			})
	}
	begun := func() bool { return r.now.Status.Ended() || (r.now.Instance != "" && r.now.StartedAt != nil) }
	if err := look(begun); err != nil {
		return err
	}
	if r.now.Instance != "" {
		for line, err := range r.c.Logs(ctx, r.app, client.LogQuery{Instance: r.now.Instance, Sources: onlyApp, Lines: maxLines, Follow: true}) {
			if err != nil && paas.CodeOf(err) != paas.NotFound {
				return err
			}
			if err == nil {
				fmt.Fprintln(r.stream(line), line.Text)
			}
		}
	}
	if r.now.Status.Ended() {
		return nil
	}
	return look(func() bool { return r.now.Status.Ended() })
}

// hear says whether an event is of this run; one that is started again says so.
func (r *runner) hear(e paas.Event) bool {
	return e.Process == r.now.Task && (e.Instance == "" || r.now.Instance == "" || e.Instance == r.now.Instance)
}

func (r *runner) stream(line paas.LogLine) io.Writer {
	if r.asJSON || line.Stream == "stderr" {
		return r.s.errOut
	}
	return r.s.out
}

// ended passes the program's exit code on.
func (r *runner) ended() error {
	if r.asJSON {
		if err := r.s.printJSON(r.now); err != nil {
			return err
		}
	}
	switch {
	case r.now.Status == paas.RunComplete:
		return nil
	case r.now.ExitCode > 0:
		r.s.say("%s", ended(r.now.Reason))
		return &codeError{errors.New(r.now.Reason), r.now.ExitCode}
	}
	r.s.say("Error: run %s of %s %s: %s", r.now.ID, r.now.Task, stateVerb(r.now.Status), ended(r.now.Reason))
	return &saidError{errors.New(r.now.Reason)}
}

func stateVerb(state paas.RunState) string {
	if state == paas.RunKilled {
		return "was stopped"
	}
	return "failed"
}

// interrupted stops the run, as Ctrl-C would have stopped the program itself.
func (r *runner) interrupted(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if _, err := r.c.StopRun(ctx, r.app, r.now.ID); err != nil {
		r.s.say("Run %s could not be stopped: %s", r.now.ID, sentenceOf(err))
	} else {
		r.s.say("Run %s is being stopped.", r.now.ID)
	}
	return &codeError{errors.New("interrupted"), exitInterrupted}
}

// stopRun stops a run that somebody else, or --detach, has left.
func (s *session) stopRun(ctx context.Context, args []string, id string) error {
	if len(args) > 0 {
		return usagef("--stop takes a run, and no task")
	}
	c, app, err := s.about(nil)
	if err != nil {
		return err
	}
	run, err := c.StopRun(ctx, app, id)
	if err != nil {
		return err
	}
	if run.Status == paas.RunComplete || run.Status == paas.RunFailed {
		s.print("Run %s of %s has ended already.", run.ID, run.Task)
		return nil
	}
	s.print("Run %s of %s is being stopped.", run.ID, run.Task)
	return nil
}

// runIDs completes the runs of an app that can be stopped.
func (s *session) runIDs(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	c, app, err := s.about(nil)
	if err != nil {
		return nil
	}
	list, err := c.Runs(ctx, app)
	if err != nil {
		return nil
	}
	var ids []string
	for _, r := range list.Items {
		if !r.Status.Ended() {
			ids = append(ids, r.ID+"\t"+r.Task+", asked for "+ago(r.CreatedAt))
		}
	}
	return ids
}

// listRuns shows the runs of an app, or of one of its tasks.
func (s *session) listRuns(ctx context.Context, args []string, asJSON bool) error {
	if len(args) > 1 {
		return usagef("--list takes one task at most")
	}
	c, app, err := s.about(nil)
	if err != nil {
		return err
	}
	list, err := c.Runs(ctx, app)
	if err != nil {
		return err
	}
	shown := wire.Runs{Items: []wire.Run{}}
	for _, r := range list.Items {
		if len(args) == 0 || r.Task == args[0] {
			shown.Items = append(shown.Items, r)
		}
	}
	if asJSON {
		return s.printJSON(shown)
	}
	if len(shown.Items) == 0 {
		s.print("Nothing has run. `crumpet run TASK` runs a task.")
		return nil
	}
	var rows [][]string
	for _, r := range shown.Items {
		rows = append(rows, []string{short(r.ID), r.Task, string(r.Kind), number(r.Release), s.tone(string(r.Status)), exitText(r), ago(r.CreatedAt), tookText(r), r.Reason})
	}
	s.table(s.out, []string{"RUN", "TASK", "KIND", "RELEASE", "STATUS", "EXIT", "ASKED", "TOOK", ""}, rows)
	return nil
}

func exitText(r wire.Run) string {
	if r.EndedAt == nil || r.Attempts == 0 {
		return "-"
	}
	return fmt.Sprint(r.ExitCode)
}

func tookText(r wire.Run) string {
	if r.StartedAt == nil || r.EndedAt == nil {
		return "-"
	}
	return seconds(max(0, r.EndedAt.Sub(*r.StartedAt)))
}
