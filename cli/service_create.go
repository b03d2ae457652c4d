package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// parameterFlags are those of commands that take parameters of a plan.
type parameterFlags struct{ text, file string }

func (f *parameterFlags) declare(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.text, "parameters", "", "a JSON object that fits the plan; for nothing secret, since others see arguments")
	cmd.Flags().StringVar(&f.file, "parameters-file", "", "a file with them, or - for stdin")
	exclusive(cmd, "parameters", "parameters-file")
}

// givenFlags are those of what a user-provided instance consists of.
type givenFlags struct{ credentials, drain, route string }

func (f *givenFlags) declare(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.credentials, "credentials-file", "", "a file with credentials, or - for stdin: a JSON object, or lines of KEY=VALUE as in a .env file")
	cmd.Flags().StringVar(&f.drain, "syslog-drain-url", "", "where logs are to go, or - for stdin; stored, and not acted on yet")
	cmd.Flags().StringVar(&f.route, "route-service-url", "", "what requests are to pass, or - for stdin; stored, and not acted on yet")
}

func (f *givenFlags) read(s *session) (given wire.Given, err error) {
	stdin := 0
	for _, path := range []string{f.credentials, f.drain, f.route} {
		if path == "-" {
			stdin++
		}
	}
	if stdin > 1 {
		return given, usagef("only one of the flags can read stdin")
	}
	if f.credentials != "" {
		if given.Credentials, err = s.credentials(f.credentials); err != nil {
			return given, err
		}
	}
	if given.SyslogDrainURL, err = s.givenURL("syslog-drain-url", f.drain); err != nil {
		return given, err
	}
	given.RouteServiceURL, err = s.givenURL("route-service-url", f.route)
	return given, err
}

// givenURL takes a URL without a password from an argument, and any from stdin.
func (s *session) givenURL(flag, text string) (string, error) {
	switch text {
	case "":
		return "", nil
	case "-":
		return s.password(flag, text, "")
	}
	return text, plainURL(flag, text, fmt.Sprintf("give --%s - and write it to stdin", flag))
}

func newServiceCreateCmd(s *session) *cobra.Command {
	var r wire.CreateService
	var parameters parameterFlags
	var given givenFlags
	var detach, asJSON bool
	cmd := &cobra.Command{
		Use:   "create NAME",
		Short: "Make a service instance: of an offering, or of credentials you have",
		Long: `Makes an instance of an offering and plan, and waits until it is ready. With --credentials-file it
consists of credentials that you have from elsewhere, and is ready at once.

Passwords are no arguments: those are kept in the shell's history and seen in the list of processes.`,
		Example: `  crumpet services create shop-db --offering postgres --plan small
  crumpet services create shop-cache --offering cache --plan small --parameters '{"size": 3}'
  crumpet services create mail --credentials-file mail.json
  pass mail | crumpet services create mail --credentials-file -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			r.Name = args[0]
			if err := goodName(r.Name); err != nil {
				return err
			}
			byHand := given != givenFlags{}
			switch {
			case byHand && (r.Offering != "" || r.Plan != "" || r.Provider != "" || parameters != parameterFlags{}):
				return usagef("credentials that are given have no offering, plan, provider or parameters: leave out one or the other")
			case !byHand && r.Offering == "":
				return usagef("what it is to be is not said: give --offering and --plan, or --credentials-file; `crumpet services catalog` lists offerings")
			case !byHand && r.Plan == "":
				return usagef("the plan is not said: give --plan; `crumpet services catalog %s` lists those there are", r.Offering)
			}
			var err error
			if r.Parameters, err = s.parameters(parameters.text, parameters.file); err != nil {
				return err
			}
			if r.Given, err = given.read(s); err != nil {
				return err
			}
			return s.createService(cmd.Context(), r, detach, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.Offering, "offering", "", "what it is made of")
	flags.StringVar(&r.Plan, "plan", "", "which variant of that")
	flags.StringVar(&r.Provider, "provider", "", "of whom, where several have the offering")
	parameters.declare(cmd)
	given.declare(cmd)
	detachFlag(cmd, &detach)
	jsonFlag(cmd, &asJSON)
	completeFlag(cmd, "offering", s.offeringNames)
	completeFlag(cmd, "plan", func(ctx context.Context) []string { return s.planNames(ctx, r.Offering, "") })
	completeFlag(cmd, "provider", s.providerNames)
	return cmd
}

func goodName(name string) error {
	if problem := paas.CheckName("service instance", name, paas.MaxServiceInstance); problem != "" {
		return usagef("%s", problem)
	}
	return nil
}

func (s *session) createService(ctx context.Context, r wire.CreateService, detach, asJSON bool) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	after, err := c.LastEvent(ctx)
	if err != nil {
		return err
	}
	service, err := c.CreateService(ctx, r)
	if paas.CodeOf(err) == paas.NotFound {
		return s.notOffered(ctx, c, err, r.Offering, r.Plan)
	}
	if err != nil {
		return err
	}
	return s.settleService(ctx, serviceWalk{c: c, service: service, after: after, doing: "Creating", detach: detach, asJSON: asJSON})
}

// notOffered names the offering, or the plan, that was most likely meant.
func (s *session) notOffered(ctx context.Context, c *client.Client, err error, offering, plan string) error {
	list, listErr := c.Offerings(ctx)
	if listErr != nil {
		return err
	}
	var offerings, plans []string
	for _, o := range list.Items {
		offerings = append(offerings, o.Name)
		for _, p := range o.Plans {
			if o.Name == offering {
				plans = append(plans, p.Name)
			}
		}
	}
	if len(plans) > 0 {
		return nearest(err, plan, plans)
	}
	return nearest(err, offering, offerings)
}

func newServiceUpdateCmd(s *session) *cobra.Command {
	var r wire.UpdateService
	var parameters parameterFlags
	var given givenFlags
	var detach, asJSON bool
	cmd := &cobra.Command{
		Use:   "update NAME",
		Short: "Change a service instance's plan, parameters or credentials",
		Long: `Changes an instance and waits until it is done. What is not named stays as it is. New credentials of a
user-provided instance replace the old ones, and reach the apps bound to it as after a rotation.`,
		Example: `  crumpet services update shop-db --plan large
  crumpet services update shop-cache --parameters '{"size": 5}'
  crumpet services update mail --credentials-file mail.json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if r.Plan == "" && !r.Upgrade && parameters == (parameterFlags{}) && given == (givenFlags{}) {
				return usagef("nothing is to be changed: give --plan, --parameters, --upgrade or --credentials-file")
			}
			var err error
			if r.Parameters, err = s.parameters(parameters.text, parameters.file); err != nil {
				return err
			}
			if r.Given, err = given.read(s); err != nil {
				return err
			}
			return s.updateService(cmd.Context(), args[0], r, detach, asJSON)
		},
		ValidArgsFunction: completing(s.serviceNames),
	}
	cmd.Flags().StringVar(&r.Plan, "plan", "", "another variant of its offering")
	cmd.Flags().BoolVar(&r.Upgrade, "upgrade", false, "to the version of the plan that the catalog names")
	parameters.declare(cmd)
	given.declare(cmd)
	detachFlag(cmd, &detach)
	jsonFlag(cmd, &asJSON)
	must(cmd.RegisterFlagCompletionFunc("plan", func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		return s.planNames(cmd.Context(), "", strings.Join(args, "")), cobra.ShellCompDirectiveNoFileComp
	}))
	return cmd
}

func (s *session) updateService(ctx context.Context, name string, r wire.UpdateService, detach, asJSON bool) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	before, err := s.serviceNamed(ctx, c, name)
	if err != nil {
		return err
	}
	after, err := c.LastEvent(ctx)
	if err != nil {
		return err
	}
	service, err := c.UpdateService(ctx, name, r)
	if paas.CodeOf(err) == paas.NotFound {
		return s.notOffered(ctx, c, err, before.Offering, r.Plan)
	}
	if err != nil {
		return err
	}
	return s.settleService(ctx, serviceWalk{c: c, service: service, after: after, doing: "Updating", detach: detach, asJSON: asJSON})
}

func newServiceDeleteCmd(s *session) *cobra.Command {
	var confirmed string
	var detach bool
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a service instance and all that is in it",
		Long: `Asks for the instance's name first; --confirm NAME stands for the answer, and is needed where nobody can be
asked. An instance that apps are bound to, or that has keys, is not deleted: unbind them, and delete those, first.`,
		Example: `  crumpet services delete shop-db
  crumpet services delete shop-db --confirm shop-db`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.deleteService(cmd.Context(), args[0], confirmed, detach)
		},
		ValidArgsFunction: completing(s.serviceNames),
	}
	cmd.Flags().StringVar(&confirmed, "confirm", "", "the instance's name once more; then it is not asked for")
	detachFlag(cmd, &detach)
	return cmd
}

func (s *session) deleteService(ctx context.Context, name, confirmed string, detach bool) error {
	if confirmed != "" && confirmed != name {
		return usagef("--confirm names %q and the argument %q: nothing was deleted", confirmed, name)
	}
	c, err := s.client()
	if err != nil {
		return err
	}
	service, err := s.serviceNamed(ctx, c, name)
	if err != nil {
		return err
	}
	if confirmed == "" {
		if list := standing(service); len(list) > 0 { // the server refuses it, whatever is answered
			return stillBound(name, list)
		}
		s.say("This deletes service instance %q of team %q (%s) and all that is in it. It can't be undone.", name, c.Team(), kindText(service))
		s.say("Type the instance's name to go on:")
		line, err := bufio.NewReader(io.LimitReader(s.in, 1024)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if answer := strings.TrimSpace(line); answer != name {
			return paas.Errorf(paas.Invalid, "The answer was %q, not %q: nothing was deleted.", answer, name)
		}
	}
	after, err := c.LastEvent(ctx)
	if err != nil {
		return err
	}
	deleting, err := c.DeleteService(ctx, name)
	if err != nil {
		return err
	}
	deleting.Name = cmp.Or(deleting.Name, name)
	return s.settleService(ctx, serviceWalk{c: c, service: deleting, after: after, doing: "Deleting", detach: detach})
}

// stillBound says who has credentials of an instance, and how the first of them is ended.
func stillBound(name string, list []paas.Binding) error {
	var holders []string
	for _, b := range list {
		holders = append(holders, holderOf(b))
	}
	first := fmt.Sprintf("crumpet services unbind %s --app %s", name, list[0].App)
	if list[0].Key() {
		first = fmt.Sprintf("crumpet services keys delete %s %s", name, list[0].Name)
	}
	return paas.Errorf(paas.Conflict, "Service instance %q is bound: %s. End that first: `%s`.", name, strings.Join(holders, ", "), first)
}
