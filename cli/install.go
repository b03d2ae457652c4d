package cli

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/install"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/store"
)

// installing is what the flags of install say.
type installing struct {
	wish      install.Wish
	database  string // files
	admin     string
	adminFile string
	router    string
	jwksCA    string
	plan      bool
	asJSON    bool
}

func newInstallCmd(s *session) *cobra.Command {
	var in installing
	cmd := &cobra.Command{
		Use:   "install",
		Short: "Put Crumpet on a Nomad, Consul and Vault that are there, or upgrade it",
		Long: `Writes what the platform needs (mounts, policies, roles, tokens, a namespace, secrets) and runs two jobs of Nomad:
Fabio on every node, and Crumpet's servers behind it. The cluster and your rights on it are those of NOMAD_ADDR,
NOMAD_TOKEN, CONSUL_HTTP_ADDR, CONSUL_HTTP_TOKEN, VAULT_ADDR, VAULT_TOKEN (or ~/.vault-token) and their TLS variables.

--plan shows every object that would be written, and writes nothing. What is as wished is left alone, so that a run that
was cut off is simply run again. What was wished is kept in Vault: the next run says only what is to change.

To upgrade, run the newer program: it starts one server of its version beside those that are there, and replaces them one
by one once it serves. If it does not serve, none of them is touched, and it says why. Running apps notice nothing.

Secrets go to Vault and nowhere else. docs/install.md walks through it.`,
		Example: `  crumpet install --domain apps.example.com --database-file database --admin ann --plan
  crumpet install --domain apps.example.com --database-file database --admin ann
  crumpet install --version 1.4.0
  crumpet install --source https://example.com/crumpet-1.4.0.tar.gz --checksum sha256:HEX --version 1.4.0`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.install(cmd.Context(), in) },
	}
	in.flags(cmd)
	return cmd
}

func (in *installing) flags(cmd *cobra.Command) {
	w, flags := &in.wish, cmd.Flags()
	flags.StringVar(&w.Domain, "domain", "", "domain of the apps: one without a route gets APP.DOMAIN")
	flags.StringVar(&w.Host, "host", "", "host name of Crumpet's API and UI (default crumpet.DOMAIN)")
	flags.StringVar(&w.URL, "url", "", "URL at which browsers reach it, where something before the routers ends TLS")
	flags.StringVar(&in.database, "database-file", "", "file that holds the URL of a PostgreSQL database; - for stdin")
	flags.IntVar(&w.Count, "count", 0, "Crumpet's servers (default 2)")
	flags.StringVar(&w.Crumpet.Version, "version", "", "version of Crumpet to run (default this program's)")
	flags.StringVar(&w.Crumpet.Source, "source", "", "URL from which nodes fetch Crumpet, a program or an archive")
	flags.StringVar(&w.Crumpet.Checksum, "checksum", "", "sha256:HEX of what --source names")
	flags.StringVar(&w.Fabio.Version, "fabio-version", "", "version of Fabio to run (default 1.7.3)")
	flags.StringVar(&w.Fabio.Source, "fabio-source", "", "URL from which nodes fetch Fabio")
	flags.StringVar(&w.Fabio.Checksum, "fabio-checksum", "", "sha256:HEX of what --fabio-source names")
	flags.StringVar(&w.Driver, "driver", "", "task driver of both: exec, or raw_exec (default exec)")
	flags.StringVar(&w.Volume, "volume", "", "with exec: host volume that holds NAME-VERSION (default crumpet-programs)")
	flags.StringVar(&w.Folder, "folder", "", "with raw_exec: folder of the nodes that holds NAME-VERSION (default /opt/crumpet/bin)")
	flags.StringVar(&w.Toolchain, "toolchain", "", "host volume that holds a Go toolchain, for apps that are built here")
	flags.StringVar(&w.GoProxy, "goproxy", "", "GOPROXY of builds")
	flags.StringVar(&w.Drivers, "app-drivers", "", "task drivers that apps may use, joined by commas (default exec)")
	flags.IntVar(&w.Memory, "memory", 0, "memory of a server, MB (default 512)")
	flags.IntVar(&w.RouterPort, "router-port", 0, "port that requests go in by (default 80)")
	flags.StringVar(&w.Listen, "router-address", "", "address that routers listen on (default every one)")
	flags.IntVar(&w.AdminPort, "admin-port", 0, "port of the routers' API (default 9998)")
	flags.StringSliceVar(&w.Proxies, "trusted-proxy", nil, "address or range of routers (default Nomad's nodes)")
	flags.StringSliceVar(&w.Datacenters, "datacenter", nil, "where the jobs may run (default all)")
	flags.StringVar(&w.Pool, "node-pool", "", "pool of the nodes that the jobs may run on (default default)")
	flags.StringVar(&w.NomadURL, "node-nomad", "", "Nomad as a node's servers reach it (default NOMAD_ADDR's port on 127.0.0.1)")
	flags.StringVar(&w.ConsulURL, "node-consul", "", "Consul likewise, without TLS (default http://127.0.0.1:8500)")
	flags.StringVar(&w.VaultURL, "node-vault", "", "Vault likewise (default VAULT_ADDR)")
	flags.StringVar(&w.JWKS, "jwks-url", "", "URL at which Vault reads Nomad's public keys (default that of Nomad)")
	flags.StringVar(&in.jwksCA, "jwks-ca-file", "", "authority of that URL's certificate, PEM (default NOMAD_CACERT)")
	flags.StringVar(&in.admin, "admin", "", "make this user, an admin of the platform")
	flags.StringVar(&in.adminFile, "admin-file", "", "file that holds the admin's password; - for stdin; else it is asked for")
	flags.StringVar(&in.router, "router", "", "URL of a router as it is reached from here (default the first that Consul knows)")
	flags.BoolVar(&in.plan, "plan", false, "show what would be written, and write nothing")
	for _, name := range []string{"database-file", "jwks-ca-file", "admin-file"} {
		must(cmd.MarkFlagFilename(name))
	}
	jsonFlag(cmd, &in.asJSON)
}

func (s *session) install(ctx context.Context, in installing) error {
	if in.adminFile != "" && in.admin == "" {
		return usagef("--admin-file is the password of --admin, which is missing")
	}
	cfg := install.Config{
		API: crumpetAPI, Router: in.router, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Say: func(format string, args ...any) { s.say("  "+format, args...) },
	}
	var err error
	if cfg.Nomad, cfg.Consul, cfg.Vault, err = clusterCalls(); err != nil {
		return err
	}
	if cfg.Wish, err = s.wish(ctx, in, &cfg); err != nil {
		return err
	}
	if cfg.Wish.Crumpet.Version == version {
		if cfg.Schema, err = store.Schema(); err != nil {
			return err
		}
	}
	i, err := install.New(cfg)
	if err != nil {
		return err
	}
	if in.plan {
		return s.installPlan(ctx, i, in.asJSON)
	}
	result, err := i.Run(ctx)
	if err != nil {
		return err
	}
	if in.asJSON {
		return s.printJSON(result)
	}
	s.installed(result)
	return nil
}

// wish is what was wished before, with what is said now over it.
func (s *session) wish(ctx context.Context, in installing, cfg *install.Config) (install.Wish, error) {
	wish := install.Default()
	wish.NomadURL, wish.VaultURL = onNode(nomadAddr()), strings.TrimSuffix(vaultAddr(), "/")
	if at := consulAddr(); strings.HasPrefix(at, "http:") {
		wish.ConsulURL = onNode(at)
	}
	saved, err := install.Saved(ctx, cfg.Vault)
	switch {
	case err == nil:
		if wish, err = wish.Over(saved); err != nil {
			return wish, err
		}
	case paas.CodeOf(err) != paas.NotFound:
		return wish, err
	}
	if in.wish.Crumpet.Version == "" {
		in.wish.Crumpet.Version = version
	}
	if err := s.installSecrets(in, cfg, &in.wish); err != nil {
		return wish, err
	}
	return wish.Over(in.wish)
}

// installSecrets reads what goes to Vault. A password is asked for only by a run that writes.
func (s *session) installSecrets(in installing, cfg *install.Config, wish *install.Wish) (err error) {
	given := &cfg.Given
	if in.database != "" {
		if given.Database, err = s.password("database-file", in.database, ""); err != nil {
			return err
		}
		if u, err := url.Parse(given.Database); err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") || u.Host == "" {
			return paas.Errorf(paas.Invalid, "%s does not hold the URL of a database, such as postgres://USER:PASSWORD@HOST/DATABASE.", in.database)
		}
	}
	for _, f := range []struct {
		env string
		to  *string
	}{
		{"NOMAD_CLIENT_CERT", &given.NomadCert}, {"NOMAD_CLIENT_KEY", &given.NomadKey}, {"NOMAD_CACERT", &given.NomadCA}, {"VAULT_CACERT", &given.VaultCA},
	} {
		if path := os.Getenv(f.env); path != "" {
			text, err := os.ReadFile(path)
			if err != nil {
				return paas.Wrap(paas.Invalid, err, "%s names %s, which can't be read.", f.env, path)
			}
			*f.to = string(text)
		}
	}
	wish.NomadTLS = given.NomadCA != "" && given.NomadCert != "" && given.NomadKey != ""
	wish.VaultTLS = given.VaultCA != ""
	wish.JWKSCA = ""
	if in.jwksCA != "" {
		text, err := s.readFile(in.jwksCA, longestInput)
		if err != nil {
			return err
		}
		wish.JWKSCA = string(text)
	} else if given.NomadCA != "" {
		wish.JWKSCA = given.NomadCA
	}
	if in.admin != "" && !in.plan {
		given.Admin.Name = in.admin
		if given.Admin.Password, err = s.newPassword(in.admin, in.adminFile); err != nil {
			return err
		}
	}
	return nil
}

func (s *session) installPlan(ctx context.Context, i *install.Install, asJSON bool) error {
	there, err := i.Survey(ctx)
	if err != nil {
		return err
	}
	list, err := i.Plan(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return s.printJSON(struct {
			There   install.Survey   `json:"there"`
			Objects []install.Object `json:"objects"`
		}{there, list})
	}
	s.say("Nomad %s (ACLs %s), Consul %s (ACLs %s), Vault %s; %d nodes can run the platform.",
		there.Nomad.Version, onOff(there.Nomad.ACL), there.Consul.Version, onOff(there.Consul.ACL), there.Vault.Version, len(there.Nodes))
	for _, f := range there.Fabio {
		s.say("A Fabio at %s is there and is kept; docs/routing.md says what Crumpet needs of it.", f.Address)
	}
	if len(list) == 0 {
		s.print("All is as wished: nothing would be written.")
		return nil
	}
	var rows [][]string
	for _, o := range list {
		rows = append(rows, []string{o.Program, o.Kind, o.Name, o.Why})
	}
	s.table(s.out, []string{"PROGRAM", "OBJECT", "NAME", "WHY IT WOULD BE WRITTEN"}, rows)
	return nil
}

func (s *session) installed(r install.Result) {
	if len(r.Objects) == 0 {
		s.print("All is as wished: Crumpet %s serves.", r.Version)
	} else {
		s.print("Crumpet %s serves; %d objects were written in %s.", r.Version, len(r.Objects), r.Took)
	}
	s.print("")
	s.print("  Crumpet  %s", r.URL)
	s.print("  Apps     %s", r.Apps)
	s.print("  Router   %s   lead the names above to it, and to that of every other node", r.Router)
	if r.Admin != "" {
		s.print("  Admin    %s", r.Admin)
	}
	s.print("")
	s.print("Next: crumpet login %s", r.URL)
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// onNode is an agent's address as a node reaches its own one.
func onNode(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Port() == "" {
		return address // the wish's faults will name it
	}
	return u.Scheme + "://" + net.JoinHostPort("127.0.0.1", u.Port())
}

func nomadAddr() string { return env("NOMAD_ADDR", "http://127.0.0.1:4646") }
func vaultAddr() string { return env("VAULT_ADDR", "https://127.0.0.1:8200") }

// consulAddr takes HOST:PORT as well, as Consul's own command does.
func consulAddr() string {
	at := env("CONSUL_HTTP_ADDR", "127.0.0.1:8500")
	switch {
	case strings.Contains(at, "://"):
		return at
	case os.Getenv("CONSUL_HTTP_SSL") == "true" || os.Getenv("CONSUL_HTTP_SSL") == "1":
		return "https://" + at
	}
	return "http://" + at
}

func env(name, other string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return other
}

// clusterCalls reach the three programs as an operator's environment says.
func clusterCalls() (nomad, consul, vault install.Call, err error) {
	for _, p := range []struct {
		to                        *install.Call
		name, address, header     string
		token, ca, cert, key, sni string
	}{
		{&nomad, "Nomad", nomadAddr(), "X-Nomad-Token", os.Getenv("NOMAD_TOKEN"), "NOMAD_CACERT", "NOMAD_CLIENT_CERT", "NOMAD_CLIENT_KEY", "NOMAD_TLS_SERVER_NAME"},
		{&consul, "Consul", consulAddr(), "X-Consul-Token", os.Getenv("CONSUL_HTTP_TOKEN"), "CONSUL_CACERT", "CONSUL_CLIENT_CERT", "CONSUL_CLIENT_KEY", "CONSUL_TLS_SERVER_NAME"},
		{&vault, "Vault", vaultAddr(), "X-Vault-Token", vaultToken(), "VAULT_CACERT", "VAULT_CLIENT_CERT", "VAULT_CLIENT_KEY", "VAULT_TLS_SERVER_NAME"},
	} {
		config, err := tlsOf(p.ca, p.cert, p.key, p.sni)
		if err != nil {
			return nil, nil, nil, err
		}
		endpoint := install.Endpoint{Name: p.name, Address: p.address, Header: p.header, Token: p.token, HTTP: &http.Client{
			Transport: &http.Transport{TLSClientConfig: config, Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext},
			// A redirect would take the token somewhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}}
		*p.to = endpoint.Call
	}
	return nomad, consul, vault, nil
}

// vaultToken is that of the environment, or the one that `vault login` has kept.
func vaultToken() string {
	if token := os.Getenv("VAULT_TOKEN"); token != "" {
		return token
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(home, ".vault-token"))
	if err != nil {
		return "" // Vault will say that there is none
	}
	return strings.TrimSpace(string(text))
}

func tlsOf(ca, cert, key, name string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: os.Getenv(name)}
	if path := os.Getenv(ca); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, paas.Wrap(paas.Invalid, err, "%s names %s, which can't be read.", ca, path)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(text) {
			return nil, paas.Errorf(paas.Invalid, "%s names %s, which holds no certificate.", ca, path)
		}
	}
	if os.Getenv(cert) != "" || os.Getenv(key) != "" {
		pair, err := tls.LoadX509KeyPair(os.Getenv(cert), os.Getenv(key))
		if err != nil {
			return nil, paas.Wrap(paas.Invalid, err, "%s and %s name no certificate and its key.", cert, key)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// crumpetAPI calls Crumpet by way of a router, whatever its host name leads to yet.
func crumpetAPI(wish install.Wish, router, token string) install.Call {
	endpoint := install.Endpoint{
		Name: "Crumpet", Address: router, Host: wish.Host, HTTP: &http.Client{
			Transport:     &http.Transport{DialContext: (&net.Dialer{Timeout: 5 * time.Second}).DialContext, DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if token != "" {
		endpoint.Header, endpoint.Token = "Authorization", "Bearer "+token
	}
	return endpoint.Call
}
