package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newConfigListCmd(s *session) *cobra.Command {
	cmd := newKeysCmd(s, "List the keys of an app, without their values", func(paas.ConfigKey) bool { return true })
	cmd.Example = `  crumpet config list
  crumpet config list shop --json | jq -r '.items[].name'`
	return cmd
}

// newKeysCmd makes a list command of the keys that fit.
func newKeysCmd(s *session, short string, fits func(paas.ConfigKey) bool) *cobra.Command {
	var asJSON, reveal bool
	cmd := &cobra.Command{
		Use:   "list [APP]",
		Short: short,
		Long: short + `: of which kind each is, and in which version it was last set, by whom and when.
--reveal shows the values too; an event of the app tells who saw which.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, app, err := s.about(args)
			if err != nil {
				return err
			}
			config, err := c.Config(cmd.Context(), app)
			if err != nil {
				return err
			}
			config.Items = keep(config.Items, fits)
			values := map[string]wire.Value{}
			if reveal && len(config.Items) > 0 {
				shown, err := c.RevealConfig(cmd.Context(), app, wire.RevealConfig{Version: config.Version, Names: keyNames(config.Items)})
				if err != nil {
					return err
				}
				if asJSON {
					return s.printJSON(shown)
				}
				for _, v := range shown.Items {
					values[v.Name] = v.Value
				}
			}
			if asJSON {
				return s.printJSON(config)
			}
			s.showKeys(config, values)
			return nil
		},
	}
	cmd.Flags().BoolVar(&reveal, "reveal", false, "show the values too; it is told who asked")
	jsonFlag(cmd, &asJSON)
	return withApp(s, cmd)
}

func keep(list []paas.ConfigKey, fits func(paas.ConfigKey) bool) []paas.ConfigKey {
	kept := []paas.ConfigKey{}
	for _, k := range list {
		if fits(k) {
			kept = append(kept, k)
		}
	}
	return kept
}

func keyNames(list []paas.ConfigKey) []string {
	var names []string
	for _, k := range list {
		names = append(names, k.Name)
	}
	return names
}

func (s *session) showKeys(config wire.Config, values map[string]wire.Value) {
	if len(config.Items) == 0 {
		s.say("Nothing is set for %s.", config.App)
		return
	}
	header := []string{"KEY", "KIND", "VERSION", "SET", "BY"}
	if len(values) > 0 {
		header = append(header, "VALUE")
	}
	var rows [][]string
	for _, k := range config.Items {
		row := []string{k.Name, kindOf(k), strconv.Itoa(k.Version), ago(k.SetAt), k.SetBy}
		if value, ok := values[k.Name]; ok {
			row = append(row, shownValue(string(value)))
		}
		rows = append(rows, row)
	}
	s.table(s.out, header, rows)
	s.say("%s", useText(config))
}

// useText says who has the newest version.
func useText(config wire.Config) string {
	switch config.Serving {
	case config.Version:
		return fmt.Sprintf("Version %d, which serves.", config.Version)
	case 0:
		return fmt.Sprintf("Version %d, which nothing that serves has yet.", config.Version)
	}
	return fmt.Sprintf("Version %d; the release that serves has version %d.", config.Version, config.Serving)
}

// shownValue is a value in a table: on one line, whatever it holds.
func shownValue(value string) string {
	if value == "" || strings.TrimSpace(value) != value || strconv.Quote(value) != `"`+value+`"` {
		return strconv.Quote(value)
	}
	return value
}

func newConfigRevealCmd(s *session) *cobra.Command {
	var asJSON bool
	var version int
	cmd := &cobra.Command{
		Use:   "reveal [KEY...]",
		Short: "Show values; it is told who asked",
		Long: `Shows one value as it is, or several, all unless named, as lines of a .env file that "crumpet config import"
takes. An event of the app tells who saw which keys.`,
		Example: `  crumpet config reveal
  crumpet config reveal TLS_CERT > cert.pem
  crumpet config reveal --version 3 --app shop`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if version < 0 {
				return usagef("--version takes the number of a version; `crumpet config versions` lists them")
			}
			c, app, err := s.about(nil)
			if err != nil {
				return err
			}
			shown, err := c.RevealConfig(cmd.Context(), app, wire.RevealConfig{Version: version, Names: args})
			if err != nil {
				return err
			}
			switch {
			case asJSON:
				return s.printJSON(shown)
			case len(args) == 1 && len(shown.Items) == 1:
				text := string(shown.Items[0].Value)
				fmt.Fprint(s.out, text)
				if s.live && !strings.HasSuffix(text, "\n") {
					fmt.Fprintln(s.out)
				}
				return nil
			}
			for _, v := range shown.Items {
				s.print("%s", envLine(v.Name, string(v.Value)))
			}
			return nil
		},
	}
	cmd.Flags().IntVar(&version, "version", 0, "of this version, instead of the newest")
	jsonFlag(cmd, &asJSON)
	cmd.ValidArgsFunction = s.completeKeys
	return withApp(s, cmd)
}

func newConfigVersionsCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "versions [APP]",
		Short: "List the versions of an app's configuration, newest first",
		Long: `Shows who made each version that is kept, when, and what it changed. The one that the serving release has is
marked. A rollback restores the version of its release.`,
		Example: `  crumpet config versions
  crumpet config reveal --version 3`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, app, err := s.about(args)
			if err != nil {
				return err
			}
			list, err := c.ConfigVersions(cmd.Context(), app)
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(list)
			}
			if len(list.Items) == 0 {
				s.say("Nothing is set for %s.", app)
				return nil
			}
			var rows [][]string
			for _, v := range list.Items {
				serves := ""
				if v.Version == list.Serving {
					serves = s.tone("live")
				}
				rows = append(rows, []string{strconv.Itoa(v.Version), strconv.Itoa(v.Keys), ago(v.CreatedAt), v.CreatedBy, serves, firstLine(v.Change)})
			}
			s.table(s.out, []string{"VERSION", "KEYS", "MADE", "BY", "SERVES", "CHANGE"}, rows)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return withApp(s, cmd)
}
