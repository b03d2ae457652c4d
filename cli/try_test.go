package cli_test

import (
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/cli"
	"github.com/crumpet-paas/crumpet/server/why"
)

// TestWhatWhySaysToTryExists finds each command of the table of causes, with its flags.
func TestWhatWhySaysToTryExists(t *testing.T) {
	t.Parallel()
	for _, row := range why.Causes {
		for _, try := range row.Try {
			words := strings.Fields(try)
			switch words[0] {
			case "crumpet":
			case "nomad", "consul", "vault": // of the cluster's own programs
				continue
			default:
				t.Errorf("%s: nobody knows %q", row.ID, try)
				continue
			}
			root := cli.NewRoot()
			found, rest, err := root.Find(words[1:])
			if err != nil || found == root {
				t.Errorf("%s: %q is no command: %v", row.ID, try, err)
				continue
			}
			if err := found.ParseFlags(rest); err != nil {
				t.Errorf("%s: %q: %v", row.ID, try, err)
			}
			if err := found.ValidateArgs(found.Flags().Args()); err != nil {
				t.Errorf("%s: %q: %v", row.ID, try, err)
			}
		}
	}
}
