package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/sealed"
)

// clusterDestroy is one run of the command.
type clusterDestroy struct {
	fleetFlags
	yes, force, asJSON bool
}

func newClusterDestroyCmd(s *session) *cobra.Command {
	d := &clusterDestroy{}
	cmd := &cobra.Command{
		Use:   "destroy",
		Short: "Take the cluster off its machines, with all that it holds",
		Long: `Stops every app and every program of the cluster, and takes away what up put on the machines and all that
lies in Nomad, Consul and Vault there. Crumpet's database stays. Asks for the cluster's name first; --yes stands for
the answer.

It goes through the steps of up backwards, and may be run again after any end. Machines that belong to another
cluster, or to one whose state is not here, are refused; --force takes them off all the same, and goes on where a step
fails, for machines that are lost.

The sealed state is moved to NAME.cluster.age.destroyed: backups of this cluster may still need it.`,
		Example: `  crumpet cluster destroy
  crumpet cluster destroy --file staging.hcl --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return d.run(cmd.Context(), s) },
	}
	d.add(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&d.yes, "yes", false, "don't ask")
	flags.BoolVar(&d.force, "force", false, "go on where a step fails, and where machines are not known to be this cluster's")
	jsonFlag(cmd, &d.asJSON)
	return cmd
}

func (d *clusterDestroy) run(ctx context.Context, s *session) error {
	f, err := d.read(s)
	if err != nil {
		return err
	}
	if _, err := os.Stat(d.state); errors.Is(err, fs.ErrNotExist) && !d.force {
		return paas.Errorf(paas.NotFound, "There is no state %s of a cluster that could be destroyed: name it with --state. --force takes everything off the machines without it.", d.state)
	}
	if !d.yes {
		if err := s.confirmCluster(f); err != nil {
			return err
		}
	}
	state, err := s.hold(f, d.fleetFlags)
	if err != nil && (!d.force || paas.CodeOf(err) == paas.Conflict) {
		return err
	}
	if err != nil {
		s.say("Warning: %s Going on without what is kept.", sentenceOf(err))
		state.kept = bootstrap.NewKept(nil, func(context.Context, map[string]string) error { return nil })
	} else {
		defer func() { _ = state.file.Close() }() // nothing is saved any more
	}
	m, err := s.reach(f, d.fleetFlags, state.kept)
	if err != nil {
		return err
	}
	defer m.close()
	show := s.followSteps(m.World, d.asJSON)
	defer show.close()
	err = bootstrap.Destroy(ctx, m.World, bootstrap.Steps(), bootstrap.Options{Holder: holder(), Tell: show.tell, Force: d.force})
	show.close()
	if err != nil {
		s.fail(err)
		s.say("Run `crumpet cluster destroy` again: it goes on from here. --force goes on past what fails.")
		return &saidError{err}
	}
	if !d.asJSON {
		s.print("Cluster %s is destroyed.", f.Name)
	}
	return d.retire(s, state.file)
}

// retire moves the state aside, so that the next up begins anew.
func (d *clusterDestroy) retire(s *session, file *sealed.State) error {
	if file == nil {
		return nil
	}
	if empty, err := file.Empty(); err != nil || empty {
		return err
	}
	aside, err := file.Retire("destroyed")
	if err == nil && !d.asJSON {
		s.print("Its sealed state is %s now: delete it once no backup of it is wanted any more.", aside)
	}
	return err
}

func (s *session) confirmCluster(f fleet.Fleet) error {
	s.say("This destroys cluster %q: every app on it, and what lies in its Nomad, Consul and Vault, on %s. It can't be undone.", f.Name, count(len(f.Machines), "machine"))
	s.say("Type the cluster's name to go on:")
	line, err := bufio.NewReader(io.LimitReader(s.in, 1024)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if answer := strings.TrimSpace(line); answer != f.Name {
		return paas.Errorf(paas.Invalid, "The answer was %q, not %q: nothing was destroyed.", answer, f.Name)
	}
	return nil
}
