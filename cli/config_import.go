package cli

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/vault"
)

func newConfigImportCmd(s *session) *cobra.Command {
	r := &reconfigure{push: push{candidate: candidate{s: s}}}
	var secret bool
	cmd := &cobra.Command{
		Use:   "import FILE",
		Short: "Set the keys of a .env file, and roll them out",
		Long: `Reads lines of NAME=VALUE, from stdin where FILE is a dash, and sets them together, in one version. Keys that the
file lacks stay. A key that is a secret stays one; --secret makes secrets of all.

  # a comment
  NAME=value to the end of the line    # a comment, as a space stands before it
  export NAME='as it stands, over several lines too'
  NAME="with \n \r \t \" \\ \$, over several lines too"

Nothing is expanded: $ stands for itself. All faults of the file are shown at once, each with its line and
column, and nothing is sent then.`,
		Example: `  crumpet config import .env
  crumpet config import --secret --stage prod.env --app shop
  pass shop/env | crumpet config import -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := s.readFile(args[0], vault.MaxSecrets*4) // quotes and comments make it longer than its values
			if err != nil {
				return err
			}
			name := args[0]
			if name == "-" {
				name = "stdin"
			}
			variables, faults := parseEnv(name, text)
			switch {
			case len(faults) > 0:
				return &paas.Error{Code: paas.Invalid, Message: "The file has " + count(len(faults), "fault") + ", so nothing was sent.", Faults: faults}
			case len(variables) == 0:
				return paas.Errorf(paas.Invalid, "There is no NAME=VALUE in %s, so nothing was sent.", name)
			}
			kind := paas.ConfigAsIs
			if secret {
				kind = paas.ConfigSecret
			}
			for _, v := range variables {
				if err := r.set(v.name, v.value, kind); err != nil {
					return err
				}
			}
			return r.run(cmd.Context())
		},
	}
	r.flagsOn(cmd)
	cmd.Flags().BoolVar(&secret, "secret", false, "set them as secrets")
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveDefault
	}
	return withApp(s, cmd)
}

// readFile reads a file, or stdin to its end for a dash.
func (s *session) readFile(path string, most int64) ([]byte, error) {
	from := s.in
	if path != "-" {
		file, err := os.Open(path)
		if err != nil {
			return nil, paas.Wrap(paas.Invalid, err, "The file %s can't be read.", path)
		}
		defer file.Close() //nolint:errcheck // only read
		from = file
	}
	name := "The file " + path
	if path == "-" {
		name = "Stdin"
	}
	text, err := io.ReadAll(io.LimitReader(from, most+1))
	switch {
	case err != nil:
		return nil, paas.Wrap(paas.Invalid, err, "%s can't be read.", name)
	case int64(len(text)) > most:
		return nil, paas.Errorf(paas.Invalid, "%s has more than %d bytes, which is what fits here. Nothing was sent. Keep it as a file of the app, or in a service.", name, most)
	}
	return text, nil
}
