package cli

import (
	"bytes"
	"os"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/vault"
)

func newSecretCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secret",
		Short: "Set secrets of an app, which no argument shows",
		Long: `A secret is a key of an app's configuration whose value is given at a prompt, from a file or on stdin: never as
an argument, which would stay in the shell's history and be seen in the list of processes. What else is said of
keys in "crumpet config --help" holds for it too.`,
		Example: `  crumpet secret set API_KEY
  crumpet secret set TLS_KEY --file key.pem
  crumpet secret list`,
	}
	unset := newConfigUnsetCmd(s)
	unset.Example = `  crumpet secret unset API_KEY`
	list := newKeysCmd(s, "List the secrets of an app, without their values", func(k paas.ConfigKey) bool { return k.Secret })
	list.Example = `  crumpet secret list
  crumpet secret list shop --json`
	add(cmd, "", newSecretSetCmd(s), unset, list)
	refuseOthers(cmd)
	return cmd
}

func newSecretSetCmd(s *session) *cobra.Command {
	r := &reconfigure{push: push{candidate: candidate{s: s}}}
	var file string
	cmd := &cobra.Command{
		Use:   "set KEY",
		Short: "Set a secret, and roll it out",
		Long: `Asks for the value, which is not shown. Where stdin is not a terminal it is read to its end; a newline behind a
single line is left out then. With --file it is what the file holds, byte for byte.

A value that is given as an argument is refused: it would stay in the shell's history, and every user of the
machine could see it in the list of processes.`,
		Example: `  crumpet secret set API_KEY
  pass shop/api | crumpet secret set API_KEY --app shop
  crumpet secret set TLS_KEY --file key.pem --stage`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) > 1 || len(args) == 1 && bytes.ContainsRune([]byte(args[0]), '=') {
				return usagef("a value is no argument here: it would stay in your shell's history and be seen in the list of processes. Write `crumpet secret set KEY` alone, and give the value at the prompt, with --file FILE, or on stdin. If what you gave is real, consider it seen")
			}
			return cobra.ExactArgs(1)(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := s.appName(nil); err != nil { // before anything is asked
				return err
			}
			value, err := s.secretValue(args[0], file)
			if err != nil {
				return err
			}
			if err := r.set(args[0], value, paas.ConfigSecret); err != nil {
				return err
			}
			return r.run(cmd.Context())
		},
	}
	r.flagsOn(cmd)
	cmd.Flags().StringVar(&file, "file", "", "file that holds the value; - for stdin, byte for byte")
	must(cmd.MarkFlagFilename("file"))
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		var list []string
		for _, k := range s.configKeys(cmd.Context()) {
			if len(args) == 0 && k.Secret {
				list = append(list, k.Name)
			}
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
	return withApp(s, cmd)
}

// secretValue reads a value from where it does not show.
func (s *session) secretValue(name, file string) (string, error) {
	var text []byte
	var err error
	switch {
	case file != "":
		text, err = s.readFile(file, vault.MaxSecretValue)
	case s.prompts():
		s.say("Value of %s (it is not shown):", name)
		text, err = term.ReadPassword(int(s.in.(*os.File).Fd())) //nolint:forcetypeassert // prompts has looked
	default:
		text, err = s.readFile("-", vault.MaxSecretValue)
		if line := bytes.TrimSuffix(bytes.TrimSuffix(text, []byte("\n")), []byte("\r")); !bytes.ContainsRune(line, '\n') {
			text = line
		}
	}
	if err == nil && len(text) == 0 {
		err = paas.Errorf(paas.Invalid, "The value of %s is empty, so nothing was sent. `crumpet secret unset %s` takes it away.", name, name)
	}
	return string(text), err
}
