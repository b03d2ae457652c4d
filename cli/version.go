package cli

import (
	"runtime"

	"github.com/spf13/cobra"
)

// Set by the linker: -X github.com/crumpet-paas/crumpet/cli.version=...
var (
	version = "dev"
	commit  = "unknown"
)

func newVersionCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		RunE: func(*cobra.Command, []string) error {
			if asJSON {
				return s.printJSON(map[string]string{"version": version, "commit": commit, "go": runtime.Version()})
			}
			s.print("crumpet %s (commit %s, %s)", version, commit, runtime.Version())
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}
