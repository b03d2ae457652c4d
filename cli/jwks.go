package cli

import (
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/jwks"
)

// newJWKSCmd runs beside each of Nomad's servers in a cluster that `crumpet cluster up` made. It is hidden, as an init
// system starts it and nobody else.
func newJWKSCmd(s *session) *cobra.Command {
	var nomad string
	var listen []string
	var files jwks.Files
	cmd := &cobra.Command{
		Use:   "jwks --nomad URL --listen ADDR --ca FILE --cert FILE --key FILE",
		Short: "Hand out Nomad's public keys to Vault and Consul",
		Long: `Hand out the public keys by which Vault and Consul verify the identities of Nomad's workloads. They have no
client certificate to fetch them from a Nomad that demands one. Only GET ` + jwks.Path + ` is answered.

The certificate and its key are read again when they change.`,
		Example: `  crumpet jwks --nomad https://10.0.0.1:4646 --listen 127.0.0.1:4651 \
    --ca /etc/crumpet/tls/ca.pem --cert /etc/crumpet/tls/nomad.pem --key /etc/crumpet/tls/nomad-key.pem`,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(listen) == 0 {
				return usagef("--listen is missing: name an address such as 127.0.0.1:4651")
			}
			return jwks.Serve(cmd.Context(), nomad, listen, files, slog.New(slog.NewTextHandler(s.errOut, nil)).With("component", "jwks"))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&nomad, "nomad", "https://127.0.0.1:4646", "URL of Nomad's API")
	flags.StringArrayVar(&listen, "listen", nil, "address to listen on, HOST:PORT; may be given more than once")
	flags.StringVar(&files.CA, "ca", "", "file with the certificate of the authority, PEM")
	flags.StringVar(&files.Cert, "cert", "", "file with this machine's certificate, PEM")
	flags.StringVar(&files.Key, "key", "", "file with the certificate's key, PEM")
	return cmd
}
