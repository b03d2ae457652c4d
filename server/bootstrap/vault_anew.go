package bootstrap

import (
	"context"
	"fmt"
	"time"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// What a restore does with a fleet's Vault, around the moment at which its storage is replaced:
//
//	VaultFilled -> VaultAnew: all empty, the first alone runs -> (initialized with a throwaway key, storage replaced)
//	            -> VaultReopened: all run, and are opened by the shares that the storage knows
//
// A run that ends in between begins again with VaultAnew: the throwaway key is not needed a second time.

// VaultFilled names a server of Vault that is initialized, "" for none. Code unavailable, where one does not answer.
func (w *World) VaultFilled(ctx context.Context) (machine string, err error) {
	for _, m := range w.Fleet.Of(fleet.Server) {
		s := w.seal(ctx, m.Name)
		if s.err != nil {
			return "", s.err
		}
		if s.Initialized {
			return m.Name, nil
		}
	}
	return "", nil
}

// VaultAnew empties every server of Vault, and leaves only the first running, which it names: another would join it by
// the key that it has until its storage is replaced, and then never open.
func (w *World) VaultAnew(ctx context.Context) (machine string, err error) {
	if err := w.VaultStarted(ctx); err != nil {
		return "", err
	}
	filled, err := w.VaultFilled(ctx)
	if err != nil {
		return "", err
	}
	if filled != "" {
		if err := w.emptyVault(ctx); err != nil {
			return "", err
		}
	}
	servers := w.Fleet.Of(fleet.Server)
	return servers[0].Name, w.eachVault(ctx, servers[1:], agents.Stop)
}

// VaultStarted starts the servers of Vault that don't run, and waits until all answer.
func (w *World) VaultStarted(ctx context.Context) error {
	servers := w.Fleet.Of(fleet.Server)
	if err := w.eachVault(ctx, servers, agents.Start); err != nil {
		return err
	}
	return w.Each(ctx, servers, func(ctx context.Context, m fleet.Machine, _ Host) error {
		return Until(ctx, joinLimit, func(ctx context.Context) error { return w.seal(ctx, m.Name).err })
	})
}

func (w *World) eachVault(ctx context.Context, machines []fleet.Machine, verb agents.Verb) error {
	return w.Each(ctx, machines, func(ctx context.Context, m fleet.Machine, host Host) error {
		_, err := host.Run(ctx, agents.VaultService(m).Script(w.Fleet.Init, verb), nil)
		return err
	})
}

// VaultReopened starts every server of Vault and brings the shares that open can open, until all are open. What other
// keepers have to bring is said, and waited for. Code unavailable: they have not, within the time.
func (w *World) VaultReopened(ctx context.Context, open func(sealed []byte) ([]byte, error), within time.Duration, say func(format string, args ...any)) error {
	shares, err := w.Shares()
	if err != nil {
		return err
	}
	if err := w.VaultStarted(ctx); err != nil {
		return err
	}
	mine, _ := opened(shares, open)
	brought := map[string]bool{}
	told := ""
	return Until(ctx, within, func(ctx context.Context) error {
		waits, err := w.bringOnce(ctx, mine, brought)
		if err != nil {
			return err
		}
		if waits == "" {
			return w.opened(ctx)
		}
		if waits != told {
			say("%s", waits)
			told = waits
		}
		return paas.Errorf(paas.Unavailable, "%s", waits)
	})
}

// bringOnce brings shares to each server that has not had them, and says what is waited for, "" when all are open.
func (w *World) bringOnce(ctx context.Context, mine []string, brought map[string]bool) (waits string, err error) {
	anyOpen := false
	for _, m := range w.Fleet.Of(fleet.Server) {
		s := w.seal(ctx, m.Name)
		if s.err != nil {
			return "", s.err
		}
		if !s.open() && (s.Initialized || anyOpen) && (s.Progress == 0 || !brought[m.Name]) {
			if s, err = w.bring(ctx, m.Name, mine); err != nil {
				return "", onMachine(m.Name, err)
			}
			brought[m.Name] = true
		}
		if anyOpen = anyOpen || s.open(); !s.open() && waits == "" {
			waits = w.waitsFor(m.Name, s)
		}
	}
	return waits, nil
}

func (w *World) waitsFor(machine string, s sealState) string {
	if w.Fleet.Seal.Kind != fleet.Shares {
		return fmt.Sprintf("Vault on %s is sealed, and is to unseal itself (%s)", machine, w.Fleet.Seal.Kind)
	}
	return fmt.Sprintf("Vault on %s is sealed and has %d of %d shares: the other keepers bring theirs by crumpet cluster unseal, in other terminals", machine, s.Progress, w.Fleet.Seal.Threshold)
}
