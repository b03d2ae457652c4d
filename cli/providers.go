package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newProvidersCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "providers",
		Short: "Database servers and service brokers that service instances come from",
		Long: `An operator registers a PostgreSQL server, and each instance is a database of its own on it, or a service
broker that speaks the Open Service Broker API. What opens them is kept in Vault and never shown.`,
		Example: `  crumpet providers list
  crumpet providers add postgres main --url postgres://admin@db.example.com:5432/postgres --password-file F
  crumpet providers add broker acme --url https://broker.example.com --username crumpet --password-file F`,
	}
	added := &cobra.Command{
		Use:   "add",
		Short: "Register a database server or a service broker",
	}
	add(added, "", newAddPostgresCmd(s), newAddBrokerCmd(s))
	refuseOthers(added)
	add(cmd, "", added, newProvidersListCmd(s), newProviderShowCmd(s), newProviderRemoveCmd(s), newProviderRefreshCmd(s))
	refuseOthers(cmd)
	return cmd
}

const instead = "leave it out of the URL, and give --password-file FILE (- for stdin)"

func newAddPostgresCmd(s *session) *cobra.Command {
	r := wire.AddProvider{Kind: paas.KindPostgres}
	var file, sslmode string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "postgres NAME",
		Short: "Register a PostgreSQL server on which databases are made",
		Long: `Registers a server by the URL of a database on it and a user who may make databases and roles. The
password is read from --password-file, or asked for on the terminal. Vault replaces it by one that nobody
but Vault knows, unless --keep-password says that others use it too. The same command with another password
changes it.`,
		Example: `  crumpet providers add postgres main --url postgres://admin@db.example.com:5432/postgres
  pass db/admin | crumpet providers add postgres main --url postgres://admin@db/postgres --password-file -
  crumpet providers add postgres main --url postgres://admin@db/postgres --password-file F --keep-password --sslmode verify-full`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			u, err := providerURL(r.URL, "postgres", "postgresql")
			if err != nil {
				return err
			}
			if sslmode != "" {
				if !slices.Contains(sslModes, sslmode) {
					return usagef("--sslmode takes one of %s, not %q", strings.Join(sslModes, ", "), sslmode)
				}
				query := u.Query()
				query.Set("sslmode", sslmode)
				u.RawQuery = query.Encode()
			}
			if u.User.Username() == "" && r.Username == "" {
				return usagef("the user is not said: give it in --url, as in postgres://admin@%s, or with --username", u.Host)
			}
			r.Name, r.URL = args[0], u.String()
			question := fmt.Sprintf("Password of %s at %s", cmp.Or(r.Username, u.User.Username()), u.Host)
			if r.Password, err = s.password("password-file", file, question); err != nil {
				return err
			}
			return s.addProvider(cmd.Context(), r, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.URL, "url", "", "of a database on the server, with the user and without the password")
	flags.StringVar(&r.Username, "username", "", "who makes databases and roles, where the URL does not name it")
	flags.StringVar(&file, "password-file", "", "a file with the password, or - for stdin; else it is asked for")
	flags.BoolVar(&r.KeepPassword, "keep-password", false, "don't have Vault replace the password")
	flags.StringVar(&sslmode, "sslmode", "", "how the connection is protected, such as verify-full")
	jsonFlag(cmd, &asJSON)
	completeFlag(cmd, "sslmode", words(sslModes...))
	return cmd
}

// sslModes are those of PostgreSQL's words that leave nothing to chance: allow and prefer fall back.
var sslModes = []string{"verify-full", "verify-ca", "require", "disable"}

// providerURL checks an address without ever showing it: who gives a bad one may have put a password into it.
func providerURL(text string, schemes ...string) (*url.URL, error) {
	form := schemes[0] + "://host.example.com"
	if text == "" {
		return nil, usagef("the address is not said: give --url, such as %s", form)
	}
	if err := plainURL("url", text, instead); err != nil {
		return nil, err
	}
	u, err := url.Parse(text)
	if err != nil || !slices.Contains(schemes, u.Scheme) {
		return nil, usagef("--url begins with %s://, as in %s", strings.Join(schemes, ":// or "), form)
	}
	return u, nil
}

func newAddBrokerCmd(s *session) *cobra.Command {
	r := wire.AddProvider{Kind: paas.KindBroker}
	var file, token, ca string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "broker NAME",
		Short: "Register a service broker (Open Service Broker API 2.17)",
		Long: `Registers a broker and reads its catalog. It is opened with a user and a password, which is read from
--password-file or asked for on the terminal, or with a token from --token-file.`,
		Example: `  crumpet providers add broker acme --url https://broker.example.com --username crumpet
  crumpet providers add broker acme --url https://broker.example.com --token-file token --ca-file ca.pem`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			u, err := providerURL(r.URL, "https", "http")
			switch {
			case err != nil:
				return err
			case token == "" && r.Username == "" && u.User.Username() == "":
				return usagef("who is to open it is not said: give --username (and --password-file), or --token-file")
			case token != "" && r.Username != "":
				return usagef("--username and --token-file can't be meant together: leave one out")
			}
			r.Name = args[0]
			if token != "" {
				r.Token, err = s.password("token-file", token, "")
			} else {
				r.Username = cmp.Or(r.Username, u.User.Username())
				u.User = nil
				r.URL = u.String()
				r.Password, err = s.password("password-file", file, fmt.Sprintf("Password of %s at %s", r.Username, u.Host))
			}
			if err != nil {
				return err
			}
			if ca != "" {
				text, err := s.readFile(ca, longestInput)
				if err != nil {
					return err
				}
				if r.CA = string(text); !strings.Contains(r.CA, "-----BEGIN CERTIFICATE-----") {
					return usagef("--ca-file names no certificate in PEM: one begins with -----BEGIN CERTIFICATE-----")
				}
			}
			return s.addProvider(cmd.Context(), r, asJSON)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.URL, "url", "", "of the broker, without user and password")
	flags.StringVar(&r.Username, "username", "", "by whose name it is opened")
	flags.StringVar(&file, "password-file", "", "a file with the password, or - for stdin; else it is asked for")
	flags.StringVar(&token, "token-file", "", "a file with a bearer token, or - for stdin, in place of user and password")
	flags.StringVar(&ca, "ca-file", "", "certificates, PEM, that the broker's own is checked by; else the system's")
	exclusive(cmd, "password-file", "token-file")
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (s *session) addProvider(ctx context.Context, r wire.AddProvider, asJSON bool) error {
	if problem := paas.CheckName("provider", r.Name, paas.MaxApp); problem != "" {
		return usagef("%s", problem)
	}
	c, err := s.client()
	if err != nil {
		return err
	}
	provider, err := c.AddProvider(ctx, r)
	switch {
	case err != nil:
		return err
	case asJSON:
		return s.printJSON(provider)
	}
	s.print("Provider %s is registered: %s. `crumpet services catalog` shows what it offers.", provider.Name, count(len(provider.Offerings), "offering"))
	if r.Kind == paas.KindPostgres && !r.KeepPassword {
		s.print("The password that was given is replaced: only Vault knows the new one.")
	}
	return nil
}

func newProvidersListCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List database servers and service brokers",
		Example: `  crumpet providers list
  crumpet providers list --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			list, err := c.Providers(cmd.Context())
			switch {
			case err != nil:
				return err
			case asJSON:
				return s.printJSON(list)
			case len(list.Items) == 0:
				s.say("No provider is registered. `crumpet providers add` registers one.")
				return nil
			}
			s.showProviders(list.Items)
			return nil
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (s *session) showProviders(list []wire.Provider) {
	var rows [][]string
	for _, p := range list {
		rows = append(rows, []string{p.Name, string(p.Kind), s.tone(providerState(p)), cmp.Or(strings.Join(p.Offerings, ", "), "-"), catalogAge(p), cmp.Or(p.URL, "-")})
	}
	table := s.tableLines([]string{"PROVIDER", "KIND", "STATE", "OFFERINGS", "CATALOG", "URL"}, rows)
	s.print("%s", table[0])
	for n, p := range list {
		s.print("%s", table[n+1])
		if why := cmp.Or(p.Absent, p.Reason); why != "" {
			for _, line := range s.wrapped("  " + why) {
				s.print("%s", s.faint(line))
			}
		}
	}
}

// providerState is the one word for how a provider is.
func providerState(p wire.Provider) string {
	switch {
	case p.Absent != "":
		return "absent"
	case p.Reason != "":
		return "unreachable"
	}
	return "answering"
}

func catalogAge(p wire.Provider) string {
	if p.CatalogAt == nil {
		return "never read"
	}
	return "read " + ago(*p.CatalogAt)
}

func newProviderShowCmd(s *session) *cobra.Command {
	return newProviderCmd(s, "show NAME", "Show a database server or a service broker", "  crumpet providers show acme\n  crumpet providers show acme --json",
		(*client.Client).Provider, func(p wire.Provider) {
			s.showProviders([]wire.Provider{p})
			s.print("registered %s by %s", ago(p.CreatedAt), p.CreatedBy)
		})
}

func newProviderRemoveCmd(s *session) *cobra.Command {
	return newProviderCmd(s, "remove NAME", "Forget a provider that has no service instances", "  crumpet providers remove acme",
		(*client.Client).RemoveProvider, func(p wire.Provider) {
			s.print("Provider %s is removed.", p.Name)
			if p.Kind == paas.KindPostgres && !p.KeepPassword && p.Absent == "" {
				s.print("Only Vault knew the password of %s there: set another one on the server.", cmp.Or(p.Username, "its user"))
			}
		})
}

func newProviderRefreshCmd(s *session) *cobra.Command {
	return newProviderCmd(s, "refresh NAME", "Read a provider's catalog again", "  crumpet providers refresh acme",
		(*client.Client).RefreshProvider, func(p wire.Provider) {
			s.print("The catalog of %s is read: %s.", p.Name, cmp.Or(strings.Join(p.Offerings, ", "), "no offering"))
		})
}

// newProviderCmd makes a command about one provider: one call, and what is printed of its answer.
func newProviderCmd(s *session, use, about, example string, call func(*client.Client, context.Context, string) (wire.Provider, error), show func(wire.Provider)) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: use, Short: about, Example: example,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			provider, err := call(c, cmd.Context(), args[0])
			if paas.CodeOf(err) == paas.NotFound {
				return s.noProvider(cmd.Context(), c, err, args[0])
			}
			switch {
			case err != nil:
				return err
			case asJSON:
				return s.printJSON(provider)
			}
			show(provider)
			return nil
		},
		ValidArgsFunction: completing(s.providerNames),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (s *session) noProvider(ctx context.Context, c *client.Client, err error, name string) error {
	list, listErr := c.Providers(ctx)
	if listErr != nil {
		return err
	}
	var names []string
	for _, p := range list.Items {
		names = append(names, p.Name)
	}
	return nearest(err, name, names)
}
