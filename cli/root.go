package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
)

// Run runs one command line and gives the exit code.
func Run(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	return run(ctx, args, newSession(in, out, errOut))
}

func run(ctx context.Context, args []string, s *session) int {
	root := newRootCmd(s)
	root.SetArgs(longFlags(root, args))
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	var usage *usageError
	var said *saidError
	var code *codeError
	switch {
	case errors.As(err, &code):
		return code.code
	case errors.As(err, &usage):
		s.say("Error: %s", usage.Error())
		s.say("Run `%s --help` for its usage.", cmd.CommandPath())
		return exitUsage
	case errors.As(err, &said):
		return exitFailed
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = errors.New("interrupted")
	}
	s.fail(err)
	return exitFailed
}

// saidError is a failure that the command has shown already, in a shape of its own.
type saidError struct{ error }

func (e *saidError) Unwrap() error { return e.error }

// fail prints an error as the user should read it: the sentence, then every fault.
func (s *session) fail(err error) {
	var known *paas.Error
	if !errors.As(err, &known) {
		s.say("Error: %s", err)
		return
	}
	s.say("Error: %s", known.Message)
	if why := osReason(known.Err); why != "" {
		s.say("  %s", why)
	}
	for _, fault := range paas.FaultsOf(err) {
		if fault.Message != known.Message {
			s.say("  %s: %s", fault.Location, fault.Message)
		}
	}
}

func newRootCmd(s *session) *cobra.Command {
	root := &cobra.Command{
		Use:   "crumpet",
		Short: "Push source, watch it roll out, look after it",
		Long: `Crumpet turns a Nomad, Consul, Vault and Fabio cluster into a platform as a service.

Keep a crumpet.hcl in the repository of an app and run "crumpet push": the source is built on the
server, and rolls out beside the release that serves until it is healthy.`,
		Example: `  crumpet dev                            # a whole platform on this machine
  crumpet init --template go-web hello   # an app to begin with
  cd hello && crumpet push`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usagef("there is no command %q%s", args[0], suggest(cmd, args[0]))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetIn(s.in)
	root.SetOut(s.out)
	root.SetErr(s.errOut)
	root.SetFlagErrorFunc(flagError)
	root.SetHelpCommand(newHelpCmd())

	flags := root.PersistentFlags()
	flags.StringVar(&s.addr, "addr", "", "address of the server (CRUMPET_ADDR)")
	flags.StringVar(&s.team, "team", "", "team the app belongs to (CRUMPET_TEAM)")

	root.AddGroup(
		&cobra.Group{ID: groupApp, Title: "Write and push an app:"},
		&cobra.Group{ID: groupCare, Title: "Look after apps:"},
		&cobra.Group{ID: groupTeam, Title: "Teams:"},
		&cobra.Group{ID: groupServer, Title: "Servers:"},
	)
	add(root, groupApp, newInitCmd(s), newTemplatesCmd(s), newValidateCmd(s), newFmtCmd(s), newRenderCmd(s), newPlanCmd(s), newPushCmd(s), newDeployCmd(s), newReferenceCmd(s))
	add(root, groupCare, newAppsCmd(s), newStatusCmd(s), newWhyCmd(s), newEventsCmd(s), newAuditCmd(s), newMetricsCmd(s), newUsageCmd(s), newDiffCmd(s), newLogsCmd(s), newExecCmd(s), newRunCmd(s), newCronsCmd(s), newScaleCmd(s), newRestartCmd(s),
		newStopCmd(s), newStartCmd(s), newPromoteCmd(s), newPauseCmd(s), newResumeCmd(s), newAbortCmd(s), newCancelCmd(s), newDestroyCmd(s))
	add(root, groupCare, newReleasesCmd(s), newReleaseCmd(s), newRollbackCmd(s), newRepairCmd(s))
	add(root, groupCare, newConfigCmd(s), newSecretCmd(s))
	add(root, groupCare, newServicesCmd(s), newVolumesCmd(s))
	add(root, groupTeam, newTeamsCmd(s), newQuotaCmd(s), newMembersCmd(s), newBotsCmd(s), newHostsCmd(s))
	add(root, groupServer,
		newDevCmd(s),
		newServerCmd(s), newServersCmd(s), newInstallCmd(s),
		newNodesCmd(s), newNodeCmd(s), newPlatformCmd(s), newClusterCmd(s), newProvidersCmd(s),
		newLoginCmd(s), newLogoutCmd(s), newPasswdCmd(s))
	add(root, groupServer, newTokensCmd(s), newUsersCmd(s), newWhoamiCmd(s))
	add(root, "", newVersionCmd(s), newDevstackCmd(s), newStaticCmd(s), newJWKSCmd(s), newRelayCmd(s), newOpenAPICmd(s))
	root.InitDefaultCompletionCmd()
	for _, cmd := range root.Commands() {
		if cmd.Name() == "completion" {
			refuseOthers(cmd)
		}
	}
	return root
}

// Groups of commands in the help.
const (
	groupApp    = "app"
	groupCare   = "care"
	groupTeam   = "team"
	groupServer = "server"
)

func add(root *cobra.Command, group string, commands ...*cobra.Command) {
	for _, cmd := range commands {
		cmd.GroupID = group
		cmd.Args = asUsage(cmd.Args)
		root.AddCommand(cmd)
	}
}
