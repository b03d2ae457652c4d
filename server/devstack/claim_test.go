package devstack

import "testing"

func TestTwoStacksNeverHaveTheSamePortsForTasks(t *testing.T) {
	t.Parallel()
	seen := map[int]bool{}
	for range 4 {
		var p Ports
		held, err := claimTasks(t.TempDir(), &p)
		if err != nil {
			t.Fatal(err)
		}
		defer held.Close() //nolint:errcheck // nothing was accepted
		if seen[p.Tasks] {
			t.Fatalf("block %d was given twice", p.Tasks)
		}
		seen[p.Tasks] = true
	}
	var first Ports
	held, err := claimTasks(t.TempDir(), &first)
	if err != nil {
		t.Fatal(err)
	}
	again := first
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	held, err = claimTasks(t.TempDir(), &again)
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close() //nolint:errcheck // nothing was accepted
	if again.Tasks != first.Tasks {
		t.Errorf("block %d became %d though it was free", first.Tasks, again.Tasks)
	}
}
