package nomad

import (
	"io"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/executor"
)

// Executor is the process of the task shim: `crumpet devstack executor`. Args
// are what follows that. It returns the exit code.
func Executor(args []string, stdin io.Reader, stdout io.WriteCloser) int {
	return executor.Main(args, stdin, stdout)
}
