package bootstrap_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// keeperOf opens what the world sealed to one keeper.
func keeperOf(keeper string) func([]byte) ([]byte, error) {
	return func(sealed []byte) ([]byte, error) {
		plain, mine := strings.CutPrefix(string(sealed), "sealed to "+keeper+": ")
		if !mine {
			return nil, paas.Errorf(paas.Forbidden, "not mine")
		}
		return []byte(plain), nil
	}
}

func (v *fakeVault) runsOn() (machines string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, m := range v.world.fleet.Of(fleet.Server) {
		if v.running[m.Name+"vault"] {
			machines += " " + m.Name
		}
	}
	return strings.TrimSpace(machines)
}

func TestAVaultWhoseStorageIsReplacedIsOpenedByItsKeepers(t *testing.T) {
	t.Parallel()
	w, v := newVault(t)
	if err := up(w, named(t, vaultSteps...)); err != nil {
		t.Fatal(err)
	}
	ctx, world := context.Background(), w.run()
	if filled, err := world.VaultFilled(ctx); err != nil || filled != "server-1" {
		t.Fatalf("before, %q is filled, %v", filled, err)
	}
	// A restore that died after it had initialized Vault finds it so as well.
	first, err := world.VaultAnew(ctx)
	if err != nil || first != "server-1" || v.runsOn() != "server-1" {
		t.Fatalf("made anew, %q is the first, %v, and Vault runs on %q", first, err, v.runsOn())
	}
	v.mu.Lock()
	for machine, data := range v.data {
		if data != 0 {
			t.Errorf("%s holds something", machine)
		}
	}
	v.data["server-1"] = v.key // as a snapshot of before would
	v.mu.Unlock()

	asked := make(chan string, 10)
	ann := make(chan error, 1)
	go func() {
		<-asked
		_, err := bootstrap.Unseal(ctx, w.run(), keeperOf("ann"))
		ann <- err
	}()
	say := func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); strings.Contains(text, "server-1") {
			asked <- text
		}
	}
	if err := world.VaultReopened(ctx, keeperOf("bob"), 30*time.Second, say); err != nil {
		t.Fatalf("bob, with ann's help: %v", err)
	}
	if err := <-ann; err != nil {
		t.Errorf("ann: %v", err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, m := range w.fleet.Of(fleet.Server) {
		if !v.open[m.Name] {
			t.Errorf("%s is sealed", m.Name)
		}
	}
}

func TestAKeeperWaitsForTheOthersAsLongAsIsSaid(t *testing.T) {
	t.Parallel()
	w, v := newVault(t)
	if err := up(w, named(t, vaultSteps...)); err != nil {
		t.Fatal(err)
	}
	world := w.run()
	if _, err := world.VaultAnew(context.Background()); err != nil {
		t.Fatal(err)
	}
	v.mu.Lock()
	v.data["server-1"] = v.key
	v.mu.Unlock()
	var told []string
	err := world.VaultReopened(context.Background(), keeperOf("bob"), time.Second, func(format string, args ...any) { told = append(told, fmt.Sprintf(format, args...)) })
	if paas.CodeOf(err) != paas.Unavailable || len(told) != 1 || !strings.Contains(told[0], "has 2 of 3 shares") || !strings.Contains(told[0], "crumpet cluster unseal") {
		t.Errorf("bob alone is told %q, and in the end %v", told, err)
	}
	// What has no key yet is not waited for by whoever opens the first.
	if got, err := bootstrap.Unseal(context.Background(), w.run(), keeperOf("bob")); err != nil || got.Machines["server-2"] != "waits for one that is open" {
		t.Errorf("bob again: %+v, %v", got, err)
	}
}
