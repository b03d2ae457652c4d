package static

// LimitCache bounds the compressed bodies that are kept, before the first request.
func (s *Site) LimitCache(bytes int) { s.cache.max = bytes }

// Cached gives the compressed bodies that are kept, and their bytes.
func (s *Site) Cached() (bodies, bytes int) {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	for e := s.cache.recent.Front(); e != nil; e = e.Next() {
		bytes += len(e.Value.(*body).bytes)
	}
	return len(s.cache.bodies), bytes
}
