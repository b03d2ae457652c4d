// Command crumpet is the developer's CLI, the server and the embedded stack in one binary.
package main

import (
	"os"

	"github.com/crumpet-paas/crumpet/cli"
)

func main() {
	os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
