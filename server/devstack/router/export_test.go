package router

// Slots returns how many slots of the ring of HOST/PATH each service has.
func (s *Server) Slots(host, path string) map[string]int {
	slots := map[string]int{}
	for _, t := range s.table.Load().hosts[host].byPath[path].targets {
		slots[t.service] += t.slots
	}
	return slots
}
