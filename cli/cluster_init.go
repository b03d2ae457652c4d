package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// clusterInit is one run of the command.
type clusterInit struct {
	file, domain, init                 string
	servers, clients, keepers, sources []string
}

func newClusterInitCmd(s *session) *cobra.Command {
	var in clusterInit
	cmd := &cobra.Command{
		Use:   "init NAME",
		Short: "Write a cluster.hcl to begin with",
		Long: `Writes a cluster.hcl with every key explained, for a cluster of that name. Nothing else is touched; a file
that is there is kept. A machine that is named as server and as client is both. What is left out of the flags is to be
filled in by hand: what is missing then is listed.

Without --keeper your own public key is taken, ~/.ssh/id_ed25519.pub, if it is there.`,
		Example: `  crumpet cluster init prod --domain apps.example.com \
    --server server-1=10.0.0.11 --server server-2=10.0.0.12 --server server-3=10.0.0.13 \
    --client client-1=10.0.0.21 --client client-2=10.0.0.22 \
    --keeper ada=ada.pub --keeper grace=age1... --program nomad@1.10.0=programs/nomad.zip
  crumpet cluster init lab --domain lab.test --init process --server one=10.0.0.1 --client one=10.0.0.1`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return in.run(s, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&in.file, "file", fleet.FileName, "file to write")
	flags.StringVar(&in.domain, "domain", "apps.example.com", "of the apps: one without a route gets APP.DOMAIN")
	flags.StringVar(&in.init, "init", string(fleet.Systemd), "what starts programs on the machines: systemd or process")
	flags.StringArrayVar(&in.servers, "server", nil, "NAME=ADDRESS of a server; once for each")
	flags.StringArrayVar(&in.clients, "client", nil, "NAME=ADDRESS of a client; once for each")
	flags.StringArrayVar(&in.keepers, "keeper", nil, "NAME=KEY of a keeper, a public key or a file with one; once for each")
	flags.StringArrayVar(&in.sources, "program", nil, "NAME@VERSION=SOURCE of a program, a file, folder or URL; bao@... for OpenBao")
	must(cmd.MarkFlagFilename("file", "hcl"))
	must(cmd.RegisterFlagCompletionFunc("init", cobra.FixedCompletions([]string{string(fleet.Systemd), string(fleet.Process)}, cobra.ShellCompDirectiveNoFileComp)))
	cmd.ValidArgsFunction = cobra.NoFileCompletions
	return cmd
}

func (in clusterInit) run(s *session, name string) error {
	answers := fleet.Answers{Name: name, Domain: in.domain, Init: fleet.Init(in.init)}
	if answers.Init != fleet.Systemd && answers.Init != fleet.Process {
		return usagef("--init takes systemd or process, not %q", in.init)
	}
	var err error
	if answers.Machines, err = in.machines(); err != nil {
		return err
	}
	if answers.Keepers, err = in.keeping(); err != nil {
		return err
	}
	if answers.Programs, err = in.programs(); err != nil {
		return err
	}
	text := fleet.Template(answers)
	file, err := os.OpenFile(in.file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return paas.Errorf(paas.Conflict, "There is a %s already, and it is kept: name another with --file.", in.file)
	}
	if err != nil {
		return paas.Wrap(paas.Invalid, err, "%s can't be written.", in.file)
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return paas.Wrap(paas.Invalid, err, "%s can't be written.", in.file)
	}
	s.print("Wrote %s.", in.file)
	_, warnings, err := fleet.Parse(in.file, []byte(text))
	for _, w := range warnings {
		s.say("Warning: %s: %s", w.Location, w.Message)
	}
	if faults := paas.FaultsOf(err); len(faults) > 0 {
		s.print("To be filled in:")
		for _, fault := range faults {
			s.print("  %s: %s", fault.Location, fault.Message)
		}
		return nil
	}
	s.print("Look through it, put the programs and store.url in place, then run `crumpet cluster up --plan`.")
	return nil
}

// pair splits NAME=VALUE of a flag.
func pair(flag, text, want string) (name, value string, err error) {
	name, value, found := strings.Cut(text, "=")
	if !found || name == "" || value == "" {
		return "", "", usagef("--%s takes %s, not %q", flag, want, text)
	}
	return name, value, nil
}

func (in clusterInit) machines() ([]fleet.Machine, error) {
	var list []fleet.Machine
	for _, role := range []struct {
		of   fleet.Role
		said []string
	}{{fleet.Server, in.servers}, {fleet.Client, in.clients}} {
		for _, text := range role.said {
			name, address, err := pair(string(role.of), text, "NAME=ADDRESS")
			if err != nil {
				return nil, err
			}
			i := slices.IndexFunc(list, func(m fleet.Machine) bool { return m.Name == name })
			switch {
			case i < 0:
				list = append(list, fleet.Machine{Name: name, Address: address, Roles: []fleet.Role{role.of}})
			case list[i].Address != address:
				return nil, usagef("machine %q has two addresses, %s and %s", name, list[i].Address, address)
			case !list[i].Is(role.of):
				list[i].Roles = append(list[i].Roles, role.of)
			}
		}
	}
	return list, nil
}

func (in clusterInit) keeping() ([]fleet.Keeper, error) {
	said := in.keepers
	if len(said) == 0 {
		home, err := os.UserHomeDir()
		if err != nil {
			return nil, err
		}
		own := filepath.Join(home, ".ssh", "id_ed25519.pub")
		if _, err := os.Stat(own); err != nil {
			return nil, nil //nolint:nilerr // it is listed as what is to be filled in
		}
		said = []string{strings.ToLower(cmp.Or(os.Getenv("USER"), "me")) + "=" + own}
	}
	var list []fleet.Keeper
	for _, text := range said {
		name, key, err := pair("keeper", text, "NAME=KEY")
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(key, "age1") && !strings.HasPrefix(key, "ssh-") {
			content, err := os.ReadFile(key)
			if err != nil {
				return nil, paas.Wrap(paas.NotFound, err, "The public key of keeper %q can't be read from %s.", name, key)
			}
			if strings.Contains(string(content), "PRIVATE KEY") || strings.Contains(string(content), "SECRET-KEY") {
				return nil, paas.Errorf(paas.Invalid, "%s is a private key: name the public one for keeper %q.", key, name)
			}
			key = strings.TrimSpace(string(content))
		}
		list = append(list, fleet.Keeper{Name: name, PublicKey: key})
	}
	return list, nil
}

func (in clusterInit) programs() ([]fleet.Program, error) {
	const want = "NAME@VERSION=SOURCE"
	var list []fleet.Program
	for _, text := range in.sources {
		what, source, err := pair("program", text, want)
		if err != nil {
			return nil, err
		}
		command, version, found := strings.Cut(what, "@")
		if !found || version == "" {
			return nil, usagef("--program takes %s, not %q", want, text)
		}
		name := fleet.Name(command)
		if command == "bao" {
			name = fleet.Vault
		}
		if !slices.Contains(fleet.Names, name) {
			return nil, usagef("--program %q: there are %s", text, fmt.Sprint(fleet.Names))
		}
		list = append(list, fleet.Program{Name: name, Command: command, Version: version, Source: source})
	}
	return list, nil
}
