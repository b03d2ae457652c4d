package server

import (
	"net"
	"net/url"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// routeURL gives the URL of a route: the router's scheme and port with the route's host and path.
func (s *Server) routeURL() func(paas.Route) string {
	scheme, _, _ := strings.Cut(s.cfg.Fabio.URL, "://")
	port := s.routerPort()
	return func(r paas.Route) string {
		if port == "" {
			return scheme + "://" + r.String()
		}
		return scheme + "://" + r.Host + ":" + port + r.Path
	}
}

// ownHost is the name in a URL, "" for an address, which no route can have.
func ownHost(address string) string {
	u, err := url.Parse(address)
	if err != nil || net.ParseIP(u.Hostname()) != nil || u.Hostname() == "localhost" {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// routerPort is the port that clients name when they reach the router, "" for the scheme's own.
func (s *Server) routerPort() string {
	router, err := url.Parse(s.cfg.Fabio.URL)
	if err != nil {
		return "" // Validate has seen that it can be parsed
	}
	port := router.Port()
	if (router.Scheme == "http" && port == "80") || (router.Scheme == "https" && port == "443") {
		return ""
	}
	return port
}
