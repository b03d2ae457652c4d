package server

import (
	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// input is what every job of a release depends on: the release, its app's bindings, and the server's configuration.
func (s *Server) input(key []byte, rel paas.Release, bindings []paas.Binding) jobspec.Input {
	return jobspec.Input{
		Release: rel, Bindings: bindings, Vault: jobspec.Vault{KV: s.cfg.Vault.Mount, Database: s.cfg.Vault.Database, Audience: s.cfg.Vault.Audience},
		Driver: s.cfg.Drivers[0], Datacenters: s.cfg.Datacenters, BaseURL: s.routeURL(), RouterPort: s.routerPort(),
		ArtifactURL: func(digest string) string { return api.ArtifactURL(s.cfg.Advertise, key, digest) },
	}
}

// renderer makes the text of the job of a slot, with every count 0. It is pure, given the configuration.
func (s *Server) renderer(key []byte) deploy.Renderer {
	return func(rel paas.Release, slot paas.Slot, bindings []paas.Binding) ([]byte, error) {
		in := s.input(key, rel, bindings)
		in.Slot = slot
		return jobspec.Encode(jobspec.Job(in)), nil
	}
}

// sideRenderer makes the text of the job of a task or cron. Code: not_found when its release has no
// such one.
func (s *Server) sideRenderer(key []byte) deploy.SideRenderer {
	return func(rel paas.Release, side paas.Side, bindings []paas.Binding) ([]byte, error) {
		job, ok := jobspec.Side(s.input(key, rel, bindings), side)
		if !ok {
			return nil, paas.Errorf(paas.NotFound, "Release %d of app %q has no %s %q.", rel.Number, rel.App, side.Kind, side.Name)
		}
		return jobspec.Encode(job), nil
	}
}
