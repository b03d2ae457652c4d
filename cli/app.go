package cli

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
)

// withApp gives a command about one app its flag and its completion.
func withApp(s *session, cmd *cobra.Command) *cobra.Command {
	cmd.Flags().StringVarP(&s.app, "app", "a", "", "the app; else that of ./crumpet.hcl")
	complete := func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return s.appNames(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = complete
	}
	must(cmd.RegisterFlagCompletionFunc("app", func(cmd *cobra.Command, _ []string, part string) ([]string, cobra.ShellCompDirective) {
		return complete(cmd, nil, part)
	}))
	return cmd
}

// must is for mistakes in how commands are put together: a flag that was not declared.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// appName is the one rule for which app is meant: the argument, else --app, else the spec in this
// folder.
func (s *session) appName(args []string) (string, error) {
	switch {
	case len(args) > 0 && s.app != "" && args[0] != s.app:
		return "", usagef("the argument names app %q, --app names %q: leave one out", args[0], s.app)
	case len(args) > 0:
		return args[0], nil
	case s.app != "":
		return s.app, nil
	}
	if _, err := os.Stat(spec.FileName); errors.Is(err, fs.ErrNotExist) {
		return "", usagef("no app is named, and there is no ./%s: name the app, or say --app", spec.FileName)
	}
	// Its label is enough: values of variables, which a whole reading wants, say nothing about the name.
	names := blocks(spec.FileName, "app")
	if len(names) == 0 || paas.CheckName("app", names[0], paas.MaxApp) != "" {
		return "", paas.Errorf(paas.Invalid, "The app is not named, and ./%s, where its name would stand, is not valid. Name the app, or see `crumpet validate`.", spec.FileName)
	}
	return names[0], nil
}

// about gives the app that is meant, by the rule of appName, and a client of the server it is on.
func (s *session) about(args []string) (*client.Client, string, error) {
	app, err := s.appName(args)
	if err != nil {
		return nil, "", err
	}
	c, err := s.client()
	return c, app, err
}
