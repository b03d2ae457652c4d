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

// What the kernel gives to connections begins at 32768 (net.ipv4.ip_local_port_range, unless somebody has
// changed it); a program whose port lies there may find it taken (slots.md D9).
func TestPortsOfTasksLieBelowThoseOfConnections(t *testing.T) {
	t.Parallel()
	const connections = 32_768
	for block := range taskBlocks {
		p := Ports{Tasks: firstTaskPort + block*taskBlock}
		for nodes := 1; nodes <= 3; nodes++ {
			if first, last := p.taskPorts(nodes-1, nodes); first <= lastPort || last >= connections {
				t.Errorf("block %d, node %d of %d: ports %d to %d, want them between %d and %d", block, nodes, nodes, first, last, lastPort, connections)
			}
		}
	}
}
