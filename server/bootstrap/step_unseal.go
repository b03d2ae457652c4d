package bootstrap

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// keptVaultNew is kept from before Vault is initialized until every server of it is open for the first time. What it gives
// at its initialization it gives once: a run that ends in between has lost it, or has the shares only as their keepers can
// read them. As long as this is kept nobody but up has had the root token, and so nothing is lost when Vault is
// emptied and initialized again.
const keptVaultNew = "vault-new"

// unseal has a new Vault make its keys, hands each share to a keeper, and opens every server for the first time. Later it
// only says which are sealed: opening them is up to keepers, or to Vault itself.
type unseal struct{}

func (unseal) Name() string { return "unseal" }

func (unseal) About() string {
	return "Vault's keys, each share sealed to its keeper, and all servers open"
}

func (unseal) Plan(ctx context.Context, w *World) ([]Change, error) {
	states := w.seals(ctx)
	initialized, changes := false, []Change(nil)
	for _, m := range w.Fleet.Of(fleet.Server) {
		s := states[m.Name]
		initialized = initialized || s.err == nil && s.Initialized
		if !s.open() {
			changes = append(changes, Change{Machine: m.Name, Text: "unseal Vault"})
		}
	}
	var first Change
	switch fresh := w.Kept.Get(keptVaultNew) != ""; {
	case initialized && fresh:
		first = Change{
			Text:   "empty Vault and initialize it again: a run ended before its keys were kept, and nothing was written to it since",
			Breaks: "Whoever wrote to this Vault with a token of their own making loses that.",
		}
	case !initialized && w.Kept.Get(KeptVaultToken)+w.Kept.Get(KeptShares)+w.Kept.Get(KeptRecovery) != "" && !fresh:
		return changes, nil // it is down, or was emptied: Do says which
	case !initialized:
		first = Change{Text: w.initText()}
	default:
		return changes, nil
	}
	return append([]Change{first}, changes...), nil
}

func (w *World) initText() string {
	what := "keys that recover it"
	if w.Fleet.Seal.Kind == fleet.Shares {
		what = "keys that unseal it"
	}
	shares, threshold := w.shareCount()
	return fmt.Sprintf("initialize Vault: %d %s, of which any %d do, each sealed to one keeper", shares, what, threshold)
}

func (w *World) shareCount() (shares, threshold int) {
	return cmp.Or(w.Fleet.Seal.Shares, 5), cmp.Or(w.Fleet.Seal.Threshold, 3)
}

func (u unseal) Do(ctx context.Context, w *World) error {
	servers := w.Fleet.Of(fleet.Server)
	initialized, closed := "", ""
	for _, m := range servers {
		s, err := w.answers(ctx, m)
		if err != nil {
			return onMachine(m.Name, err)
		}
		if s.Initialized {
			initialized = m.Name
		}
		if !s.open() && closed == "" {
			closed = m.Name
		}
	}
	fresh := w.Kept.Get(keptVaultNew) != ""
	known := w.Kept.Get(KeptShares)+w.Kept.Get(KeptRecovery) != ""
	switch {
	case fresh:
		if initialized != "" {
			w.Say("Vault was initialized by a run that ended before it kept the keys; it is emptied and initialized again")
			if err := w.emptyVault(ctx); err != nil {
				return err
			}
		}
		return w.initVault(ctx)
	case initialized == "" && known:
		return paas.Errorf(paas.Conflict, "Vault holds nothing on any server, and yet its keys are kept: it was emptied. Bring its content back by crumpet cluster restore BACKUP --file cluster.hcl, or begin anew with crumpet cluster destroy.")
	case initialized == "":
		return w.initVault(ctx)
	case !known:
		return paas.Errorf(paas.Conflict, "Vault on %s was initialized by somebody else: its keys are not in the cluster's state. Use the state file that belongs to it, or take its content away with crumpet cluster destroy.", initialized)
	case closed != "" && w.Fleet.Seal.Kind == fleet.Shares:
		return w.sealed(closed)
	case closed != "":
		return w.opened(ctx)
	}
	return nil
}

func (unseal) Undo(context.Context, *World) error {
	return &Stays{Reason: "What was unsealed goes with the servers of Vault."}
}

// initVault makes the keys on the first server. The order is what makes it safe to end anywhere: see keptVaultNew.
func (w *World) initVault(ctx context.Context) error {
	if err := w.Kept.Put(ctx, keptVaultNew, w.Now().UTC().Format(time.RFC3339)); err != nil {
		return err
	}
	first := w.Fleet.Of(fleet.Server)[0].Name
	shares, threshold := w.shareCount()
	body := map[string]int{"recovery_shares": shares, "recovery_threshold": threshold}
	if w.Fleet.Seal.Kind == fleet.Shares {
		body = map[string]int{"secret_shares": shares, "secret_threshold": threshold}
	}
	var keys made
	request := Request{Machine: first, Program: fleet.Vault, Method: http.MethodPut, Path: "/v1/sys/init", NoToken: true, In: body, Out: &keys}
	if err := w.Send(ctx, request); err != nil {
		return err
	}
	if err := keys.check(); err != nil {
		return err
	}
	for name, some := range map[string][]string{KeptShares: keys.Keys, KeptRecovery: keys.Recovery} {
		if len(some) == 0 {
			continue
		}
		text, err := w.sealShares(some)
		if err != nil {
			return err
		}
		if err := w.Kept.Put(ctx, name, text); err != nil {
			return err
		}
	}
	if err := w.Kept.Put(ctx, KeptVaultToken, keys.Root); err != nil {
		return err
	}
	if err := w.openAll(ctx, keys.Keys); err != nil {
		return err
	}
	return w.Kept.Put(ctx, keptVaultNew, "")
}

// openAll opens the first server, which then leads, and the others, which join it.
func (w *World) openAll(ctx context.Context, shares []string) error {
	if len(shares) == 0 {
		return w.opened(ctx)
	}
	for _, m := range w.Fleet.Of(fleet.Server) {
		w.Say("unsealing Vault on %s", m.Name)
		s, err := w.bring(ctx, m.Name, shares)
		if err != nil {
			return onMachine(m.Name, err)
		}
		if !s.open() {
			return w.sealed(m.Name)
		}
		if err := Until(ctx, joinLimit, w.vaultServes); err != nil {
			return err
		}
	}
	return w.opened(ctx)
}

// vaultServes asks for a server that leads.
func (w *World) vaultServes(ctx context.Context) error {
	leader, err := w.vaultLeader(ctx)
	if err == nil && leader == "" {
		err = paas.Errorf(paas.Unavailable, "No server of Vault leads yet.")
	}
	return err
}

// answers gives what a server says of itself. One that is not there yet is waited for as long as Vault looks for what
// unseals it before it gives up: only then its log says why.
func (w *World) answers(ctx context.Context, m fleet.Machine) (s sealState, err error) {
	err = Until(ctx, startLimit, func(ctx context.Context) error {
		s = w.seal(ctx, m.Name)
		return s.err
	})
	if err != nil {
		err = w.withWords(ctx, m, agents.VaultService(m), err)
	}
	return s, err
}

const startLimit = 15 * time.Second

// opened waits until every server is open.
func (w *World) opened(ctx context.Context) error {
	return w.whyClosed(ctx, Until(ctx, joinLimit, func(ctx context.Context) error {
		for _, m := range w.Fleet.Of(fleet.Server) {
			switch s := w.seal(ctx, m.Name); {
			case s.err != nil:
				return s.err
			case !s.open():
				return w.sealed(m.Name)
			}
		}
		return w.vaultServes(ctx)
	}))
}

// emptyVault takes away what every server keeps, and starts them with nothing. All are stopped before the first is
// emptied: it would join one that is not.
func (w *World) emptyVault(ctx context.Context) error {
	servers := w.Fleet.Of(fleet.Server)
	scripts := []func(m fleet.Machine) string{
		func(m fleet.Machine) string { return agents.VaultService(m).Script(w.Fleet.Init, agents.Stop) },
		func(fleet.Machine) string { return "set -e\nfind " + agents.Data + "/vault -mindepth 1 -delete\n" },
		func(m fleet.Machine) string { return agents.VaultService(m).Script(w.Fleet.Init, agents.Start) },
	}
	for _, script := range scripts {
		err := w.Each(ctx, servers, func(ctx context.Context, m fleet.Machine, host Host) error {
			_, err := host.Run(ctx, script(m), nil)
			return err
		})
		if err != nil {
			return err
		}
	}
	return w.Each(ctx, servers, func(ctx context.Context, m fleet.Machine, _ Host) error {
		return Until(ctx, joinLimit, func(ctx context.Context) error { return w.seal(ctx, m.Name).err })
	})
}
