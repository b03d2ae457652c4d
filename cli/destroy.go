package cli

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func newDestroyCmd(s *session) *cobra.Command {
	var yes, detach, volumes bool
	cmd := &cobra.Command{
		Use:   "destroy [APP]",
		Short: "Take an app away, with its releases and routes",
		Long: `Asks for the app's name first; --yes stands for the answer, and is needed where nobody can be asked.

Its credentials of service instances end with it. The instances and what is in them stay, and so do its volumes
unless --volumes is given.`,
		Example: `  crumpet destroy hello
  crumpet destroy hello --volumes
  crumpet destroy hello --yes`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if detach && volumes {
				return usagef("--volumes can't be given with --detach: volumes are deleted when the app is gone")
			}
			c, app, err := s.about(args)
			if err != nil {
				return err
			}
			if _, err := c.App(cmd.Context(), app); err != nil {
				return err
			}
			if !yes {
				if err := s.confirm(app, c.Team(), volumes); err != nil {
					return err
				}
			}
			status, err := c.Status(cmd.Context(), app)
			if err != nil {
				return err
			}
			if _, err := c.Destroy(cmd.Context(), app); err != nil {
				return err
			}
			if detach {
				s.print("%s is being destroyed.", app)
				s.sayWhatStays(status.Bindings)
				return nil
			}
			err = poll(cmd.Context(), func() (bool, error) {
				_, err := c.App(cmd.Context(), app)
				if paas.CodeOf(err) == paas.NotFound {
					return true, nil
				}
				return false, err
			})
			if err != nil {
				return err
			}
			s.print("%s is destroyed.", app)
			s.sayWhatStays(status.Bindings)
			return s.dropVolumes(cmd.Context(), c, app, volumes)
		},
	}
	cmd.Flags().BoolVar(&volumes, "volumes", false, "delete its volumes as well, with all that is in them")
	cmd.Flags().BoolVar(&yes, "yes", false, "don't ask")
	detachFlag(cmd, &detach)
	return withApp(s, cmd)
}

// sayWhatStays names the service instances that a destroyed app was bound to.
func (s *session) sayWhatStays(bindings []paas.Binding) {
	var names []string
	for _, b := range bindings {
		names = append(names, b.Instance)
	}
	slices.Sort(names)
	if names = slices.Compact(names); len(names) > 0 {
		s.print("These service instances stay, with what is in them: %s. `crumpet services delete %s` takes one away.", strings.Join(names, ", "), names[0])
	}
}

func (s *session) confirm(app, team string, volumes bool) error {
	what := "its instances, releases and routes"
	if volumes {
		what += ", and its volumes with all that is in them"
	}
	s.say("This destroys app %q of team %q: %s. It can't be undone.", app, team, what)
	s.say("Type the app's name to go on:")
	line, err := bufio.NewReader(io.LimitReader(s.in, 1024)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer := strings.TrimSpace(line); answer != app {
		return paas.Errorf(paas.Invalid, "The answer was %q, not %q: nothing was destroyed.", answer, app)
	}
	return nil
}
