package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newExecCmd(s *session) *cobra.Command {
	var start wire.ExecStart
	var noTTY bool
	cmd := &cobra.Command{
		Use:   "exec [APP] -- COMMAND [ARG...]",
		Short: "Run a command in an instance, such as a shell",
		Long: `Runs a command beside the program of an instance: in its folder, with its environment, as its user. What
is typed goes to the command and what it writes comes back; it ends with the command's own exit code, and
with 255 if there could be none.

On a terminal the command has one too: it hears Ctrl-C, and learns of the window's size. Otherwise its
input is what is piped in, to its end; Ctrl-C then ends the connection.

The instance is one that serves, of process web or the only one; --instance takes another one's number,
also with its process as in web.2, or the beginning of its id. The task has what its artifact and the node give it: whether there is a shell is
up to them. That you run a command is told in ` + "`crumpet events`" + `: the program and where, not its arguments.`,
		Example: `  crumpet exec shop -- sh
  crumpet exec shop --instance 2 -- cat config.json
  crumpet exec shop --process worker --task proxy -- env
  crumpet exec shop -- sh -c 'cat > /tmp/dump' < dump.sql`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			dash := cmd.ArgsLenAtDash()
			switch {
			case dash < 0 || len(args) == dash:
				return s.runFailed(cmd, usagef("no command is given: write `crumpet exec APP -- COMMAND`"))
			case dash > 1:
				return s.runFailed(cmd, usagef("%q is too much: the command stands after --", args[1]))
			}
			start.Command = args[dash:]
			return s.runFailed(cmd, s.exec(cmd.Context(), args[:dash], start, noTTY))
		},
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return s.runFailed(cmd, flagError(cmd, err)) })
	flags := cmd.Flags()
	flags.StringVar(&start.Instance, "instance", "", "the instance: its number, as web.2 if of another process, or the beginning of its id")
	flags.StringVar(&start.Process, "process", "", "process of the instance; web or the only one unless said")
	flags.StringVar(&start.Task, "task", "", "a sidecar of the instance instead of its own program")
	flags.BoolVar(&noTTY, "no-tty", false, "no terminal for the command, though there is one here")
	s.completeInstances(cmd)
	must(cmd.RegisterFlagCompletionFunc("task", cobra.NoFileCompletions))
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return s.appNames(cmd.Context()), cobra.ShellCompDirectiveNoFileComp
	}
	return withApp(s, cmd)
}

func (s *session) exec(ctx context.Context, args []string, start wire.ExecStart, noTTY bool) error {
	app, err := s.appName(args)
	if err != nil {
		return err
	}
	if err := paas.ValidCommand(start.Command); err != nil {
		return usagef("%s", paas.MessageOf(err))
	}
	c, err := s.client()
	if err != nil {
		return err
	}
	streams := client.ExecStreams{In: s.in, Out: s.out, Err: s.errOut}
	terminal := -1
	in, isFile := s.in.(*os.File)
	out, outFile := s.out.(*os.File)
	if isFile && outFile && !noTTY && term.IsTerminal(int(in.Fd())) && term.IsTerminal(int(out.Fd())) {
		terminal = int(in.Fd())
		start.TTY = true
		start.Size = sizeOf(int(out.Fd()))
		sizes, stop := watchSize(int(out.Fd()))
		defer stop()
		streams.Sizes = sizes
		before, err := term.MakeRaw(terminal) // from here on each key goes to the command
		if err != nil {
			return err
		}
		defer func() { _ = term.Restore(terminal, before) }() // nobody is left to tell
		streams.Err = io.Discard                              // a terminal has one output
	}
	end, err := c.Exec(ctx, app, start, streams)
	switch {
	case ctx.Err() != nil:
		return &codeError{errors.New("interrupted"), exitInterrupted}
	case err != nil:
		return err
	case end.Reason != "":
		s.say("\r\nThe command was ended: %s", end.Reason)
	}
	if end.Exit != 0 {
		return &codeError{errors.New("the command failed"), end.Exit}
	}
	return nil
}

func sizeOf(fd int) paas.TerminalSize {
	columns, rows, err := term.GetSize(fd)
	if err != nil {
		return paas.TerminalSize{}
	}
	return paas.TerminalSize{Rows: rows, Columns: columns}
}

// watchSize tells of each change of a terminal's size until stop is called.
func watchSize(fd int) (sizes <-chan paas.TerminalSize, stop func()) {
	signals, changed, done := make(chan os.Signal, 1), make(chan paas.TerminalSize), make(chan struct{})
	signal.Notify(signals, syscall.SIGWINCH)
	ended := make(chan struct{})
	go func() { // ends with stop
		defer close(ended)
		for {
			select {
			case <-done:
				return
			case <-signals:
			}
			select {
			case <-done:
				return
			case changed <- sizeOf(fd):
			}
		}
	}()
	return changed, func() {
		signal.Stop(signals)
		close(done)
		<-ended
	}
}
