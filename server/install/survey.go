package install

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Survey is what is on the cluster before anything is written.
type Survey struct {
	Nomad  Backend `json:"nomad"`
	Consul Backend `json:"consul"`
	Vault  Backend `json:"vault"`
	Nodes  []Node  `json:"nodes"`            // of Nomad, ready
	Fabio  []Fabio `json:"fabio,omitempty"`  // that Consul knows and is not ours: it is kept as it is
	Runs   string  `json:"runs,omitempty"`   // version of Crumpet that is installed
	Schema string  `json:"schema,omitempty"` // version of the store that it brought
}

// Backend is one of the three programs.
type Backend struct {
	Version string `json:"version"`
	ACL     bool   `json:"acl"`
}

// Node is one of Nomad's.
type Node struct {
	Name    string   `json:"name"`
	Address string   `json:"address"`
	Lacks   []string `json:"lacks,omitempty"` // of what the platform's jobs need
}

// Fabio is one that was there before.
type Fabio struct {
	Address string `json:"address"` // of its API
}

// Survey looks at the cluster. Code invalid: what is missing for the platform, each with the next step; unavailable and
// forbidden: who did not answer, and what the operator's token lacks.
func (i *Install) Survey(ctx context.Context) (Survey, error) {
	var s Survey
	var faults []paas.Fault
	fault := func(at, format string, args ...any) {
		faults = append(faults, paas.Fault{Location: at, Message: fmt.Sprintf(format, args...)})
	}
	for _, look := range []func(context.Context, *Survey, func(at, format string, args ...any)) error{i.lookAtNomad, i.lookAtConsul, i.lookAtVault, i.lookAtNodes, i.lookAtFabio, i.lookAtStore, i.lookAtSecrets} {
		if err := look(ctx, &s, fault); err != nil {
			return s, err
		}
	}
	i.there = s
	if len(faults) > 0 {
		return s, &paas.Error{Code: paas.Invalid, Message: "The cluster is not ready for the platform. Nothing was written.", Faults: faults}
	}
	if len(i.wish.Proxies) == 0 {
		for _, n := range s.Nodes {
			i.wish.Proxies = append(i.wish.Proxies, n.Address)
		}
		slices.Sort(i.wish.Proxies)
		i.wish.Proxies = slices.Compact(i.wish.Proxies)
	}
	return s, nil
}

func (i *Install) lookAtNomad(ctx context.Context, s *Survey, fault func(at, format string, args ...any)) error {
	var self struct {
		Config struct {
			ACL     struct{ Enabled bool }
			Version struct{ Version string }
		} `json:"config"`
	}
	if err := i.cfg.Nomad(ctx, "GET", "/v1/agent/self", nil, &self); err != nil {
		return err
	}
	s.Nomad = Backend{Version: self.Config.Version.Version, ACL: self.Config.ACL.Enabled}
	if major(s.Nomad.Version) == 1 && minor(s.Nomad.Version) < 8 {
		fault("nomad", "Nomad is %s; the platform's identities need 1.8 and newer.", s.Nomad.Version)
	}
	if !s.Nomad.ACL {
		return nil
	}
	var token struct{ Type string }
	if err := i.cfg.Nomad(ctx, "GET", "/v1/acl/token/self", nil, &token); err != nil {
		return err
	}
	if token.Type != "management" {
		fault("nomad", "The token of NOMAD_TOKEN is of type %s. Policies, tokens and namespaces take a management token.", token.Type)
	}
	return nil
}

func (i *Install) lookAtConsul(ctx context.Context, s *Survey, _ func(at, format string, args ...any)) error {
	var self struct {
		Config      struct{ Version string }
		DebugConfig struct{ ACLsEnabled bool }
	}
	if err := i.cfg.Consul(ctx, "GET", "/v1/agent/self", nil, &self); err != nil {
		return err
	}
	s.Consul = Backend{Version: self.Config.Version, ACL: self.DebugConfig.ACLsEnabled}
	if !s.Consul.ACL {
		return nil
	}
	// The list is shown to those only who may read ACLs.
	err := i.cfg.Consul(ctx, "GET", "/v1/acl/policies", nil, new([]struct{ Name string }))
	if code := paas.CodeOf(err); code == paas.Forbidden || code == paas.Unauthorized {
		return paas.Wrap(paas.Forbidden, err, "The token of CONSUL_HTTP_TOKEN may not read ACLs. Policies and tokens take a management token (acl = \"write\").")
	}
	return err
}

func (i *Install) lookAtVault(ctx context.Context, s *Survey, fault func(at, format string, args ...any)) error {
	var seal struct {
		Initialized bool   `json:"initialized"`
		Sealed      bool   `json:"sealed"`
		Version     string `json:"version"`
	}
	if err := i.cfg.Vault(ctx, "GET", "/v1/sys/seal-status", nil, &seal); err != nil {
		return err
	}
	s.Vault = Backend{Version: seal.Version, ACL: true}
	switch {
	case !seal.Initialized:
		fault("vault", "Vault is not initialized. Run `vault operator init` once and keep what it says.")
		return nil
	case seal.Sealed:
		fault("vault", "Vault is sealed. Unseal it with `vault operator unseal`.")
		return nil
	}
	if err := i.cfg.Vault(ctx, "GET", "/v1/auth/token/lookup-self", nil, nil); err != nil {
		return paas.Wrap(paas.Forbidden, err, "Vault does not know the token of VAULT_TOKEN. Log in again, as one who may write mounts, policies and roles.")
	}
	return nil
}

// lookAtNodes says which nodes can run the platform: Fabio on each, Crumpet on one at least.
func (i *Install) lookAtNodes(ctx context.Context, s *Survey, fault func(at, format string, args ...any)) error {
	var list []struct{ ID, Name, Address, Status, SchedulingEligibility, NodePool string }
	if err := i.cfg.Nomad(ctx, "GET", "/v1/nodes", nil, &list); err != nil {
		return err
	}
	able := 0
	for _, stub := range list {
		if stub.Status != "ready" || i.wish.Pool != "all" && stub.NodePool != i.wish.Pool {
			continue
		}
		var n struct {
			Attributes  map[string]string
			HostVolumes map[string]struct{}
		}
		if err := i.cfg.Nomad(ctx, "GET", "/v1/node/"+stub.ID, nil, &n); err != nil {
			return err
		}
		one := Node{Name: stub.Name, Address: stub.Address}
		if n.Attributes["driver."+i.wish.Driver] != "1" {
			one.Lacks = append(one.Lacks, "the driver "+i.wish.Driver)
		}
		if n.Attributes["consul.version"] == "" {
			one.Lacks = append(one.Lacks, "a Consul agent (consul { } of Nomad's configuration)")
		}
		if n.Attributes["vault.version"] == "" {
			one.Lacks = append(one.Lacks, "Vault (vault { enabled = true, address, jwt_auth_backend_path = \"jwt-nomad\" } of Nomad's configuration)")
		}
		for _, volume := range i.volumes() {
			if _, ok := n.HostVolumes[volume]; !ok {
				one.Lacks = append(one.Lacks, fmt.Sprintf("the host volume %q (client { host_volume %q { path = %q, read_only = true } }); or say --source, or --driver raw_exec", volume, volume, i.wish.Folder))
			}
		}
		if len(one.Lacks) == 0 {
			able++
		} else {
			fault("node "+one.Name, "Node %s lacks %s.", one.Name, strings.Join(one.Lacks, ", and "))
		}
		s.Nodes = append(s.Nodes, one)
	}
	slices.SortFunc(s.Nodes, func(a, b Node) int { return strings.Compare(a.Name, b.Name) })
	if len(s.Nodes) == 0 {
		fault("nomad", "Nomad has no ready node in pool %q.", i.wish.Pool)
	}
	return nil
}

// volumes are the host volumes that the jobs mount.
func (i *Install) volumes() []string {
	var list []string
	_, ofCrumpet := i.wish.command("crumpet", i.wish.Crumpet)
	_, ofFabio := i.wish.command("fabio", i.wish.Fabio)
	for _, v := range []string{ofCrumpet, ofFabio, i.wish.Toolchain} {
		if v != "" && !slices.Contains(list, v) {
			list = append(list, v)
		}
	}
	return list
}

// lookAtFabio finds routers that are not ours: they are kept, and told what Crumpet needs of them.
func (i *Install) lookAtFabio(ctx context.Context, s *Survey, _ func(at, format string, args ...any)) error {
	if _, err := i.job(ctx, fabioJob); err == nil {
		return nil // ours, which may be written anew
	} else if paas.CodeOf(err) != paas.NotFound {
		return err
	}
	found, err := i.instances(ctx, "fabio")
	for _, at := range found {
		s.Fabio = append(s.Fabio, Fabio{Address: at})
	}
	return err
}

// lookAtStore refuses a program that the store of the servers there is too new for.
func (i *Install) lookAtStore(ctx context.Context, s *Survey, fault func(at, format string, args ...any)) error {
	job, err := i.job(ctx, crumpetJob)
	if paas.CodeOf(err) == paas.NotFound {
		return nil
	}
	if err != nil {
		return err
	}
	s.Runs, s.Schema = job.Meta["version"], job.Meta["schema"]
	if problem := downgrade(s.Runs, s.Schema, i.wish.Crumpet.Version, i.cfg.Schema); problem != "" {
		fault("version", "%s", problem)
	}
	return nil
}

// lookAtSecrets finds out whether the platform's secrets can be seen. Who may not see them may still upgrade the jobs that
// read them.
func (i *Install) lookAtSecrets(ctx context.Context, s *Survey, _ func(at, format string, args ...any)) error {
	_, err := readSecret(ctx, i.cfg.Vault, serverSecret)
	if paas.CodeOf(err) != paas.Forbidden {
		return nil // what else is wrong is said by whatever reads it next
	}
	if s.Runs == "" {
		return paas.Wrap(paas.Forbidden, err, "The token of Vault may not read crumpet/data/platform/, where the platform's secrets are to be. Use one that may write there, and mounts, policies and roles.")
	}
	i.blind = true
	return nil
}

// instances gives HOST:PORT of the passing instances of a service in Consul.
func (i *Install) instances(ctx context.Context, name string) ([]string, error) {
	var entries []struct {
		Node    struct{ Address string }
		Service struct {
			Address string
			Port    int
		}
	}
	if err := i.cfg.Consul(ctx, "GET", "/v1/health/service/"+name+"?passing=1", nil, &entries); err != nil {
		return nil, err
	}
	var list []string
	for _, e := range entries {
		host := e.Service.Address
		if host == "" {
			host = e.Node.Address
		}
		list = append(list, net.JoinHostPort(host, fmt.Sprint(e.Service.Port)))
	}
	slices.Sort(list)
	return list, nil
}
