package apitest

import (
	"context"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Servers and Leading implement api.Servers: a leader, a follower, and one that has gone.
func (p *Platform) Servers(context.Context) ([]paas.Server, error) {
	began := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	led := began.Add(time.Hour)
	one := func(id, name, address, state string, seen time.Time) paas.Server {
		return paas.Server{ID: id, Name: name, Address: address, Version: "test", Store: "PostgreSQL", State: state, StartedAt: began, SeenAt: seen}
	}
	leader := one("a1", "north", "10.0.0.1:4780", paas.ServerLeader, led)
	leader.Epoch, leader.LedAt = 7, &led
	return []paas.Server{
		leader, one("b2", "south", "10.0.0.2:4780", paas.ServerFollower, led), one("c3", "west", "10.0.0.3:4780", paas.ServerLost, began),
	}, nil
}

// Leading says that the platform leads.
func (p *Platform) Leading() bool { return true }
