package nomad_test

import (
	"testing"

	nomadapi "github.com/hashicorp/nomad/api"
)

func TestAnAllocationSaysWhatItsTasksTake(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.register(t, job("app", 1, "while :; do :; done"))
	stub := s.running(t, "app", 1)["app.web[0]"]
	stats, err := s.Allocations().Stats(&nomadapi.Allocation{ID: stub.ID}, nil)
	if err != nil {
		t.Fatal(err)
	}
	web := stats.Tasks["web"]
	if web == nil || web.ResourceUsage.CpuStats.TotalTicks <= 0 || web.ResourceUsage.MemoryStats.RSS < 1<<16 || stats.Timestamp == 0 {
		t.Fatalf("a task that is busy takes %+v", web)
	}
	if all := stats.ResourceUsage; all.CpuStats.TotalTicks != web.ResourceUsage.CpuStats.TotalTicks || all.MemoryStats.RSS != web.ResourceUsage.MemoryStats.RSS {
		t.Errorf("all together %+v, its one task %+v", all, web)
	}
	if _, err := s.Allocations().Stats(&nomadapi.Allocation{ID: "none"}, nil); err == nil {
		t.Error("one that nobody knows has stats")
	}
}
