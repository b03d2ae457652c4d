package cli

import (
	"context"
	"log/slog"
	"net"
	"os"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/relay"
)

// newRelayCmd runs on each of Nomad's clients in a cluster that `crumpet cluster up` made. It is hidden, as an init system
// starts it and nobody else.
func newRelayCmd(s *session) *cobra.Command {
	var listen string
	c := relay.Config{}
	cmd := &cobra.Command{
		Use:   "relay --listen ADDR --ca FILE --server ADDR",
		Short: "Lead this machine's connections to a server of Vault that is open",
		Long: `Lead this machine's connections to a server of Vault that is open. Each is asked every two seconds; connections to
one that was sealed or went away are cut, so that they are made again to another. What goes through stays encrypted.

As a service of systemd with Type=notify it says that it is ready when the first server serves.`,
		Example: `  crumpet relay --listen 127.0.0.2:8200 --ca /etc/crumpet/tls/ca.pem \
    --server 10.0.0.1:8200 --server 10.0.0.2:8200 --server 10.0.0.3:8200`,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c.Log = slog.New(slog.NewTextHandler(s.errOut, nil)).With("component", "relay")
			c.Found = func() {
				if err := sayReady(cmd.Context()); err != nil {
					c.Log.Error("systemd was not told that a server of vault serves", "err", err)
				}
			}
			r, err := relay.New(c)
			if err != nil {
				return err
			}
			listener, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", listen)
			if err != nil {
				return paas.Wrap(paas.Unavailable, err, "The address %s can't be listened on.", listen)
			}
			return r.Serve(cmd.Context(), listener)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&listen, "listen", "127.0.0.2:8200", "address to listen on, HOST:PORT")
	flags.StringVar(&c.CA, "ca", "", "file with the certificate of the authority that signed those of the servers, PEM")
	flags.StringArrayVar(&c.Servers, "server", nil, "server of Vault, HOST:PORT; may be given more than once, the first is preferred")
	return cmd
}

// sayReady tells systemd that this service does its work, where it is one that is to say so.
func sayReady(ctx context.Context) error {
	socket := os.Getenv("NOTIFY_SOCKET")
	if socket == "" {
		return nil
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unixgram", socket)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // nothing is left to be sent
	_, err = conn.Write([]byte("READY=1"))
	return err
}
