package server

import (
	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/consul"
	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/fabio"
	"github.com/crumpet-paas/crumpet/server/nomad"
	"github.com/crumpet-paas/crumpet/server/store"
)

var (
	_ api.Repairs        = (*deploy.Repair)(nil)
	_ deploy.RepairStore = (*store.Store)(nil)
	_ deploy.Cluster     = (*nomad.Client)(nil)
	_ deploy.Catalog     = (*consul.Client)(nil)
	_ deploy.Routers     = (*fabio.Client)(nil)
)

// newRepair makes what finds and heals drift.
func (s *Server) newRepair(c clients, opt Options) *deploy.Repair {
	scheduler, _ := deploy.Led(c.nomad, c.consul, s.leads)
	return deploy.NewRepair(deploy.RepairConfig{
		Store: s.store, Scheduler: scheduler, Cluster: c.nomad, Catalog: c.consul, Routers: c.fabio, Volumes: c.nomad,
		Token: s.token.warning, Port: s.routerPort(), Now: opt.Now, Log: s.log,
	})
}
