package server

import (
	"context"
	"net"

	"github.com/crumpet-paas/crumpet/server/config"
	"github.com/crumpet-paas/crumpet/server/consul"
)

// ServiceOf is a server that listens there as Consul is to know it.
func ServiceOf(ctx context.Context, cfg config.Config, at net.Addr) consul.Self {
	s := &Server{cfg: cfg}
	s.self.id, s.self.name = "a1", "north"
	return s.service(ctx, at)
}
