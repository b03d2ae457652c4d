package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/agext/levenshtein"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usageError is a command line that can't be meant.
type usageError struct{ error }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// asUsage makes what is wrong with the arguments a matter of usage, and so of exit code 2.
func asUsage(check cobra.PositionalArgs) cobra.PositionalArgs {
	if check == nil {
		check = cobra.NoArgs
	}
	return func(cmd *cobra.Command, args []string) error {
		err := check(cmd, args)
		if _, said := errors.AsType[*usageError](err); err == nil || said {
			return err
		}
		form := strings.TrimSuffix(cmd.UseLine(), " [flags]")
		if len(args) == 0 || check(cmd, append(slices.Clone(args), "one more")) == nil {
			return usagef("an argument is missing: write `%s`", form)
		}
		return usagef("there are too many arguments: write `%s`", form)
	}
}

// exclusive refuses flags that contradict each other, as a matter of usage: cobra's own check speaks of groups,
// and is no usageError.
func exclusive(cmd *cobra.Command, names ...string) {
	check := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		var said []string
		for _, name := range names {
			if cmd.Flags().Changed(name) {
				said = append(said, "--"+name)
			}
		}
		if len(said) > 1 {
			return usagef("%s can't be meant together: leave one out", strings.Join(said, " and "))
		}
		return check(cmd, args)
	}
}

// flagError says what is wrong with a flag, without the words of the library that parses it.
func flagError(cmd *cobra.Command, err error) error {
	if e, ok := errors.AsType[*pflag.NotExistError](err); ok {
		if names := e.GetSpecifiedShortnames(); len(names) > 1 { // one dash, and none of the long flags
			name, _, _ := strings.Cut(names, "=")
			return unknownFlag(cmd, name)
		}
		if name := e.GetSpecifiedName(); len(name) > 1 {
			return unknownFlag(cmd, name)
		}
		return usagef("there is no flag -%s", e.GetSpecifiedName())
	}
	if e, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		return usagef("--%s needs a value", e.GetFlag().Name)
	}
	if e, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		kind := e.GetFlag().Value.Type()
		switch kind {
		case "int":
			kind = "a whole number"
		case "bool":
			kind = "true or false"
		}
		return usagef("--%s takes %s, not %q", e.GetFlag().Name, kind, e.GetValue())
	}
	return &usageError{err}
}

func unknownFlag(cmd *cobra.Command, name string) error {
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			known = append(known, f.Name)
		}
	})
	if best := closest(name, known); best != "" {
		return usagef("there is no flag --%s; did you mean --%s?", name, best)
	}
	return usagef("there is no flag --%s", name)
}

// suggest names the command that a mistyped one is closest to.
func suggest(cmd *cobra.Command, word string) string {
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	if best := closest(word, known); best != "" {
		return fmt.Sprintf("; did you mean %q?", best)
	}
	return ""
}

// closest gives the known word that a mistyped one was most likely meant to be, or "".
func closest(word string, known []string) string {
	best, name := min(2, len(word)/2)+1, "" // letters added, dropped or changed
	for _, k := range known {
		if d := levenshtein.Distance(word, k, nil); d < best {
			best, name = d, k
		}
	}
	return name
}

// newHelpCmd is cobra's help, but for a word that is no command it fails.
func newHelpCmd() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			about, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("there is no command %q%s", strings.Join(args, " "), suggest(cmd.Root(), args[0]))
			}
			return about.Help()
		},
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			var names []string
			about, _, err := cmd.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			for _, c := range about.Commands() {
				if c.IsAvailableCommand() {
					names = append(names, c.Name()+"\t"+c.Short)
				}
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
	}
}

// refuseOthers makes a command that only holds others fail for a word that is none of them, where
// cobra would print its help as if all were well.
func refuseOthers(cmd *cobra.Command) {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		return usagef("there is no command %q%s", cmd.Name()+" "+args[0], suggest(cmd, args[0]))
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// osReason is what the operating system said about a file, the one part of a cause that its reader
// can act on; "" for any other cause.
func osReason(err error) string {
	var path *fs.PathError
	var number syscall.Errno
	if !errors.As(err, &path) || !errors.As(path.Err, &number) {
		return ""
	}
	return fmt.Sprintf("%s: %s", path.Path, number)
}
