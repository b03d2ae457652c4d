package integration_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// crumpet is the program under test.
var crumpet string

// stack is what `crumpet dev --stack` is told; proving asks for the sizes of "Must show".
var (
	stack   = orElse(os.Getenv("STACK"), "embedded")
	proving = os.Getenv("PROVE") != ""
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "crumpet-integration-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	crumpet = os.Getenv("CRUMPET_BIN")
	if crumpet == "" {
		crumpet = filepath.Join(dir, "crumpet")
		build := exec.Command("go", "build", "-o", crumpet, "github.com/crumpet-paas/crumpet")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build crumpet: %v\n%s", err, out)
			return 1
		}
	}
	return m.Run()
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
