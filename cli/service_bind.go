package cli

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// walkWithin is how long after a binding is ready, or has ended, the walk that brings it is waited for.
const walkWithin = 10 * time.Second

// withBoundApp gives a command about an instance and an app its flag --app, and completion of both.
func withBoundApp(s *session, cmd *cobra.Command) *cobra.Command {
	cmd.ValidArgsFunction = completing(s.serviceNames)
	return withApp(s, cmd)
}

func newBindCmd(s *session) *cobra.Command {
	var r wire.BindService
	var as string
	var parameters parameterFlags
	var detach, asJSON bool
	cmd := &cobra.Command{
		Use:   "bind NAME",
		Short: "Give an app credentials of a service instance",
		Long: `Gives an app credentials that are made for it alone, and walks it so that its programs have them: as
a variable with the URL (and as files), or with --as files as files only, below SERVICE_BINDING_ROOT. With
--stage the app's next deployment brings them.

An app that is to have a service wherever it is pushed names it in its crumpet.hcl instead.`,
		Example: `  crumpet services bind shop-db --app shop
  crumpet services bind shop-db --app shop --name db --env DATABASE_URL
  crumpet services bind shop-db --app shop --as files --signal SIGHUP
  crumpet services bind mail --app shop --vcap --stage`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch r.As = paas.BindAs(as); {
			case r.As != paas.AsEnv && r.As != paas.AsFiles:
				return usagef("--as takes env or files, not %q", as)
			case r.As == paas.AsFiles && (r.Env != "" || r.VCAP):
				return usagef("--as files sets no variables: leave --env and --vcap out")
			case r.As == paas.AsEnv && r.Signal != "":
				return usagef("--signal is for --as files: variables are read once, and a walk brings new ones")
			}
			if r.Name != "" {
				if problem := paas.CheckName("binding", r.Name, paas.MaxProcess); problem != "" {
					return usagef("%s", problem)
				}
			}
			var err error
			if r.Parameters, err = s.parameters(parameters.text, parameters.file); err != nil {
				return err
			}
			return s.bind(cmd.Context(), args[0], r, detach, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.Name, "name", "", "of the binding; made of the instance's unless said")
	flags.StringVar(&as, "as", string(paas.AsEnv), "env for variables (and files), or files")
	flags.StringVar(&r.Env, "env", "", "the variable with the URL; DATABASE_URL or NAME_URL unless said")
	flags.BoolVar(&r.VCAP, "vcap", false, "also in VCAP_SERVICES, as apps from Cloud Foundry read it")
	flags.StringVar(&r.Signal, "signal", "", "sent to the programs when the files change, such as SIGHUP")
	flags.BoolVar(&r.Stage, "stage", false, "leave it to the app's next deployment to bring it")
	parameters.declare(cmd)
	detachFlag(cmd, &detach)
	jsonFlag(cmd, &asJSON)
	completeFlag(cmd, "as", words("env", "files"))
	completeFlag(cmd, "signal", words("SIGHUP", "SIGUSR1", "SIGUSR2"))
	return withBoundApp(s, cmd)
}

func (s *session) bind(ctx context.Context, name string, r wire.BindService, detach, asJSON bool) error {
	c, app, err := s.about(nil)
	if err != nil {
		return err
	}
	r.App = app
	if _, err := s.serviceNamed(ctx, c, name); err != nil {
		return err
	}
	walk, err := s.walkAfter(ctx, c, app)
	if err != nil {
		return err
	}
	binding, err := c.BindService(ctx, name, r)
	if err != nil {
		return err
	}
	if detach {
		if asJSON {
			return s.printJSON(binding)
		}
		s.print("%s is being bound to %s as %s. `crumpet services show %s` shows how far it is.", app, name, binding.Name, name)
		return nil
	}
	p := newProgress(s, asJSON)
	defer p.close()
	p.begin("Binding")
	list, err := s.settleBindings(ctx, c, walk.after, p, name, []string{binding.ID}, madeReady)
	p.close()
	switch {
	case err != nil:
		return s.leftService(ctx, err, name)
	case len(list) == 0:
		s.say("The binding was ended before it was ready.")
		return &saidError{errors.New("ended")}
	case list[0].State == paas.BindingFailed:
		s.say("%s could not be bound to %s.", app, name)
		s.say("  %s", ended(upperFirst(list[0].Reason)))
		s.say("`crumpet services unbind %s --app %s` takes the wish back.", name, app)
		return &saidError{errors.New("not bound")}
	case asJSON:
		return s.printJSON(list[0])
	}
	s.print("%s has credentials of %s, as %s.", app, name, asText(list[0]))
	if r.Stage {
		s.print("Its next deployment brings them; `crumpet restart %s` is one.", app)
		return nil
	}
	carried := func(ctx context.Context) (bool, error) {
		list, err := c.ServiceBindings(ctx, name)
		return err == nil && slices.ContainsFunc(list.Items, func(b paas.Binding) bool { return b.ID == binding.ID && b.Carried >= max(b.Generation, 1) }), err
	}
	return walk.follow(ctx, s, carried, "Its next deployment brings the credentials.")
}

// walkNext is the walk of an app that something else brings about.
type walkNext struct {
	c      *client.Client
	app    string
	after  int64  // the last event before that
	newest string // the app's newest deployment before that
}

func (s *session) walkAfter(ctx context.Context, c *client.Client, app string) (walkNext, error) {
	after, err := c.LastEvent(ctx)
	if err != nil {
		return walkNext{}, err
	}
	list, err := c.Deployments(ctx, app)
	w := walkNext{c: c, app: app, after: after}
	if len(list.Items) > 0 {
		w.newest = list.Items[0].ID
	}
	return w, err
}

// follow shows the walk to its end. An app that does not run has none, and one for which begun says so
// without a walk to be seen: otherwise is said of it.
func (w walkNext) follow(ctx context.Context, s *session, begun func(context.Context) (bool, error), otherwise string) error {
	var walk *paas.Deployment
	within, cancel := context.WithTimeout(ctx, walkWithin)
	defer cancel()
	err := poll(within, func() (bool, error) {
		over, err := begun(within) // before the deployments: a walk that was begun is among them
		if err != nil {
			return false, err
		}
		list, err := w.c.Deployments(within, w.app)
		if err == nil && len(list.Items) > 0 && list.Items[0].ID != w.newest {
			walk = &list.Items[0]
			return true, nil
		}
		if err != nil {
			return false, err
		}
		status, err := w.c.App(within, w.app)
		return err == nil && (over || status.Release == 0 || status.Status == wire.AppStopped), err
	})
	switch {
	case walk != nil:
	case err == nil || ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded):
		s.print("%s", otherwise)
		return nil
	default:
		return err
	}
	return s.followTo(ctx, w.c, *walk, w.after)
}

// followTo shows a deployment to its end.
func (s *session) followTo(ctx context.Context, c *client.Client, d paas.Deployment, after int64) error {
	p := newProgress(s, false)
	defer p.close()
	f := &follower{s: s, c: c, p: p, deployment: d}
	if err := f.run(ctx, after); err != nil {
		p.close()
		return s.left(ctx, err, f.deployment)
	}
	switch d := f.deployment; {
	case d.State == paas.DeploymentHealthy:
		p.done("%s is done: release %d serves.", upperFirst(d.Cause), d.Release)
	case serves(d):
		p.done("%s", warmText(d))
	case waitsOnPurpose(d):
		p.done("%s", s.heldText(d))
	default:
		p.close()
		return f.explain(ctx)
	}
	return nil
}

func newUnbindCmd(s *session) *cobra.Command {
	var name string
	var detach bool
	cmd := &cobra.Command{
		Use:   "unbind NAME",
		Short: "End an app's credentials of a service instance",
		Long: `Ends the credentials at once: within seconds nobody is let in with them, programs that still run with
them included. Then the app walks, so that its programs no longer have them. The instance and what is in
it stay. A binding that the app's crumpet.hcl names comes back with the next release.`,
		Example: `  crumpet services unbind shop-db --app shop
  crumpet services unbind shop-db --app shop --name replica`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.unbind(cmd.Context(), args[0], name, detach)
		},
	}
	cmd.Flags().StringVar(&name, "name", "", "the binding; all that the app has of the instance unless said")
	detachFlag(cmd, &detach)
	must(cmd.RegisterFlagCompletionFunc("name", func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return s.bindingNames(cmd.Context(), args[0], false), cobra.ShellCompDirectiveNoFileComp
	}))
	return withBoundApp(s, cmd)
}

func (s *session) unbind(ctx context.Context, instance, name string, detach bool) error {
	c, app, err := s.about(nil)
	if err != nil {
		return err
	}
	if _, err := s.serviceNamed(ctx, c, instance); err != nil {
		return err
	}
	walk, err := s.walkAfter(ctx, c, app)
	if err != nil && paas.CodeOf(err) != paas.NotFound {
		return err
	}
	ended, err := c.UnbindService(ctx, instance, app, name)
	switch {
	case err != nil:
		return err
	case ended.Already && name != "":
		s.print("%s has no binding %s of %s: there is nothing to end.", app, name, instance)
		return nil
	case ended.Already:
		s.print("%s is not bound to %s: there is nothing to end.", app, instance)
		return nil
	case detach:
		s.print("The credentials that %s has of %s end now. `crumpet services show %s` shows how far it is.", app, instance, instance)
		return nil
	}
	var ids []string
	for _, b := range ended.Bindings {
		ids = append(ids, b.ID)
	}
	p := newProgress(s, false)
	defer p.close()
	p.begin("Unbinding")
	_, err = s.settleBindings(ctx, c, walk.after, p, instance, ids, func(_ wire.Service, b paas.Binding) bool { return b.State == paas.BindingEnded })
	p.close()
	if err != nil {
		return s.leftService(ctx, err, instance)
	}
	s.print("%s has no credentials of %s any more. What is in %s stays.", app, instance, instance)
	if slices.ContainsFunc(ended.Bindings, func(b paas.Binding) bool { return b.Declared }) {
		s.print("Its crumpet.hcl names the service: the next release binds it anew.")
	}
	never := func(context.Context) (bool, error) { return false, nil }
	return walk.follow(ctx, s, never, "Programs that still have them are let in no more.")
}

func newRotateCmd(s *session) *cobra.Command {
	var r wire.RotateService
	var detach, asJSON bool
	cmd := &cobra.Command{
		Use:   "rotate NAME",
		Short: "Replace credentials without a gap",
		Long: `Makes new credentials for the apps bound to an instance, for one app with --app. The old ones stay valid
until every instance of the app has the new ones, then they end. An app that takes variables walks between
its slots; one that takes files gets new files, and a signal if its binding says so, without a restart.`,
		Example: `  crumpet services rotate shop-db
  crumpet services rotate shop-db --app shop --binding db
  crumpet services rotate shop-db --detach`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.App = s.app
			return s.rotate(cmd.Context(), args[0], r, detach, asJSON)
		},
	}
	cmd.Flags().StringVar(&r.Binding, "binding", "", "this binding only")
	detachFlag(cmd, &detach)
	jsonFlag(cmd, &asJSON)
	withBoundApp(s, cmd)
	cmd.Flags().Lookup("app").Usage = "the app; else all that are bound"
	must(cmd.RegisterFlagCompletionFunc("binding", func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) == 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return s.bindingNames(cmd.Context(), args[0], false), cobra.ShellCompDirectiveNoFileComp
	}))
	return cmd
}

func (s *session) rotate(ctx context.Context, name string, r wire.RotateService, detach, asJSON bool) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	if _, err := s.serviceNamed(ctx, c, name); err != nil {
		return err
	}
	after, err := c.LastEvent(ctx)
	if err != nil {
		return err
	}
	begun, err := c.RotateService(ctx, name, r)
	if err != nil {
		return err
	}
	if detach {
		if asJSON {
			return s.printJSON(begun)
		}
		s.print("New credentials are on their way. `crumpet services show %s` shows who has them.", name)
		return nil
	}
	before := map[string]int{}
	var ids []string
	for _, b := range begun.Items {
		before[b.ID] = b.Generation
		ids = append(ids, b.ID)
	}
	p := newProgress(s, asJSON)
	defer p.close()
	p.begin("Rotating")
	began := time.Now()
	list, err := s.settleBindings(ctx, c, after, p, name, ids, func(service wire.Service, b paas.Binding) bool {
		if b.Generation > before[b.ID] {
			return len(b.Retiring) == 0
		}
		return !busyWith(service, b) // it came to nothing
	})
	p.close()
	if err != nil {
		return s.leftService(ctx, err, name)
	}
	if asJSON {
		if err := s.printJSON(wire.ServiceBindings{Items: list}); err != nil {
			return err
		}
	}
	return s.sayRotated(list, before, asJSON, time.Since(began))
}

// sayRotated tells what came of a rotation; it fails if one of the bindings has no new credentials.
func (s *session) sayRotated(list []paas.Binding, before map[string]int, quiet bool, took time.Duration) error {
	failed := false
	for _, b := range list {
		switch {
		case b.Generation == before[b.ID]:
			failed = true
			s.say("%s has no new credentials: the old ones stay.", holderOf(b))
			if b.Reason != "" {
				s.say("  %s", ended(upperFirst(b.Reason)))
			}
		case !quiet:
			s.print("%s has generation %d of its credentials; the one before has ended.", holderOf(b), b.Generation)
		}
	}
	if failed {
		return &saidError{errors.New("not rotated")}
	}
	if !quiet {
		s.print("Rotated in %s.", seconds(took))
	}
	return nil
}
