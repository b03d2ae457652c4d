package cli

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
)

// completion is what cobra asks for the words that can stand at a place.
type completion = func(cmd *cobra.Command, args []string, part string) ([]string, cobra.ShellCompDirective)

// completing completes the first argument of a command.
func completing(names func(ctx context.Context) []string) completion {
	return func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return names(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeFlag completes the value of a flag.
func completeFlag(cmd *cobra.Command, flag string, names func(ctx context.Context) []string) {
	must(cmd.RegisterFlagCompletionFunc(flag, func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return names(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}))
}

// words completes with what is always the same.
func words(list ...string) func(context.Context) []string {
	return func(context.Context) []string { return list }
}

// askNames asks the server for names to complete with: none if it does not answer at once.
func (s *session) askNames(ctx context.Context, ask func(ctx context.Context, c *client.Client) ([]string, error)) []string {
	ctx, cancel := context.WithTimeout(ctx, completeWithin)
	defer cancel()
	c, err := s.client()
	if err != nil {
		return nil
	}
	names, err := ask(ctx, c)
	if err != nil {
		return nil
	}
	return names
}

func (s *session) serviceNames(ctx context.Context) []string {
	return s.askNames(ctx, func(ctx context.Context, c *client.Client) (names []string, err error) {
		list, err := c.Services(ctx)
		for _, i := range list.Items {
			names = append(names, i.Name+"\t"+strings.TrimSuffix(string(i.State)+", "+madeOf(i), ", -"))
		}
		return names, err
	})
}

func (s *session) offeringNames(ctx context.Context) []string {
	return s.askNames(ctx, func(ctx context.Context, c *client.Client) (names []string, err error) {
		list, err := c.Offerings(ctx)
		for _, o := range list.Items {
			names = append(names, o.Name+"\t"+firstLine(o.Description))
		}
		return names, err
	})
}

// planNames gives the plans of an offering, or of the one that an instance is made of.
func (s *session) planNames(ctx context.Context, offering, instance string) []string {
	return s.askNames(ctx, func(ctx context.Context, c *client.Client) (names []string, err error) {
		if instance != "" {
			service, err := c.Service(ctx, instance)
			if err != nil {
				return nil, err
			}
			offering = service.Offering
		}
		list, err := c.Offerings(ctx)
		for _, o := range list.Items {
			for _, p := range o.Plans {
				if o.Name == offering || offering == "" {
					names = append(names, p.Name+"\t"+firstLine(p.Description))
				}
			}
		}
		return names, err
	})
}

func (s *session) providerNames(ctx context.Context) []string {
	return s.askNames(ctx, func(ctx context.Context, c *client.Client) (names []string, err error) {
		list, err := c.Providers(ctx)
		for _, p := range list.Items {
			names = append(names, p.Name+"\t"+string(p.Kind))
		}
		return names, err
	})
}

// bindingNames gives an instance's bindings, or its keys.
func (s *session) bindingNames(ctx context.Context, instance string, keys bool) []string {
	return s.askNames(ctx, func(ctx context.Context, c *client.Client) (names []string, err error) {
		service, err := c.Service(ctx, instance)
		list := service.Bindings
		if keys {
			list = service.Keys
		}
		for _, b := range list {
			if s.app == "" || keys || b.App == s.app {
				names = append(names, b.Name+"\t"+string(b.State))
			}
		}
		return names, err
	})
}
