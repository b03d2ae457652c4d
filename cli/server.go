package cli

import (
	"context"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server"
	"github.com/crumpet-paas/crumpet/server/config"
)

func newServerCmd(s *session) *cobra.Command {
	var file string
	var printDefault bool
	var over config.Config
	cmd := &cobra.Command{
		Use:   "server",
		Short: "Run the API server against a Nomad, Consul, Vault and Fabio",
		Long: `Run Crumpet's server: the HTTP API, the builds, and the loops that make the cluster what the
store says.

Settings come, each over the one before, from the defaults, the file, the environment (CRUMPET_NAME,
CRUMPET_LISTEN, CRUMPET_ADVERTISE, CRUMPET_DATA, CRUMPET_DOMAIN, CRUMPET_STORE_URL, NOMAD_ADDR,
NOMAD_TOKEN, CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN, VAULT_ADDR, VAULT_TOKEN) and flags. The first start
writes the first user's token to root-token in the data folder.

With a PostgreSQL database several servers may run, each with a data folder of its own: all of them serve,
and one leads. The database's URL holds a password, so there is no flag for it.`,
		Example: `  crumpet server --print-default-config > server.hcl
  crumpet server --config server.hcl
  CRUMPET_STORE_URL=postgres://... crumpet server --config server.hcl --name north`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if printDefault {
				_, err := io.WriteString(s.out, config.DefaultHCL)
				return err
			}
			cfg, err := config.Load(file, os.Getenv, over)
			if err != nil {
				return err
			}
			return s.serve(cmd.Context(), cfg)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&file, "config", "", "configuration file, HCL")
	flags.BoolVar(&printDefault, "print-default-config", false, "print every key with its default, and end")
	flags.StringVar(&over.Name, "name", "", "name of this server among several (default the machine's)")
	flags.StringVar(&over.Listen, "listen", "", "address of the HTTP API")
	flags.StringVar(&over.Advertise, "advertise", "", "URL under which nodes reach this server")
	flags.StringVar(&over.Data, "data", "", "folder of the store, artifacts and build caches")
	flags.StringVar(&over.LogLevel, "log-level", "", "debug, info, warn or error")
	return cmd
}

// serve runs a server until ctx ends. It logs to stderr.
func (s *session) serve(ctx context.Context, cfg config.Config) (err error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.LogLevel)); err != nil {
		return err
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	srv, err := server.Open(ctx, cfg, server.Options{
		Log:     slog.New(slog.NewTextHandler(s.errOut, &slog.HandlerOptions{Level: level})),
		Version: version, Executable: executable, Boundaries: os.Getenv("CRUMPET_DEV_BOUNDARIES"),
	})
	if err != nil {
		return err
	}
	defer func() {
		if closing := srv.Close(); err == nil {
			err = closing
		}
	}()
	return srv.Run(ctx)
}
