package devstack

import (
	"cmp"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// plan chooses addresses and describes the children below the server, in the order of their start.
func (s *Supervisor) plan() (builder, []Child, error) {
	ports, err := choosePorts(s.dir, s.config.Nodes)
	if err != nil {
		return builder{}, nil, err
	}
	if s.tasks, err = claimTasks(s.dir, &ports); err != nil {
		return builder{}, nil, err
	}
	listen, err := withPort(s.config.Listen, ports.Server)
	if err != nil {
		return builder{}, nil, err
	}
	routerListen, err := withPort(s.config.Router, ports.Router)
	if err != nil {
		return builder{}, nil, err
	}
	for flag, asked := range map[string]string{"--listen": s.config.Listen, "--router": s.config.Router} {
		if strings.HasSuffix(asked, ":0") {
			continue // chosen just now
		}
		if err := checkFree(flag, asked); err != nil {
			return builder{}, nil, err
		}
	}
	stack := Stack{
		Dir: s.dir, Listen: listen, Addr: "http://" + reachableAt(listen),
		Nomad: "http://" + local(ports.Nomad), Consul: "http://" + local(ports.Consul), Vault: "http://" + local(ports.Vault),
		Router: "http://" + reachableAt(routerListen), Fabio: "http://" + local(ports.Admin), RouterListen: routerListen,
		Programs: s.config.Programs,
	}
	b := &builder{self: s.config.Self, dir: s.dir, ports: ports, stack: stack, nodes: s.config.Nodes, log: s.log}
	if b.vault, err = readKeys(b.vaultKeysFile()); err != nil {
		return builder{}, nil, err
	}
	builds := []func() (Child, error){b.consul}
	for node := 1; node < b.nodes && b.stack.Programs.Consul.Real(); node++ {
		builds = append(builds, func() (Child, error) { return b.furtherConsul(node) })
	}
	builds = append(builds, b.vaultChild, b.nomad)
	for node := 1; node < b.nodes; node++ {
		builds = append(builds, func() (Child, error) { return b.furtherNomad(node) })
	}
	var children []Child
	postgres, ok, err := b.postgres(s.config.Postgres)
	if err != nil {
		return builder{}, nil, err
	}
	if ok { // the first, so that it is the last to go
		postgres.Env = postgresEnv()
		children = append(children, postgres)
	}
	for _, build := range append(builds, b.router) {
		c, err := build()
		if err != nil {
			return builder{}, nil, err
		}
		c.Env = agentEnv(os.Environ())
		children = append(children, c)
	}
	return *b, children, nil
}

// agentEnv drops what would steer an agent or its client past its configuration: a shell that is set up for
// another cluster must not leak into this one. A CA bundle for AWS stops Nomad from starting.
func agentEnv(environ []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(v string) bool {
		name, _, _ := strings.Cut(v, "=")
		if name == "AWS_CA_BUNDLE" || name == markName {
			return true
		}
		for _, prefix := range []string{"NOMAD_", "CONSUL_", "VAULT_", "BAO_", "FABIO_"} {
			if strings.HasPrefix(name, prefix) {
				return true
			}
		}
		return false
	})
}

func serverChild(dir string, stack Stack, server Server) Child {
	return Child{
		Name: "server", Argv: server.Argv, Env: server.Env, Log: filepath.Join(dir, "crumpet", "crumpet.log"),
		Ready: httpReady(cmp.Or(server.ReadyURL, stack.Addr+"/readyz")),
	}
}

// builder describes the children of one stack.
type builder struct {
	self  []string
	dir   string
	ports Ports
	stack Stack
	vault *vaultKeys
	nodes int
	log   *slog.Logger
}

// folder makes DIR/NAME, where a part keeps its log, its state and its configuration.
func (b builder) folder(name string) (string, error) {
	path := filepath.Join(b.dir, name)
	return path, os.MkdirAll(path, 0o700)
}

// embedded describes a stand-in: the own program under its hidden command.
func (b builder) embedded(name string, args ...string) []string {
	return append(append(slices.Clone(b.self), name), args...)
}

func (b builder) logFile(name string) string { return filepath.Join(b.dir, name, name+".log") }
