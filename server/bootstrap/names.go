package bootstrap

import (
	"bytes"
	"context"
	"strings"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
)

const (
	hostsFile  = "/etc/hosts"
	namesBegin = "# crumpet begin: written by crumpet cluster up"
	namesEnd   = "# crumpet end"
)

// names is the part of a machine's /etc/hosts that is ours: the name of Vault, once for each address.
func names(f fleet.Fleet, m fleet.Machine) string {
	lines := []string{namesBegin}
	for _, address := range agents.VaultAddresses(f, m) {
		lines = append(lines, address+" "+agents.VaultName)
	}
	return strings.Join(append(lines, namesEnd, ""), "\n")
}

// withNames puts our part into a text of /etc/hosts, in place of what was ours before; "" takes it out.
func withNames(hosts, ours string) string {
	before, rest, found := strings.Cut(hosts, namesBegin+"\n")
	if found {
		_, after, _ := strings.Cut(rest, namesEnd+"\n")
		return before + ours + after
	}
	if hosts != "" && !strings.HasSuffix(hosts, "\n") {
		hosts += "\n"
	}
	return hosts + ours
}

func (w *World) planHosts(ctx context.Context, machines []fleet.Machine) ([]Change, error) {
	return w.Changes(ctx, machines, func(ctx context.Context, m fleet.Machine, host Host) ([]Change, error) {
		has, err := readOr(ctx, host, hostsFile)
		if err != nil || withNames(string(has), names(w.Fleet, m)) == string(has) {
			return nil, err
		}
		return []Change{{Text: "write " + agents.VaultName + " into " + hostsFile}}, nil
	})
}

func (w *World) makeHosts(ctx context.Context, machines []fleet.Machine) error {
	return w.Each(ctx, machines, func(ctx context.Context, m fleet.Machine, host Host) error {
		return w.putNames(ctx, host, names(w.Fleet, m))
	})
}

func (w *World) endHosts(ctx context.Context, machines []fleet.Machine) error {
	return w.Each(ctx, machines, func(ctx context.Context, _ fleet.Machine, host Host) error { return w.putNames(ctx, host, "") })
}

func (w *World) putNames(ctx context.Context, host Host, ours string) error {
	has, err := readOr(ctx, host, hostsFile)
	if err != nil {
		return err
	}
	if want := []byte(withNames(string(has), ours)); !bytes.Equal(has, want) {
		return host.Write(ctx, File{Path: hostsFile, Content: want, Mode: 0o644})
	}
	return nil
}
