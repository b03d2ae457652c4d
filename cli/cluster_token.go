package cli

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// keptTokens are those that up keeps for operators, by whom they are shown to. Vault's root token is not kept: up takes
// it back at its end.
var keptTokens = map[string]string{
	"crumpet": bootstrap.KeptCrumpetToken,
	"nomad":   bootstrap.KeptNomadToken,
	"consul":  bootstrap.KeptConsulToken,
}

func newClusterTokenCmd(s *session) *cobra.Command {
	var f fleetFlags
	names := slices.Sorted(maps.Keys(keptTokens))
	cmd := &cobra.Command{
		Use:   "token [" + strings.Join(names, "|") + "]",
		Short: "Print the operators' token of Crumpet, Nomad or Consul",
		Long: `Opens the sealed state and prints the token that up made for operators: that of Crumpet unless another program is
named. It may do everything there, so hand it on by a pipe, and to nobody else: crumpet users create makes those who sign
in by themselves. No machine is spoken to.`,
		Example: `  crumpet cluster token | crumpet login http://crumpet.apps.example.com
  NOMAD_TOKEN=$(crumpet cluster token nomad) nomad server members`,
		Args:      cobra.MaximumNArgs(1),
		ValidArgs: names,
		RunE: func(_ *cobra.Command, args []string) error {
			of := "crumpet"
			if len(args) > 0 {
				of = args[0]
			}
			return s.clusterToken(f, of)
		},
	}
	f.add(cmd)
	return cmd
}

func (s *session) clusterToken(flags fleetFlags, of string) error {
	name, ok := keptTokens[of]
	if !ok {
		return usagef("there is no token of %q; there are those of crumpet, nomad and consul", of)
	}
	f, err := flags.read(s)
	if err != nil {
		return err
	}
	kept, err := s.peek(f, flags)
	if err != nil {
		return err
	}
	token := kept.Get(name)
	if token == "" {
		return paas.Errorf(paas.NotFound, "%s keeps no token of %s yet: `crumpet cluster up` makes it.", flags.state, of)
	}
	s.print("%s", token)
	return nil
}
