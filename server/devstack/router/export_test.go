package router

import (
	"net/http"
	"net/url"
)

// Slots returns how many slots of the ring of HOST/PATH each service has.
func (s *Server) Slots(host, path string) map[string]int {
	slots := map[string]int{}
	for _, t := range s.table.Load().hosts[host].byPath[path].targets {
		slots[t.service] += t.slots
	}
	return slots
}

// Find looks up a request without sending it anywhere.
func (s *Server) Find(host, path string) bool {
	r := &http.Request{Host: host, URL: &url.URL{Path: path}, Header: http.Header{}}
	return s.table.Load().lookup(r) != nil
}

// Metrics is what the listener for Prometheus serves.
func (s *Server) Metrics() http.Handler { return s.metrics.handler() }
