package server

import "context"

// leads refuses, with code conflict, what a leader does that another has followed. The store refuses its
// writes in any case; this look keeps what goes to Nomad and Consul, where compare-and-set tells who was
// first but not who leads, from a server that was stopped for a while and goes on where it was.
func (s *Server) leads(ctx context.Context) error {
	epoch := s.self.epoch.Load()
	if epoch == 0 || !s.cfg.Shared() { // no loop runs here; or there can be no other
		return nil
	}
	return s.store.Leads(ctx, epoch)
}
