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

// ParseEnv reads a .env file into NAME=VALUE, or PLACE MESSAGE for each fault.
func ParseEnv(file, text string) (found, faults []string) {
	variables, wrong := parseEnv(file, []byte(text))
	for _, v := range variables {
		found = append(found, v.name+"="+v.value)
	}
	for _, f := range wrong {
		faults = append(faults, f.Location+" "+f.Message)
	}
	return found, faults
}

// EnvLine writes an assignment.
func EnvLine(name, value string) string { return envLine(name, value) }
