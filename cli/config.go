package cli

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newConfigCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Set what an app's programs find in their environment",
		Long: `Each key of an app's configuration is an environment variable of all its programs, or a file where the spec has
a secret block for it. The values, of plain keys and of secrets alike, are kept in Vault and nowhere else.

Each change makes a version, and walks the app to a release that has it, as a push does: new instances see it,
and serve before old ones go. A rollback restores the version that its release had. --stage makes the version
only; the next release has it. Before the first push all is staged.

Secrets are set with "crumpet secret set", as arguments stay in the shell's history.`,
		Example: `  crumpet config set LOG_LEVEL=debug GREETING="hello there"
  crumpet config unset LOG_LEVEL
  crumpet config import .env
  crumpet config list`,
	}
	add(cmd, "", newConfigSetCmd(s), newConfigUnsetCmd(s), newConfigListCmd(s), newConfigRevealCmd(s), newConfigImportCmd(s),
		newConfigVersionsCmd(s), newConfigDeployCmd(s))
	refuseOthers(cmd)
	return cmd
}

func newConfigSetCmd(s *session) *cobra.Command {
	r := &reconfigure{push: push{candidate: candidate{s: s}}}
	cmd := &cobra.Command{
		Use:   "set KEY=VALUE...",
		Short: "Set keys, and roll them out",
		Long: `Sets the keys together, in one version. What a key had before is replaced; to the same value nothing is done.
A key that was set as a secret is not set here: the value would stay in the shell's history.`,
		Example: `  crumpet config set LOG_LEVEL=debug
  crumpet config set WORKERS=4 GREETING="hello there" --app shop --note "more workers"
  crumpet config set NEXT=1 --stage`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			for i, arg := range args {
				name, value, found := strings.Cut(arg, "=")
				if !found || name == "" { // not quoted: it may be a value that a space cut off
					return usagef("argument %d is not KEY=VALUE; write quotes around a value that has spaces", i+1)
				}
				if err := r.set(name, value, paas.ConfigPlain); err != nil {
					return err
				}
			}
			return r.run(cmd.Context())
		},
	}
	r.flagsOn(cmd)
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, part string) ([]string, cobra.ShellCompDirective) {
		const directive = cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
		if strings.Contains(part, "=") {
			return nil, directive
		}
		var list []string
		for _, k := range s.configKeys(cmd.Context()) {
			if !k.Secret {
				list = append(list, k.Name+"=")
			}
		}
		return list, directive
	}
	return withApp(s, cmd)
}

func newConfigUnsetCmd(s *session) *cobra.Command {
	r := &reconfigure{push: push{candidate: candidate{s: s}}}
	cmd := &cobra.Command{
		Use:   "unset KEY...",
		Short: "Take keys away, and roll that out",
		Long: `Takes keys away, secrets too, together in one version. The value stays in the versions before it, for
rollbacks, until so many versions were made that Vault lets it go.`,
		Example: `  crumpet config unset LOG_LEVEL
  crumpet config unset API_KEY API_URL --app shop`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.request.Unset = args
			return r.run(cmd.Context())
		},
	}
	r.flagsOn(cmd)
	cmd.ValidArgsFunction = s.completeKeys
	return withApp(s, cmd)
}

func newConfigDeployCmd(s *session) *cobra.Command {
	r := &reconfigure{push: push{candidate: candidate{s: s}}}
	cmd := &cobra.Command{
		Use:   "deploy",
		Short: "Roll out what was staged",
		Example: `  crumpet config set A=1 --stage
  crumpet config set B=2 --stage
  crumpet config deploy`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd.Context()) },
	}
	r.flagsOn(cmd)
	must(cmd.Flags().MarkHidden("stage"))
	return withApp(s, cmd)
}

// reconfigure is one change of a configuration: a push of what the app has, with other keys.
type reconfigure struct {
	push
	request wire.ChangeConfig
	base    int
	detach  bool
}

// flagsOn adds the flags of every command that changes a configuration.
func (r *reconfigure) flagsOn(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&r.request.Stage, "stage", false, "make the version only: the next release has it")
	flags.BoolVar(&r.request.Supersede, "supersede", false, "end a deployment that is under way")
	flags.BoolVar(&r.request.Wait, "wait", false, "queue behind a deployment that is under way")
	flags.StringVar(&r.request.Note, "note", "", "what is to be remembered of the release")
	flags.IntVar(&r.base, "base", -1, "the version this was made from: refuse if there is a newer one")
	flags.BoolVar(&r.asJSON, "json", false, "print one JSON object at the end")
	detachFlag(cmd, &r.detach)
	exclusive(cmd, "wait", "supersede", "stage")
}

// set adds a key to the request. JSON holds text only, and would change what is none.
func (r *reconfigure) set(name, value string, kind paas.ConfigKind) error {
	if !utf8.ValidString(name) || !utf8.ValidString(value) {
		return usagef("key or value %d is not text in UTF-8; give it in base64, and have the app decode it", len(r.request.Set)+1)
	}
	r.request.Set = append(r.request.Set, wire.ConfigValue{Name: name, Value: wire.Value(value), Kind: kind})
	return nil
}

// reconfigured is the JSON of a change.
type reconfigured struct {
	wire.ChangedConfig
	Release    int                  `json:"release,omitempty"`
	Deployment string               `json:"deployment,omitempty"`
	Status     paas.DeploymentState `json:"status,omitempty"`
	Reason     string               `json:"reason,omitempty"`
}

// run makes the change and follows its deployment.
func (r *reconfigure) run(ctx context.Context) error {
	if r.base >= 0 {
		r.request.Base = &r.base
	}
	c, app, err := r.s.about(nil)
	if err != nil {
		return err
	}
	r.c = c
	if r.after, err = c.LastEvent(ctx); err != nil {
		return err
	}
	answer, err := c.ChangeConfig(ctx, app, r.request)
	if err != nil {
		return err
	}
	r.p = newProgress(r.s, r.asJSON)
	defer r.p.close()
	err = r.follow(ctx, answer)
	r.p.close()
	if !r.asJSON {
		return err
	}
	told := reconfigured{ChangedConfig: answer, Release: r.result.Release, Deployment: r.result.Deployment, Status: r.result.Status, Reason: r.result.Reason}
	told.Deployed = nil
	return errors.Join(r.s.printJSON(told), err)
}

func (r *reconfigure) follow(ctx context.Context, answer wire.ChangedConfig) error {
	app := answer.App
	switch {
	case answer.Made:
		r.p.line("Version %d of the configuration of %s: %s.", answer.Version, app, answer.Change)
	case answer.Version == 0:
		r.p.done("%s has no configuration.", app)
		return nil
	default:
		r.p.line("Version %d of the configuration of %s is the newest, and holds this.", answer.Version, app)
	}
	switch answer.Use {
	case paas.ConfigFirstPush:
		r.p.done("It is used by the first push of %s.", app)
	case paas.ConfigStaged:
		r.p.done("The next release of %s has it; `crumpet config deploy` makes one now.", app)
	case paas.ConfigStopped:
		r.p.done("%s is stopped: after `crumpet start %s`, `crumpet config deploy` brings it.", app, app)
	case paas.ConfigDeployed:
		return r.deployed(ctx, answer)
	}
	return nil
}

func (r *reconfigure) deployed(ctx context.Context, answer wire.ChangedConfig) error {
	if answer.Deployed == nil {
		return nil
	}
	release, deployment := answer.Deployed.Release.Number, answer.Deployed.Deployment
	r.result.Release, r.result.URLs = release, answer.Deployed.URLs
	switch {
	case deployment == nil:
		r.result.Status = paas.DeploymentHealthy
		r.p.done("Release %d, which serves, has it.", release)
		return nil
	case r.detach:
		r.result.Deployment, r.result.Status = deployment.ID, deployment.State
		r.p.done("Deployment %s of release %d is under way. Watch it with `crumpet status %s`.", deployment.ID, release, answer.App)
		return nil
	}
	r.p.line("Release %d brings it.", release)
	return r.walk(ctx, *answer.Deployed)
}

// configKeys reads the keys of the app that is meant, for completion: none, if that takes long or can't be.
func (s *session) configKeys(ctx context.Context) []paas.ConfigKey {
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	c, app, err := s.about(nil)
	if err != nil {
		return nil
	}
	config, err := c.Config(ctx, app)
	if err != nil {
		return nil
	}
	return config.Items
}

// completeKeys completes names of keys that are not named yet.
func (s *session) completeKeys(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	var list []string
	for _, k := range s.configKeys(cmd.Context()) {
		if !slices.Contains(args, k.Name) {
			list = append(list, k.Name+"\t"+kindOf(k))
		}
	}
	return list, cobra.ShellCompDirectiveNoFileComp
}

func kindOf(k paas.ConfigKey) string {
	if k.Secret {
		return "secret"
	}
	return "plain"
}
