package cli

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/policies"
	"github.com/crumpet-paas/crumpet/server"
	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/config"
	"github.com/crumpet-paas/crumpet/server/devstack"
)

// devDomain is where apps of dev without a route are: every resolver leads *.localhost to this machine.
const devDomain = "localhost"

type devFlags struct {
	listen, router, data, stack, postgres string
	nodes                                 int
	json                                  bool
}

func newDevCmd(s *session) *cobra.Command {
	var f devFlags
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a whole platform on this machine",
		Long: `Run Nomad, Consul, Vault, Fabio and Crumpet's server on this machine, until Ctrl-C.

Each of the four is the real program when it is on PATH (nomad, consul, vault or bao, fabio), and an
embedded stand-in otherwise; --stack says to use only one or the other. All state is kept in the data
folder and is there again at the next start. When all is ready, DIR/dev.json holds the addresses, and the
password of the local user admin, who may do everything.

With --nodes 2 there is a second Nomad client, a process of its own (the child nomad-2, with a Consul
agent consul-2 when they are real): kill it, drain it, and see where the instances go. A child that was
killed is started again at once, unless there is a file DIR/CHILD/hold. Each node believes to have the
whole machine's memory and processors.

A PostgreSQL of version 15 or later that is found on the machine (initdb on PATH, or in
/usr/lib/postgresql/VERSION/bin) is started as well, in the data folder and on loopback, as a user who
is not root. It is registered as the provider dev: apps have databases by a service block, offering
postgres. Where there is none, crumpet services catalog says why.`,
		Example: `  crumpet dev
  crumpet dev --nodes 2
  crumpet dev --data /tmp/second --listen 127.0.0.1:0 --router 127.0.0.1:0   # beside the first`,
		RunE: func(cmd *cobra.Command, _ []string) error { return s.dev(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.listen, "listen", "127.0.0.1:4780", "address of the server; port 0 for a free one")
	flags.StringVar(&f.router, "router", "127.0.0.1:9999", "address of the router; port 0 for a free one")
	flags.StringVar(&f.data, "data", ".crumpet", "data folder")
	flags.StringVar(&f.stack, "stack", "auto", "auto, embedded or real")
	flags.StringVar(&f.postgres, "postgres", "auto", "auto starts the PostgreSQL found on this machine, off none")
	flags.IntVar(&f.nodes, "nodes", 1, fmt.Sprintf("clients of Nomad, 1 to %d: to see what a drain or a lost machine does", devstack.MaxNodes))
	flags.BoolVar(&f.json, "json", false, "print the addresses as one JSON object")
	return cmd
}

func (s *session) dev(ctx context.Context, f devFlags) error {
	if !slices.Contains([]string{"auto", "embedded", "real"}, f.stack) {
		return usagef("--stack %q: use auto, embedded or real", f.stack)
	}
	if f.nodes < 1 || f.nodes > devstack.MaxNodes {
		return usagef("--nodes %d: one machine has 1 to %d", f.nodes, devstack.MaxNodes)
	}
	programs, err := devstack.Find(f.stack)
	if err != nil {
		return err
	}
	postgres, err := devPostgres(f.postgres)
	if err != nil {
		return err
	}
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if os.Getenv("CRUMPET_DEV_DEBUG") != "" {
		level = slog.LevelDebug
	}
	began, admin := time.Now(), devLogin{}
	supervisor, err := devstack.New(devstack.Config{
		Dir: f.data, Listen: f.listen, Router: f.router, Programs: programs, Postgres: postgres, Nodes: f.nodes, Vault: devVault(),
		Self:   []string{executable, "devstack"},
		Server: func(stack devstack.Stack) (devstack.Server, error) { return devServer(stack, executable, &admin) },
		Serves: func(ctx context.Context, stack devstack.Stack, token string) error {
			return s.devServes(ctx, stack, token, &admin)
		},
		Ready: func(name string, pid int) {
			if !f.json {
				s.say("%6.1f s  %s ready (%s, pid %d)", time.Since(began).Seconds(), name, devVersion(programs, postgres, name), pid)
			}
		},
		Started: func(info devstack.Info) { s.devStarted(info, f) },
		Log:     slog.New(slog.NewTextHandler(s.errOut, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		return err
	}
	return supervisor.Run(ctx)
}

func versionOf(programs devstack.Programs, name string) string {
	name, _, _ = strings.Cut(name, "-") // nomad-2 is a Nomad
	if name == "router" {
		name = "fabio"
	}
	if v, ok := programs.Stack()[name]; ok {
		return v
	}
	return "crumpet " + version
}

// devVault is what dev makes of its vault: the mounts that the server expects where it is told nothing, and
// the policy that docs ask an operator to load.
func devVault() devstack.VaultSetup {
	mounts := config.Default().Vault
	return devstack.VaultSetup{PolicyName: "crumpet", Policy: policies.Server, KV: mounts.Mount, JWT: mounts.JWT, Database: mounts.Database}
}

// devServer writes the server's configuration and makes its token and the admin's password, all in the data
// folder only.
func devServer(stack devstack.Stack, executable string, admin *devLogin) (devstack.Server, error) {
	data := filepath.Join(stack.Dir, "crumpet")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return devstack.Server{}, err
	}
	token, err := server.RootToken(data)
	if err != nil {
		return devstack.Server{}, err
	}
	if err := admin.read(data); err != nil {
		return devstack.Server{}, err
	}
	vaultToken := filepath.Join(data, "vault-token")
	if err := os.WriteFile(vaultToken, []byte(stack.VaultToken), 0o600); err != nil {
		return devstack.Server{}, err
	}
	cfg := config.Config{
		Listen: stack.Listen, Advertise: stack.Addr, Data: data, Domain: devDomain, Drivers: devDrivers(stack),
		Fragments: []string{"*"}, // whoever runs dev has the whole machine
		Nomad:     &config.Nomad{Address: stack.Nomad},
		Consul:    &config.Consul{Address: stack.Consul},
		Vault:     &config.Vault{Address: stack.Vault, TokenFile: vaultToken},
		Fabio:     &config.Fabio{URL: stack.Router},
	}
	file := hclwrite.NewEmptyFile()
	gohcl.EncodeIntoBody(&cfg, file.Body())
	path := filepath.Join(data, "server.hcl")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		return devstack.Server{}, err
	}
	return devstack.Server{
		Argv: []string{executable, "server", "--config", path}, Env: devEnv(os.Environ()), Token: token, User: devAdmin, Password: admin.password,
	}, nil
}

// devDrivers is exec, except for somebody who is not root with a real Nomad: there only raw_exec works,
// and whoever runs dev is the operator who allows it.
func devDrivers(stack devstack.Stack) []string {
	if stack.Programs.Nomad.Real() && os.Geteuid() != 0 {
		return []string{"raw_exec"}
	}
	return []string{"exec"}
}

// devEnv takes away what would point the server of a dev at another cluster.
func devEnv(environ []string) []string {
	return slices.DeleteFunc(environ, func(kv string) bool {
		name, _, _ := strings.Cut(kv, "=")
		return strings.HasPrefix(name, "NOMAD_") || strings.HasPrefix(name, "CONSUL_") || strings.HasPrefix(name, "VAULT_") ||
			(strings.HasPrefix(name, "CRUMPET_") && !strings.HasPrefix(name, "CRUMPET_DEV_"))
	})
}

// remember stores the token for the address of a dev, so that push works from any folder. The server
// of the last login stays the one that is used unless another is named.
func remember(addr, token string) (current string, err error) {
	stored, err := loadCredentials()
	if err != nil {
		return "", err
	}
	stored.Servers[normalAddr(addr)] = credential{Token: token}
	return stored.Current, stored.save()
}

// devStarted tells where everything is, and logs the user in.
func (s *session) devStarted(info devstack.Info, f devFlags) {
	current, err := remember(info.Addr, info.Token)
	if err != nil {
		s.say("The token could not be stored for `crumpet push`: %s. Set CRUMPET_TOKEN from %s.", err, filepath.Join(f.data, "dev.json"))
	}
	if f.json {
		info.Token, info.Password = "", "" // they are in dev.json, which only its owner can read
		_ = s.printJSONLine(info)
		return
	}
	var parts []string
	for _, name := range []string{"nomad", "consul", "vault", "fabio"} {
		parts = append(parts, fmt.Sprintf("%s %s", name, info.Stack[name]))
	}
	s.print("")
	s.print("  Server   %s    logged in", info.Addr)
	s.print("  UI       %s    user %s, password in %s", info.Addr, info.User, filepath.Join(f.data, "dev.json"))
	s.print("  Apps at  %s", strings.Replace(info.Router, "127.0.0.1", "APP.localhost", 1))
	s.print("  Stack    %s", strings.Join(parts, ", "))
	s.print("           nomad %s  consul %s  vault %s  fabio %s", info.Nomad, info.Consul, info.Vault, info.Fabio)
	if len(info.Nodes) > 1 {
		var nodes []string
		for _, n := range info.Nodes {
			nodes = append(nodes, fmt.Sprintf("%s (tasks at %d-%d)", n.Name, n.FirstTaskPort, n.LastTaskPort))
		}
		s.print("  Nodes    %s", strings.Join(nodes, ", "))
	}
	if info.Postgres != "" {
		s.print("  Database %s    services: offering postgres", info.Postgres)
	}
	s.print("  Data     %s", f.data)
	s.print("")
	s.print("Now, in another terminal: crumpet init --template go-web hello && cd hello && crumpet push%s", addrHint(info.Addr, current))
	s.print("Ctrl-C ends all of it.")
}

func addrHint(addr, current string) string {
	if cmp.Or(current, client.DefaultAddr) == addr {
		return ""
	}
	return " --addr " + addr
}
