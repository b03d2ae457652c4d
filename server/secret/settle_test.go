package secret_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/secret"
)

func TestASealedVaultLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.vault.away = true
	_ = r.refused(set("A", "1"), paas.Unavailable)
	if n := r.newest(); n != 0 {
		t.Errorf("newest %d", n)
	}
	r.vault.away = false
	r.made(set("A", "1"))
	r.pushed(1, nil)
	r.vault.away = true
	if err := r.refused(set("A", "2"), paas.Unavailable); !strings.Contains(paas.MessageOf(err), "sealed") {
		t.Errorf("the reason is not said: %v", err)
	}
	_ = r.refused(paas.ConfigChange{Ref: shop, Unset: []string{"A"}}, paas.Unavailable)
	calls := r.vault.calls
	if n := r.newest(); n != 1 || r.vault.calls != calls {
		t.Errorf("newest %d, Vault asked %d times", n, r.vault.calls-calls)
	}
	if _, err := r.Reveal(t.Context(), shop, 0, nil, "ann"); paas.CodeOf(err) != paas.Unavailable || len(r.told(paas.EventConfigRevealed)) != 0 {
		t.Errorf("reveal: %v", err)
	}
	if err := r.Forget(t.Context(), shop); paas.CodeOf(err) != paas.Unavailable || len(r.rows()) != 1 {
		t.Errorf("forget: %v", err)
	}
	if err := r.Forget(t.Context(), paas.AppRef{Team: "default", App: "never-set"}); err != nil {
		t.Errorf("forget what was never set: %v", err)
	}
}

// interrupted ends a change between its row and Vault's answer, as a crash would. done says that Vault
// wrote it.
func (r *room) interrupted(c paas.ConfigChange, done bool) {
	r.Helper()
	r.vault.onPut = func() (bool, error) { r.vault.away = true; return done, away }
	if _, err := r.Change(r.Context(), c); paas.CodeOf(err) != paas.Unavailable {
		r.Fatalf("interrupted: %v", err)
	}
	r.vault.onPut = nil
	if rows := r.rows(); len(rows) == 0 || rows[0].Written {
		r.Fatalf("no row is unwritten: %+v", rows)
	}
	if n, err := r.Newest(r.Context(), shop); paas.CodeOf(err) != paas.Unavailable {
		r.Fatalf("newest is %d, %v while only Vault knows", n, err)
	}
	r.vault.away = false
}

func TestACrashBeforeVaultWroteIsAsIfNothingHadBeenAsked(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.made(set("A", "1"))
	r.interrupted(set("A", "2"), false)
	if n := r.newest(); n != 1 || len(r.rows()) != 2 {
		t.Errorf("newest %d, %d rows: its writer could be another server that is still at it", n, len(r.rows()))
	}
	r.now = r.now.Add(time.Hour)
	if n := r.newest(); n != 1 || len(r.rows()) != 1 {
		t.Errorf("newest %d, %d rows after an hour", n, len(r.rows()))
	}
	r.interrupted(set("A", "2"), false)
	if result := r.made(set("A", "3")); result.Version.Version != 2 || !result.Made {
		t.Errorf("at once again: %+v", result)
	}
	if got := r.told(paas.EventConfigChanged); len(got) != 2 || r.values(0)["A"] != "3" || len(r.rows()) != 2 {
		t.Errorf("told %q", got)
	}
}

func TestACrashAfterVaultWroteIsAVersion(t *testing.T) {
	t.Parallel()
	for name, look := range map[string]func(*room) error{
		"a push asks": func(r *room) error { _, err := r.Newest(r.Context(), shop); return err },
		"it is asked again": func(r *room) error {
			result, err := r.Change(r.Context(), set("A", "2"))
			if result.Made || result.Version.Version != 2 {
				r.Errorf("asked again: %+v", result)
			}
			return err
		},
		"something else is set": func(r *room) error {
			result, err := r.Change(r.Context(), set("B", "1"))
			if !result.Made || result.Version.Version != 3 {
				r.Errorf("something else: %+v", result)
			}
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRoom(t)
			r.made(set("A", "1"))
			r.interrupted(set("A", "2"), true)
			if err := look(r); err != nil {
				t.Fatal(err)
			}
			if v := r.values(2); v["A"] != "2" || r.newest() < 2 {
				t.Errorf("values %v", v)
			}
			told := r.told(paas.EventConfigChanged)
			if n := len(slices.DeleteFunc(told, func(m string) bool { return !strings.Contains(m, "version 2 ") })); n != 1 {
				t.Errorf("told %d times", n)
			}
		})
	}
}

func TestALostAnswerOfVaultIsNoFailure(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.vault.onPut = func() (bool, error) { return true, paas.Errorf(paas.Unavailable, "Vault does not answer.") }
	if result := r.made(set("A", "1")); !result.Made || result.Version.Version != 1 || !r.rows()[0].Written {
		t.Errorf("%+v", result)
	}
	r.vault.onPut = func() (bool, error) { return false, paas.Errorf(paas.Unavailable, "Vault does not answer.") }
	_ = r.refused(set("A", "2"), paas.Unavailable)
}

// TestACallerWhoLeavesLeavesNoWriteBehind cancels the call while Vault writes.
func TestACallerWhoLeavesLeavesNoWriteBehind(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	ctx, cancel := context.WithCancel(t.Context())
	r.vault.onPut = func() (bool, error) { cancel(); return true, ctx.Err() }
	if _, err := r.Change(ctx, set("A", "1")); err != nil {
		t.Fatal(err)
	}
	if rows := r.rows(); len(rows) != 1 || !rows[0].Written {
		t.Errorf("rows: %+v", rows)
	}
}

func TestWhatSomebodyWroteToVaultIsNotOverwritten(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.made(set("A", "1"))
	r.vault.locked(func() { r.vault.put(shop, map[string]string{"A": "by hand", "B": "by hand"}) })
	_, err := r.Change(t.Context(), set("A", "2"))
	if paas.CodeOf(err) != paas.Conflict {
		t.Fatalf("over it: %v", err)
	}
	config, err := r.Configuration(t.Context(), shop)
	if err != nil || config.Newest.Version != 2 || len(config.Newest.Keys) != 2 || !config.Newest.Keys[0].Secret || config.Newest.CreatedBy != "unknown" {
		t.Errorf("found: %+v, %v", config.Newest, err)
	}
	r.made(set("A", "2"))
	if diff := cmp.Diff(map[string]string{"A": "2", "B": "by hand"}, r.values(0)); diff != "" {
		t.Errorf("tried again (-want +got):\n%s", diff)
	}
}

// TestARowIsNotTakenForAnothersWrite: Vault has something else under the number of an unwritten row.
func TestARowIsNotTakenForAnothersWrite(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.made(set("A", "1"))
	r.interrupted(set("MINE", "1"), false)
	r.vault.locked(func() { r.vault.put(shop, map[string]string{"THEIRS": "1"}) })
	config, err := r.Configuration(t.Context(), shop)
	if err != nil || config.Newest.Version != 2 || len(config.Newest.Keys) != 1 || config.Newest.Keys[0].Name != "THEIRS" {
		t.Errorf("%+v, %v", config.Newest, err)
	}
}

// TestServersThatWriteAtOnceLoseNothing has two servers set keys of one app, each again when it was told to.
func TestServersThatWriteAtOnceLoseNothing(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	servers := []*secret.Secrets{r.Secrets, r.another(r.store)}
	const each = 8
	var all sync.WaitGroup
	for n := range 2 * each {
		all.Go(func() {
			for {
				_, err := servers[n%2].Change(t.Context(), set(fmt.Sprintf("KEY_%d", n), "x"))
				if err == nil {
					return
				}
				if paas.CodeOf(err) != paas.Conflict {
					t.Errorf("key %d: %v", n, err)
					return
				}
			}
		})
	}
	all.Wait()
	rows := r.rows()
	if len(rows) != 2*each || len(rows[0].Keys) != 2*each || len(r.told(paas.EventConfigChanged)) != 2*each {
		t.Errorf("%d versions, %d keys, %d told", len(rows), len(rows[0].Keys), len(r.told(paas.EventConfigChanged)))
	}
	for _, row := range rows {
		if len(row.Keys) != len(r.vault.versions[shop][row.Version]) || !row.Written || row.CreatedBy != "ann" {
			t.Errorf("version %d: row %+v, Vault has %d keys", row.Version, row, len(r.vault.versions[shop][row.Version]))
		}
	}
}

// silent is a store that can tell nobody anything.
type silent struct{ secret.Store }

func (silent) Emit(context.Context, ...paas.Event) error {
	return paas.Errorf(paas.Unavailable, "Crumpet's database does not answer now.")
}

func TestValuesAreShownOnlyWhereItIsTold(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.made(set("A", "1", "B", "2", "C", "3"))
	shown, err := r.Reveal(t.Context(), shop, 0, []string{"C", "A", "C"}, "eve")
	if err != nil || len(shown.Values) != 2 || shown.Values["C"].Reveal() != "3" {
		t.Errorf("%v, %v", shown, err)
	}
	if got := r.told(paas.EventConfigRevealed); len(got) != 1 || got[0] != "values of version 1 of the configuration shown to eve: A, C" {
		t.Errorf("told: %q", got)
	}
	for what, query := range map[string]struct {
		version int
		name    string
	}{"a key": {0, "GHOST"}, "a version": {9, "A"}} {
		if _, err := r.Reveal(t.Context(), shop, query.version, []string{query.name}, "eve"); paas.CodeOf(err) != paas.NotFound {
			t.Errorf("%s that is not there: %v", what, err)
		}
	}
	if shown, err := r.another(silent{r.store}).Reveal(t.Context(), shop, 0, nil, "eve"); err == nil || len(shown.Values) > 0 {
		t.Errorf("shown though nobody could be told: %v", shown)
	}
}

func TestAForgottenAppBeginsAnew(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	r.made(set("A", "1"))
	r.made(set("A", "2"))
	if err := r.Forget(t.Context(), shop); err != nil {
		t.Fatal(err)
	}
	if len(r.rows()) != 0 || len(r.vault.versions[shop]) != 0 || r.newest() != 0 {
		t.Errorf("left: %+v", r.rows())
	}
	if result := r.made(set("B", "1")); result.Version.Version != 1 || len(result.Version.Keys) != 1 {
		t.Errorf("anew: %+v", result)
	}
}

func TestNoValueIsInTheDatabaseTheLogOrAnEvent(t *testing.T) {
	t.Parallel()
	r := newRoom(t)
	const value = "Zq7-unlikely-value"
	r.pushed(0, nil)
	r.made(set("A", value+"1"))
	r.interrupted(set("A", value+"2"), false)
	r.interrupted(set("A", value+"3"), true)
	r.vault.locked(func() { r.vault.put(shop, map[string]string{"A": value + "4"}) })
	_, conflict := r.Change(t.Context(), set("A", value+"5"))
	r.made(set("A", value+"6"))
	r.values(0)
	if conflict == nil || strings.Contains(conflict.Error(), value) {
		t.Errorf("conflict: %v", conflict)
	}
	if strings.Contains(r.log.String(), value) || !strings.Contains(r.log.String(), "found in vault") {
		t.Errorf("the log holds a value, or nothing:\n%s", r.log)
	}
	if err := r.store.Close(); err != nil { // folds the log of writes into the file
		t.Fatal(err)
	}
	text, err := os.ReadFile(r.path)
	if err != nil || strings.Contains(string(text), value) || !strings.Contains(string(text), "found in Vault") {
		t.Errorf("the database holds a value, or nothing: %v", err)
	}
}
