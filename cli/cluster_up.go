package cli

import (
	"context"
	"fmt"
	"sync"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/fleet"
)

// clusterUp is one run of the command.
type clusterUp struct {
	fleetFlags
	plan, asJSON bool
	only         string
	vaultToken   string // file
}

func newClusterUpCmd(s *session) *cobra.Command {
	u := &clusterUp{}
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Make the cluster what cluster.hcl says",
		Long: `Makes a cluster out of empty machines, or changes one, in steps: each finds out what is not as wished
yet, does it, and looks again. It may end anywhere, by Ctrl-C, a lost connection or a power cut: run it again and
it goes on from what it finds. When nothing is to be done it changes nothing.

Machines are reached over SSH, and only those whose key is known. What is kept (the internal authority, gossip keys,
management tokens, shares of Vault's key) is sealed to the keepers of cluster.hcl, in NAME.cluster.age beside it: keep
a copy of that file. Each share of Vault's key can be opened by its own keeper alone.

--plan says of each step what it would change, and changes nothing. Exit code then, as crumpet plan has it:
0: nothing to do. 1: there are changes. 255: it could not be found out.

--json prints one JSON object per line while it goes. Its keys: step, about, state (began, same, done, failed),
changes (machine, text, breaks), reason, took_ms. With --plan it prints one object: cluster, steps, changes.`,
		Example: `  crumpet cluster up --plan
  crumpet cluster up
  crumpet cluster up --only programs
  crumpet cluster up --file staging.hcl --identity ~/.ssh/staging --trust-new-hosts`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if u.plan {
				differs, err := u.runPlan(cmd.Context(), s)
				return s.compared(differs, err)
			}
			return u.run(cmd.Context(), s)
		},
	}
	u.add(cmd)
	flags := cmd.Flags()
	flags.BoolVar(&u.plan, "plan", false, "say what would be changed, and change nothing")
	flags.StringVar(&u.only, "only", "", "run one step only")
	flags.StringVar(&u.vaultToken, "vault-token", "", "file with a new root token of Vault, where up asks for one, - for stdin; it is revoked at the end")
	jsonFlag(cmd, &u.asJSON)
	exclusive(cmd, "plan", "vault-token")
	must(cmd.RegisterFlagCompletionFunc("only", completeSteps))
	return cmd
}

func completeSteps(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names []string
	for _, step := range bootstrap.Steps() {
		names = append(names, step.Name()+"\t"+step.About())
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// run makes the cluster so.
func (u *clusterUp) run(ctx context.Context, s *session) error {
	f, err := u.read(s)
	if err != nil {
		return err
	}
	state, err := s.hold(f, u.fleetFlags)
	if err != nil {
		return err
	}
	defer func() { _ = state.file.Close() }() // what was saved lies on the disk already
	if u.vaultToken != "" {
		token, err := s.password("vault-token", u.vaultToken, "")
		if err != nil {
			return err
		}
		if err := state.kept.Put(ctx, bootstrap.KeptVaultToken, token); err != nil {
			return err
		}
	}
	m, err := s.reach(f, u.fleetFlags, state.kept)
	if err != nil {
		return err
	}
	defer m.close()
	show := s.followSteps(m.World, u.asJSON)
	defer show.close()
	changed := 0
	options := bootstrap.Options{Only: u.only, Holder: holder(), Tell: func(e bootstrap.Event) {
		if e.State == bootstrap.Done {
			changed += len(e.Changes)
		}
		show.tell(e)
	}}
	if err := bootstrap.Up(ctx, m.World, bootstrap.Steps(), options); err != nil {
		show.close()
		s.fail(err)
		s.say("Run `crumpet cluster up` again: it goes on from here.")
		return &saidError{err}
	}
	show.close()
	if u.asJSON {
		return nil
	}
	if changed == 0 {
		s.print("Cluster %s is as %s says: nothing was changed.", s.bold(f.Name), u.file)
		return nil
	}
	s.print("Cluster %s is up.", s.bold(f.Name))
	s.print("What it is run with is sealed in %s: keep a copy elsewhere.", u.state)
	if u.only == "" {
		s.print("Next: `crumpet cluster token | crumpet login %s`, then `crumpet cluster verify` tries it out.", front(f))
	}
	return nil
}

// front is where Crumpet's servers are reached, behind Fabio.
func front(f fleet.Fleet) string {
	if f.Ports.Router == 80 {
		return "http://crumpet." + f.Domain
	}
	return fmt.Sprintf("http://crumpet.%s:%d", f.Domain, f.Ports.Router)
}

// plannedCluster is the JSON of a plan.
type plannedCluster struct {
	Cluster string             `json:"cluster"`
	Steps   []bootstrap.Event  `json:"steps"`
	Changes []bootstrap.Change `json:"changes"`
}

// runPlan says what would be changed.
func (u *clusterUp) runPlan(ctx context.Context, s *session) (differs bool, err error) {
	f, err := u.read(s)
	if err != nil {
		return false, err
	}
	kept, err := s.peek(f, u.fleetFlags)
	if err != nil {
		return false, err
	}
	m, err := s.reach(f, u.fleetFlags, kept)
	if err != nil {
		return false, err
	}
	defer m.close()
	show := s.followSteps(m.World, u.asJSON)
	show.quiet = u.asJSON
	defer show.close()
	result := plannedCluster{Cluster: f.Name, Steps: []bootstrap.Event{}}
	result.Changes, err = bootstrap.Plan(ctx, m.World, bootstrap.Steps(), bootstrap.Options{Only: u.only, Tell: func(e bootstrap.Event) {
		if e.State != bootstrap.Began {
			result.Steps = append(result.Steps, e)
		}
		show.tell(e)
	}})
	show.close()
	switch {
	case err != nil:
		return false, err
	case u.asJSON:
		if result.Changes == nil {
			result.Changes = []bootstrap.Change{}
		}
		return len(result.Changes) > 0, s.printJSON(result)
	case len(result.Changes) == 0:
		s.print("Cluster %s is as %s says.", s.bold(f.Name), u.file)
	default:
		s.print("%s. `crumpet cluster up` makes them.", upperFirst(count(len(result.Changes), "change")))
	}
	return len(result.Changes) > 0, nil
}

// stepShow shows the steps of a run as they go.
type stepShow struct {
	s      *session
	p      *progress
	asJSON bool
	quiet  bool // one document is printed at the end

	mu     sync.Mutex      // guards warned
	warned map[string]bool // what was said is not said again when a step is planned again
}

func (s *session) followSteps(w *bootstrap.World, asJSON bool) *stepShow {
	show := &stepShow{s: s, p: newProgress(s, asJSON), asJSON: asJSON, warned: map[string]bool{}}
	w.Say = func(format string, args ...any) { show.p.say(fmt.Sprintf(format, args...)) }
	w.Warn = show.warn
	return show
}

func (v *stepShow) close() { v.p.close() }

func (v *stepShow) warn(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.warned[text] {
		return
	}
	v.warned[text] = true
	if v.asJSON {
		v.s.say("Warning: %s", ended(text))
		return
	}
	v.p.line("Warning: %s", ended(text))
}

// tell shows one event: a line for each step that has ended, with its time, and the changes below.
func (v *stepShow) tell(e bootstrap.Event) {
	if v.asJSON {
		if !v.quiet {
			_ = v.s.printJSONLine(e) // nobody reads any more
		}
		return
	}
	switch e.State {
	case bootstrap.Began:
		v.p.begin(e.Step)
		return
	case bootstrap.Same:
		v.p.end(e.Step, "nothing to do", e.Took)
	case bootstrap.Planned:
		v.p.end(e.Step, count(len(e.Changes), "change"), e.Took)
	case bootstrap.Done:
		v.p.end(e.Step, count(len(e.Changes), "change")+" made", e.Took)
	case bootstrap.Undone:
		v.p.end(e.Step, "undone", e.Took)
	case bootstrap.Stayed:
		v.p.end(e.Step, "nothing to undo", e.Took)
		v.p.line("  %s", ended(e.Reason))
	case bootstrap.Failed:
		v.p.end(e.Step, "failed", e.Took)
	}
	v.changes(e.Changes)
}

func (v *stepShow) changes(list []bootstrap.Change) {
	for _, c := range list {
		where := c.Machine
		if where == "" {
			where = "cluster"
		}
		v.p.line("  %s %-12s %s", v.s.mark("~"), where, c.Text)
		if c.Breaks != "" {
			v.p.line("    %-12s %s", "", v.s.faint(ended(c.Breaks)))
		}
	}
}
