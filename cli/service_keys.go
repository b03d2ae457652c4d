package cli

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newServiceKeysCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Credentials of a service instance for a person, or a program elsewhere",
		Long: `A key is credentials that no app has: for a person with a database shell, or a program that does not run
here. Who made one, and who had it shown, is in the events.`,
		Example: `  crumpet services keys create shop-db anna
  crumpet services keys list shop-db
  crumpet services keys delete shop-db anna`,
	}
	add(cmd, "", newKeyCreateCmd(s), newKeysListCmd(s), newKeyShowCmd(s), newKeyDeleteCmd(s))
	refuseOthers(cmd)
	return cmd
}

// completingKeys completes an instance, then one of its keys.
func completingKeys(s *session) completion {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		switch len(args) {
		case 0:
			return s.serviceNames(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
		case 1:
			return s.bindingNames(cmd.Context(), args[0], true), cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

func newKeyCreateCmd(s *session) *cobra.Command {
	var parameters parameterFlags
	var detach, asJSON bool
	cmd := &cobra.Command{
		Use:   "create NAME KEY",
		Short: "Make a key, and show what it opens the instance with",
		Long: `Makes credentials and prints them once they are ready. With --detach they are not waited for: "keys show"
prints them later.`,
		Example: `  crumpet services keys create shop-db anna
  crumpet services keys create shop-db backup --json > backup.json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			r := wire.CreateServiceKey{Name: args[1]}
			if problem := paas.CheckName("key", r.Name, paas.MaxApp); problem != "" {
				return usagef("%s", problem)
			}
			var err error
			if r.Parameters, err = s.parameters(parameters.text, parameters.file); err != nil {
				return err
			}
			return s.createKey(cmd.Context(), args[0], r, detach, asJSON)
		},
		ValidArgsFunction: completing(s.serviceNames),
	}
	parameters.declare(cmd)
	detachFlag(cmd, &detach)
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (s *session) createKey(ctx context.Context, name string, r wire.CreateServiceKey, detach, asJSON bool) error {
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
	key, err := c.CreateServiceKey(ctx, name, r)
	if err != nil {
		return err
	}
	if detach {
		s.print("Key %s is being made. `crumpet services keys show %s %s` shows it once it is ready.", r.Name, name, r.Name)
		return nil
	}
	p := newProgress(s, true) // what is printed is the key alone
	defer p.close()
	list, err := s.settleBindings(ctx, c, after, p, name, []string{key.ID}, madeReady)
	switch {
	case err != nil:
		return s.leftService(ctx, err, name)
	case len(list) == 0:
		s.say("The key was ended before it was ready.")
		return &saidError{errors.New("ended")}
	case list[0].State == paas.BindingFailed:
		s.say("Key %s could not be made. `crumpet services keys delete %s %s` takes the wish back.", r.Name, name, r.Name)
		s.say("  %s", ended(upperFirst(list[0].Reason)))
		return &saidError{errors.New("not made")}
	}
	return s.showKey(ctx, name, r.Name, asJSON)
}

func newKeyShowCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "show NAME KEY",
		Short: "Show what a key opens its instance with; it is noted who did",
		Example: `  crumpet services keys show shop-db anna
  crumpet services keys show shop-db anna --json`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.showKey(cmd.Context(), args[0], args[1], asJSON)
		},
		ValidArgsFunction: completingKeys(s),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// showKey prints the credentials, a line for each.
func (s *session) showKey(ctx context.Context, name, key string, asJSON bool) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	shown, err := c.ServiceKey(ctx, name, key)
	if err != nil {
		return err
	}
	if asJSON {
		return s.printJSON(shown)
	}
	width := 0
	for entry := range shown.Credentials {
		width = max(width, len(entry))
	}
	for _, entry := range slices.Sorted(maps.Keys(shown.Credentials)) {
		s.print("%s%s  %s", entry, strings.Repeat(" ", width-len(entry)), shown.Credentials[entry])
	}
	return nil
}

func newKeysListCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list NAME",
		Short: "List the keys of a service instance, without what they open it with",
		Example: `  crumpet services keys list shop-db
  crumpet services keys list shop-db --json`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			list, err := c.ServiceKeys(cmd.Context(), args[0])
			switch {
			case err != nil:
				return err
			case asJSON:
				return s.printJSON(list)
			case len(list.Items) == 0:
				s.say("%s has no key. `crumpet services keys create %s KEY` makes one.", args[0], args[0])
				return nil
			}
			s.showServiceKeys(list.Items)
			return nil
		},
		ValidArgsFunction: completing(s.serviceNames),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (s *session) showServiceKeys(list []paas.Binding) {
	var rows [][]string
	for _, k := range list {
		rows = append(rows, []string{k.Name, s.tone(string(k.State)), "made " + ago(k.CreatedAt) + " by " + k.CreatedBy, k.Reason})
	}
	s.table(s.out, []string{"KEY", "STATE", "MADE", ""}, rows)
}

func newKeyDeleteCmd(s *session) *cobra.Command {
	return &cobra.Command{
		Use:     "delete NAME KEY",
		Short:   "End a key: within seconds nobody is let in with it",
		Example: `  crumpet services keys delete shop-db anna`,
		Args:    cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			ended, err := c.DeleteServiceKey(cmd.Context(), args[0], args[1])
			switch {
			case err != nil:
				return err
			case ended.Already:
				s.print("%s has no key %s: there is nothing to end.", args[0], args[1])
			default:
				s.print("Key %s ends now: within seconds nobody is let in with it.", args[1])
			}
			return nil
		},
		ValidArgsFunction: completingKeys(s),
	}
}
