package bootstrap

import (
	"bytes"
	"context"
	"fmt"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/pki"
)

// authority makes the fleet's own CA, and for each agent a certificate. Whoever reads a certificate is told of a new one
// by its own step.
type authority struct{}

func (authority) Name() string { return "authority" }

func (authority) About() string {
	return "an own certificate authority, and a certificate for each agent on each machine"
}

// leaf is one certificate on a machine.
type leaf struct {
	program fleet.Name
	owner   string // of the key
	wish    pki.Leaf
}

// leaves are the certificates of a machine: of what runs there.
func leaves(f fleet.Fleet, m fleet.Machine) []leaf {
	owners := map[fleet.Name]string{fleet.Consul: agents.ConsulService(m).User, fleet.Nomad: agents.NomadService(m).User}
	programs := []fleet.Name{fleet.Consul, fleet.Nomad}
	if m.Is(fleet.Server) {
		programs = append(programs, fleet.Vault)
		owners[fleet.Vault] = "vault"
	}
	var all []leaf
	for _, n := range programs {
		common, dns, ips := agents.Names(f, m, n)
		all = append(all, leaf{program: n, owner: owners[n], wish: pki.Leaf{Name: common, Names: dns, IPs: ips}})
	}
	return all
}

func (authority) Plan(ctx context.Context, w *World) ([]Change, error) {
	ca, err := w.Authority()
	if paas.CodeOf(err) == paas.NotFound {
		changes := []Change{{Text: "make a certificate authority that lives for ten years"}}
		for _, m := range w.Fleet.Machines {
			for _, l := range leaves(w.Fleet, m) {
				changes = append(changes, Change{Machine: m.Name, Text: fmt.Sprintf("make the certificate of %s", l.program)})
			}
		}
		return changes, nil
	}
	if err != nil {
		return nil, err
	}
	return w.Changes(ctx, w.Fleet.Machines, func(ctx context.Context, m fleet.Machine, host Host) ([]Change, error) {
		var changes []Change
		has, err := readOr(ctx, host, agents.CAFile)
		if err != nil {
			return nil, err
		}
		if !bytes.Equal(has, ca.Certificate()) {
			changes = append(changes, Change{Text: "write " + agents.CAFile})
		}
		for _, l := range leaves(w.Fleet, m) {
			fault, err := w.leafFault(ctx, host, ca, l)
			if err != nil {
				return nil, err
			}
			if fault != "" {
				changes = append(changes, Change{Text: fmt.Sprintf("make the certificate of %s, which %s", l.program, fault)})
			}
		}
		return changes, nil
	})
}

func (w *World) leafFault(ctx context.Context, host Host, ca pki.Authority, l leaf) (string, error) {
	certificateFile, keyFile := agents.Cert(l.program)
	certificate, err := readOr(ctx, host, certificateFile)
	if err != nil {
		return "", err
	}
	key, err := readOr(ctx, host, keyFile)
	if err != nil {
		return "", err
	}
	return ca.Fault(certificate, key, l.wish, w.Now()), nil
}

func (authority) Do(ctx context.Context, w *World) error {
	_, err := w.Kept.Ensure(ctx, KeptCA, func() (string, error) {
		made, err := pki.NewAuthority("Crumpet "+w.Fleet.Name, w.Now())
		if err != nil {
			return "", err
		}
		return made.Text()
	})
	if err != nil {
		return err
	}
	ca, err := w.Authority()
	if err != nil {
		return err
	}
	return w.Each(ctx, w.Fleet.Machines, func(ctx context.Context, m fleet.Machine, host Host) error {
		if err := w.ensureFile(ctx, host, File{Path: agents.CAFile, Content: ca.Certificate(), Mode: 0o644}); err != nil {
			return err
		}
		for _, l := range leaves(w.Fleet, m) {
			fault, err := w.leafFault(ctx, host, ca, l)
			if err != nil {
				return err
			}
			if fault == "" {
				continue
			}
			if err := w.putLeaf(ctx, host, ca, l); err != nil {
				return err
			}
		}
		return nil
	})
}

// putLeaf signs a leaf and writes it, its key first: a run that ends between finds that the two don't fit, and signs
// again. Meanwhile the agent goes on with what it has read.
func (w *World) putLeaf(ctx context.Context, host Host, ca pki.Authority, l leaf) error {
	certificate, key, err := ca.Issue(l.wish, w.Now())
	if err != nil {
		return err
	}
	certificateFile, keyFile := agents.Cert(l.program)
	if l.owner != "" {
		if _, err := host.Run(ctx, agents.UserScript(l.owner), nil); err != nil {
			return err
		}
	}
	if err := host.Write(ctx, File{Path: keyFile, Content: key, Mode: 0o600, Owner: l.owner}); err != nil {
		return err
	}
	return host.Write(ctx, File{Path: certificateFile, Content: certificate, Mode: 0o644})
}

// ensureFile writes a file unless it is there as it is.
func (w *World) ensureFile(ctx context.Context, host Host, f File) error {
	has, err := readOr(ctx, host, f.Path)
	if err != nil || has != nil && bytes.Equal(has, f.Content) {
		return err
	}
	return host.Write(ctx, f)
}

// Undo takes the certificates from the machines and forgets the authority: nothing that it signed is believed again.
func (authority) Undo(ctx context.Context, w *World) error {
	err := w.Each(ctx, w.Fleet.Machines, func(ctx context.Context, _ fleet.Machine, host Host) error {
		_, err := host.Run(ctx, removing([]string{agents.TLS}), nil)
		return err
	})
	if err != nil {
		return err
	}
	return w.Kept.Put(ctx, KeptCA, "")
}
