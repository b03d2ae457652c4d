package cli

import (
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// NewRoot makes the tree of commands, to be looked at.
func NewRoot() *cobra.Command {
	return newRootCmd(newSession(strings.NewReader(""), io.Discard, io.Discard))
}
