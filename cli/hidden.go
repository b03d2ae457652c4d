package cli

import (
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/build/static"
	"github.com/crumpet-paas/crumpet/server/devstack"
)

// newDevstackCmd is one part of the embedded stack, as a child process of `crumpet dev`. Its
// arguments are the part's own.
func newDevstackCmd(s *session) *cobra.Command {
	return &cobra.Command{
		Use:                "devstack NAME ...",
		Short:              "Run one part of the embedded stack",
		Hidden:             true,
		DisableFlagParsing: true,
		Args:               cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if code := devstack.Serve(cmd.Context(), args[0], args[1:], s.errOut); code != exitDone {
				return &codeError{errors.New("devstack ended early"), code}
			}
			return nil
		},
	}
}

// newStaticCmd serves a folder: what runs on a node for an app with a static build.
func newStaticCmd(s *session) *cobra.Command {
	var dir, listen string
	cmd := &cobra.Command{
		Use:     "static --dir DIR --listen ADDR",
		Short:   "Serve a folder over HTTP",
		Example: `  crumpet static --dir public --listen 127.0.0.1:8080`,
		Hidden:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if os.Getenv(canaryMark) != "" {
				return serveCanary(cmd.Context(), s.out, listen)
			}
			return static.Serve(cmd.Context(), dir, listen)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".", "folder")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "address to listen on")
	return cmd
}

// newOpenAPICmd prints the API's description without a server: the types of the web UI are made from it.
func newOpenAPICmd(s *session) *cobra.Command {
	return &cobra.Command{
		Use:     "openapi",
		Short:   "Print the description of the HTTP API",
		Example: `  crumpet openapi > openapi.json`,
		Hidden:  true,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			text, err := api.New(api.Config{Log: slog.New(slog.DiscardHandler)}).Document()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(s.out, string(text))
			return err
		},
	}
}

// codeError is a failure that has said what it is, with the exit code of its own.
type codeError struct {
	error
	code int
}
