package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func newWhyCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "why [APP]",
		Short: "Say why an app does not serve, or what else is wrong with it",
		Long: `Says in one sentence why an app does not serve, or what else is wrong with it, and shows the chain that
leads there: from the release over its evaluation, placement and allocation to the program, its checks
and its routes.

It ends with 0 when the app serves and with 1 when it does not. docs/why.md lists every cause.`,
		Example: `  crumpet why hello
  crumpet why hello --json | jq -r .cause`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, app, err := s.about(args)
			if err != nil {
				return err
			}
			w, err := c.Why(cmd.Context(), app)
			if err != nil {
				return err
			}
			if asJSON {
				err = s.printJSON(w)
			} else {
				s.showWhy(w)
			}
			if err == nil && !w.Serving {
				err = &saidError{errors.New(w.Summary)}
			}
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	return withApp(s, cmd)
}

// whyText is the sentence of an explanation. It begins with a capital, but for one that begins with the app's name.
func whyText(w paas.Why) string {
	if strings.HasPrefix(w.Summary, w.App+" ") {
		return ended(w.Summary)
	}
	return upperFirst(ended(w.Summary))
}

// showWhy prints the sentence, and below it the chain, each link further in than the one before.
func (s *session) showWhy(w paas.Why) {
	s.print("%s", s.bold(whyText(w)))
	if len(w.Chain) > 0 {
		s.print("")
	}
	width, sinceWidth := 0, 0
	for depth, l := range w.Chain {
		width = max(width, 2*depth+len(l.Kind)+len(linkID(l))+1)
		sinceWidth = max(sinceWidth, len(sinceText(l)))
	}
	for depth, l := range w.Chain {
		indent := strings.Repeat("  ", depth)
		name := string(l.Kind) + " " + s.faint(linkID(l))
		pad := strings.Repeat(" ", max(0, width-len(indent)-lipgloss.Width(name)))
		s.print("  %s  %s  %s", indent+name+pad, s.faint(fmt.Sprintf("%-*s", sinceWidth, sinceText(l))), l.Text)
	}
	if w.NextTry != nil {
		s.print("")
		s.print("The next try is %s.", untilText(*w.NextTry))
	}
	if len(w.Try) > 0 {
		s.print("")
		s.print("Try:")
		for _, t := range w.Try {
			s.print("  %s", t)
		}
	}
}

func sinceText(l paas.Link) string {
	if l.Since == nil {
		return ""
	}
	return "since " + clockText(*l.Since)
}

// linkID is an id as a person copies it; names and addresses stay whole.
func linkID(l paas.Link) string {
	if len(l.ID) == 36 && strings.Count(l.ID, "-") == 4 {
		return short(l.ID)
	}
	return l.ID
}

func untilText(t time.Time) string {
	d := time.Until(t).Round(time.Second)
	if d <= 0 {
		return "due now"
	}
	return fmt.Sprintf("at %s, in %s", clockText(t), d)
}
