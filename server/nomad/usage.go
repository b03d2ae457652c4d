package nomad

import (
	"context"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Measure gives what an allocation takes of its node now, all its tasks together. The node is asked through Nomad's
// servers. Codes: not_found; unavailable, also where the node measures nothing.
func (c *Client) Measure(ctx context.Context, team, alloc string) (paas.Measured, error) {
	q, cancel := c.query(ctx, team)
	defer cancel()
	stats, err := c.api.Allocations().Stats(&nomadapi.Allocation{ID: alloc}, q)
	if err != nil {
		return paas.Measured{}, c.fail(ctx, err, "measure allocation "+alloc)
	}
	if stats.Timestamp == 0 || len(stats.Tasks) == 0 { // as where the node has no control groups, or has just begun
		return paas.Measured{}, paas.Errorf(paas.Unavailable, "Nomad's client measures nothing of allocation %s.", alloc)
	}
	measured := paas.Measured{At: time.Unix(0, stats.Timestamp).UTC()}
	if use := stats.ResourceUsage; use != nil {
		if use.CpuStats != nil {
			measured.CPU = use.CpuStats.TotalTicks
		}
		if m := use.MemoryStats; m != nil {
			measured.Memory = int64(m.RSS)
			if measured.Memory == 0 { // some drivers measure the whole only
				measured.Memory = int64(m.Usage)
			}
		}
	}
	return measured, nil
}

// Rooms gives what each node has, by its id, and what is reserved of that, whoever reserved it.
func (c *Client) Rooms(ctx context.Context) (map[string]paas.NodeCapacity, error) {
	of, cancelNodes := c.query(ctx, "")
	defer cancelNodes()
	of.Params = map[string]string{"resources": "true"}
	nodes, _, err := c.api.Nodes().List(of)
	if err != nil {
		return nil, c.fail(ctx, err, "list nodes")
	}
	rooms := make(map[string]paas.NodeCapacity, len(nodes))
	for _, n := range nodes {
		room := paas.NodeCapacity{Instances: map[string]paas.Reserved{}}
		if has := n.NodeResources; has != nil {
			room.CPU.Total, room.Memory.Total = int(has.Cpu.CpuShares), int(has.Memory.MemoryMB)
		}
		if own := n.ReservedResources; own != nil {
			room.CPU.Total -= int(own.Cpu.CpuShares)
			room.Memory.Total -= int(own.Memory.MemoryMB)
		}
		rooms[n.ID] = room
	}
	q, cancel := c.query(ctx, nomadapi.AllNamespacesNamespace)
	defer cancel()
	q.Params = map[string]string{"resources": "true"}
	allocs, _, err := c.api.Allocations().List(q)
	if err != nil {
		return nil, c.fail(ctx, err, "list allocations")
	}
	for _, a := range allocs {
		room, known := rooms[a.NodeID]
		if !known || over(a.ClientStatus) || a.AllocatedResources == nil {
			continue
		}
		var reserved paas.Reserved
		for _, task := range a.AllocatedResources.Tasks {
			reserved.CPU += int(task.Cpu.CpuShares)
			reserved.Memory += int(task.Memory.MemoryMB)
		}
		room.Instances[a.ID] = reserved
		room.CPU.Reserved += reserved.CPU
		room.Memory.Reserved += reserved.Memory
		rooms[a.NodeID] = room
	}
	return rooms, nil
}

// over says that an allocation of that client status holds nothing of its node any more.
func over(status string) bool {
	return status == nomadapi.AllocClientStatusComplete || status == nomadapi.AllocClientStatusFailed || status == nomadapi.AllocClientStatusLost
}
