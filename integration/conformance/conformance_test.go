package conformance_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// table is the whole contract.
func table() []row {
	return slices.Concat(nomadJobRows, nomadPlanRows, nomadPlacementRows, nomadValidRows, nomadReadRows, nomadTaskRows, nomadLifecycleRows, nomadBatchRows, nomadCheckRows, nomadProgramRows, nomadServiceRows, nomadFileRows,
		driftRows, consulKVRows, consulHealthRows, consulLockRows, vaultRows, vaultAppRows, databaseRows, leaseRows, routerRows, nodeRows, nomadExecRows, nomadStatsRows, doctorRows, nomadVariableRows, nomadVolumeRows)
}

// verdicts are what the table prints: row, column, ok or FAIL.
type verdicts struct {
	mu sync.Mutex
	of map[string]map[string]string
}

func (v *verdicts) set(row, column, verdict string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.of == nil {
		v.of = map[string]map[string]string{}
	}
	if v.of[row] == nil {
		v.of[row] = map[string]string{}
	}
	v.of[row][column] = verdict
}

func (v *verdicts) String() string {
	v.mu.Lock()
	defer v.mu.Unlock()
	var out strings.Builder
	fmt.Fprintf(&out, "\n  %-8s  %-8s  row\n", "embedded", "real")
	for _, r := range table() {
		of := v.of[r.name]
		if of == nil {
			continue // not asked for
		}
		fmt.Fprintf(&out, "  %-8s  %-8s  %s\n", of["embedded"], of["real"], r.name)
	}
	return out.String()
}

// TestConformance runs the table against the stand-ins, and against the real programs where they are.
func TestConformance(t *testing.T) {
	var v verdicts
	t.Cleanup(func() { fmt.Println(&v) })
	for _, column := range []string{"embedded", "real"} {
		t.Run(column, func(t *testing.T) {
			if names := missing(); column == "real" && len(names) > 0 {
				fmt.Printf("the real column is skipped: not on PATH: %s\n", strings.Join(names, ", "))
				for _, r := range table() {
					v.set(r.name, column, "skipped")
				}
				t.Skip("not on PATH: " + strings.Join(names, ", "))
			}
			s := start(t, column)
			two := sync.OnceValue(func() *stack { return start(t, column, "--nodes", "2") })
			for _, r := range table() {
				t.Run(r.name, func(t *testing.T) {
					s := s
					if r.twoNodes {
						s = two()
					} else if !r.alone {
						t.Parallel()
					}
					if r.postgres {
						v.set(r.name, column, "skipped")
						pgtest.Start(t) // or the row is skipped
					}
					v.set(r.name, column, "FAIL")
					if wrong := r.try(t, s); wrong != "" {
						t.Errorf("%s: %s", column, wrong)
						return
					}
					v.set(r.name, column, "ok")
				})
			}
		})
	}
}

// TestConformanceNamesAreUnique: the table is printed by name.
func TestConformanceNamesAreUnique(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, r := range table() {
		if seen[r.name] || len(r.calls) == 0 || strings.TrimSpace(r.want) == "" {
			t.Errorf("row %q: a second one, or without calls or a text", r.name)
		}
		seen[r.name] = true
	}
}

// TestConformanceOfAVault runs Vault's rows against a real Vault or OpenBao that was started by hand, where the other
// real programs are not wanted: CRUMPET_REAL_VAULT is its address, CRUMPET_REAL_VAULT_TOKEN its root token.
func TestConformanceOfAVault(t *testing.T) {
	t.Parallel()
	address := os.Getenv("CRUMPET_REAL_VAULT")
	if address == "" {
		t.Skip("no real Vault is given: CRUMPET_REAL_VAULT is not set")
	}
	s := &stack{kind: "real", vaultToken: os.Getenv("CRUMPET_REAL_VAULT_TOKEN"), at: map[string]string{
		"vault": address, "nomad": address, "consul": address,
	}}
	for _, r := range slices.Concat(vaultRows, vaultAppRows, databaseRows, leaseRows) {
		t.Run(r.name, func(t *testing.T) {
			if wrong := r.try(t, s); wrong != "" {
				t.Error(wrong)
			}
		})
	}
}
