package nomad

import (
	"net/http"
	"runtime"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/executor"
)

// statsOver is how long CPU time is counted for an answer. Nomad's clients count all the time, and answer at once.
const statsOver = 100 * time.Millisecond

// allocStats says what the tasks of an allocation take, each and together.
func (s *Server) allocStats(w http.ResponseWriter, r *http.Request) {
	a, err := s.clientAlloc(r)
	if err != nil {
		s.refuse(w, err)
		return
	}
	if a.ClientTerminal() {
		s.refuse(w, fail(http.StatusNotFound, "Unknown allocation %q", a.ID))
		return
	}
	handles, before := map[string]*executor.Handle{}, map[string]executor.Use{}
	for name, ts := range a.TaskStates {
		run, number := executor.Latest(s.runDir(a.ID, name))
		if ts.State != "running" || number == 0 {
			continue
		}
		if handle, err := executor.Attach(run); err == nil {
			handles[name], before[name] = handle, handle.Use()
		}
	}
	began := time.Now()
	timer := time.NewTimer(statsOver)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		return
	}
	now := time.Now()
	stats := nomadapi.AllocResourceUsage{ResourceUsage: usageOf(executor.Use{}, executor.Use{}, statsOver), Tasks: map[string]*nomadapi.TaskResourceUsage{}, Timestamp: now.UnixNano()}
	for name, handle := range handles {
		use := usageOf(before[name], handle.Use(), now.Sub(began))
		stats.Tasks[name] = &nomadapi.TaskResourceUsage{ResourceUsage: use, Timestamp: now.UnixNano()}
		stats.ResourceUsage.CpuStats.TotalTicks += use.CpuStats.TotalTicks
		stats.ResourceUsage.CpuStats.Percent += use.CpuStats.Percent
		stats.ResourceUsage.MemoryStats.RSS += use.MemoryStats.RSS
	}
	s.reply(w, stats)
}

// usageOf puts what was taken between two looks into Nomad's words: a tick is a MHz.
func usageOf(before, after executor.Use, over time.Duration) *nomadapi.ResourceUsage {
	share := max(0, (after.CPU-before.CPU).Seconds()/over.Seconds()) // of one core
	return &nomadapi.ResourceUsage{
		CpuStats: &nomadapi.CpuStats{
			TotalTicks: share * float64(machineMHz()) / float64(runtime.NumCPU()), Percent: share * 100, Measured: []string{"Total Ticks", "Percent"},
		},
		MemoryStats: &nomadapi.MemoryStats{RSS: uint64(after.RSS), Measured: []string{"RSS"}},
	}
}
