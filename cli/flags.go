package cli

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// longFlags gives every known long flag that was written with one dash its second one, the habit of
// Nomad's users: pflag would read -team as the short flags t, e, a, m.
func longFlags(root *cobra.Command, args []string) []string {
	known := map[string]bool{"help": true}
	collect(root, known)
	fixed := make([]string, 0, len(args))
	for i, arg := range args {
		if arg == "--" {
			return append(fixed, args[i:]...)
		}
		name, _, _ := strings.Cut(strings.TrimPrefix(arg, "-"), "=")
		if strings.HasPrefix(arg, "-") && len(name) > 1 && known[name] {
			arg = "-" + arg
		}
		fixed = append(fixed, arg)
	}
	return fixed
}

func collect(cmd *cobra.Command, known map[string]bool) {
	for _, set := range []*pflag.FlagSet{cmd.Flags(), cmd.PersistentFlags()} {
		set.VisitAll(func(f *pflag.Flag) { known[f.Name] = true })
	}
	for _, child := range cmd.Commands() {
		collect(child, known)
	}
}

// jsonFlag gives a reading command its --json.
func jsonFlag(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().BoolVar(asJSON, "json", false, "print JSON")
}
