package cli

import (
	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/spec"
)

func newReferenceCmd(s *session) *cobra.Command {
	return &cobra.Command{
		Use:     "reference",
		Short:   "Print every key of an app spec with its default",
		Example: "  crumpet reference | less",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := s.out.Write([]byte(spec.Reference))
			return err
		},
	}
}
