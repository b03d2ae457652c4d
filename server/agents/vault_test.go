package agents_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
)

// withVault is demo with a Vault.
func withVault(command string, seal fleet.Seal) fleet.Fleet {
	f := demo("1.8.7", "2.0.6")
	f.Seal = seal
	f.Ports.JWKS = 4651
	f.Programs = append(f.Programs, fleet.Program{Name: fleet.Vault, Command: command, Version: "2.6.2"})
	return f
}

func TestVaultsConfigurationIsAsWrittenDown(t *testing.T) {
	t.Parallel()
	shares := withVault("bao", fleet.Seal{Kind: fleet.Shares, Shares: 5, Threshold: 3})
	transit := withVault("vault", fleet.Seal{Kind: fleet.Transit, Settings: map[string]string{"address": "https://10.0.0.9:8200", "mount_path": "transit/", "key_name": "demo"}})
	kms := withVault("vault", fleet.Seal{Kind: fleet.KMS, Type: "awskms", Settings: map[string]string{"region": "eu-central-1", "kms_key_id": "1234"}})
	for name, got := range map[string]string{
		"vault-shares":  shown(agents.VaultFiles(shares, shares.Machines[1], agents.VaultSecrets{})),
		"vault-transit": shown(agents.VaultFiles(transit, transit.Machines[1], agents.VaultSecrets{SealToken: "SEALTOKEN", SealCA: "CERTIFICATE\n"})),
		"vault-kms":     shown(agents.VaultFiles(kms, kms.Machines[1], agents.VaultSecrets{})[2:]),
	} {
		golden(t, name, got)
	}
}

func TestVaultsServicesAreAsWrittenDown(t *testing.T) {
	t.Parallel()
	f := withVault("bao", fleet.Seal{})
	for name, s := range map[string]agents.Service{"service-vault": agents.VaultService(f.Machines[1]), "service-jwks": agents.JWKSService(f, f.Machines[1])} {
		golden(t, name, fmt.Sprintf("---- %s\n%s---- start, init = \"process\"\n%s", s.UnitFile(), s.Unit(), s.Script(fleet.Process, agents.Start)))
	}
}

func TestTheSealsTokenStandsInAFileOfItsOwn(t *testing.T) {
	t.Parallel()
	f := withVault("vault", fleet.Seal{Kind: fleet.Transit, Settings: map[string]string{"address": "https://10.0.0.9:8200"}})
	for _, m := range f.Of(fleet.Server) {
		for _, file := range agents.VaultFiles(f, m, agents.VaultSecrets{SealToken: "SECRET"}) {
			if strings.Contains(file.Text, "SECRET") != file.Secret {
				t.Errorf("%s: %s, secret %v, holds the token: %v", m.Name, file.Path, file.Secret, strings.Contains(file.Text, "SECRET"))
			}
		}
	}
}

func TestAServerMoreRestartsNoVault(t *testing.T) {
	t.Parallel()
	before, after := withVault("bao", fleet.Seal{}), withVault("bao", fleet.Seal{})
	after.Machines = append(after.Machines, fleet.Machine{Name: "server-4", Address: "10.77.0.14", Roles: []fleet.Role{fleet.Server}})
	for i, m := range before.Of(fleet.Server) {
		was, is := agents.VaultFiles(before, m, agents.VaultSecrets{}), agents.VaultFiles(after, after.Of(fleet.Server)[i], agents.VaultSecrets{})
		for i := range was {
			if was[i].Text != is[i].Text && was[i].When != agents.AtNext {
				t.Errorf("%s: %s changes at %s", m.Name, was[i].Path, was[i].When)
			}
		}
	}
}

func TestTheAuditOutlivesVault(t *testing.T) {
	t.Parallel()
	s := agents.VaultService(withVault("bao", fleet.Seal{}).Machines[1])
	if got, want := s.State(), []string{"/var/lib/crumpet/vault"}; !slices.Equal(got, want) {
		t.Errorf("destroy takes %q, want %q", got, want)
	}
}
