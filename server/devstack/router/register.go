package router

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

const (
	ttl         = 15 * time.Second
	ttlRefresh  = 10 * time.Second
	ttlGone     = time.Minute // Consul forgets a router that was killed
	serviceName = "fabio"
)

// registration is the router as a Consul service under the name fabio, at the admin address: whoever reads
// route tables finds every router there.
func registration(admin string) (*consulapi.AgentServiceRegistration, error) {
	host, portText, err := net.SplitHostPort(admin)
	if err != nil {
		return nil, fmt.Errorf("admin address: %w", err)
	}
	port, err := strconv.Atoi(portText)
	if err != nil {
		return nil, fmt.Errorf("admin address %q: %w", admin, err)
	}
	name, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("read hostname: %w", err)
	}
	id := fmt.Sprintf("%s-%s-%d", serviceName, name, port)
	return &consulapi.AgentServiceRegistration{
		ID: id, Name: serviceName, Address: host, Port: port,
		Checks: consulapi.AgentServiceChecks{
			{CheckID: ttlCheck(id), TTL: ttl.String(), DeregisterCriticalServiceAfter: ttlGone.String()},
			{HTTP: "http://" + admin + "/health", Interval: "1s", Timeout: "3s"},
		},
	}, nil
}

func ttlCheck(id string) string { return id + "-ttl" }

// keepRegistered registers the router, refreshes its TTL, and deregisters it when ctx ends.
func (s *Server) keepRegistered(ctx context.Context, service *consulapi.AgentServiceRegistration) {
	for ctx.Err() == nil {
		wait := ttlRefresh
		if err := s.refresh(ctx, service); err != nil && ctx.Err() == nil {
			s.log.Warn("router not registered", "err", err)
			wait = retryAfter
		}
		pause(ctx, wait)
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if err := s.consul.Agent().ServiceDeregisterOpts(service.ID, (&consulapi.QueryOptions{}).WithContext(bounded)); err != nil {
		s.log.Warn("router not deregistered", "err", err)
	}
}

// refresh passes the TTL check, and registers first where Consul doesn't know the router (any more).
func (s *Server) refresh(ctx context.Context, service *consulapi.AgentServiceRegistration) error {
	bounded, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	options := (&consulapi.QueryOptions{}).WithContext(bounded)
	known, err := s.consul.Agent().ServicesWithFilterOpts("", options)
	if err != nil {
		return fmt.Errorf("list services of the agent: %w", err)
	}
	if known[service.ID] == nil {
		if err := s.consul.Agent().ServiceRegisterOpts(service, consulapi.ServiceRegisterOpts{}.WithContext(bounded)); err != nil {
			return fmt.Errorf("register %q: %w", service.ID, err)
		}
		s.log.Info("router registered", "id", service.ID)
	}
	if err := s.consul.Agent().UpdateTTLOpts(ttlCheck(service.ID), "", consulapi.HealthPassing, options); err != nil {
		return fmt.Errorf("pass check of %q: %w", service.ID, err)
	}
	return nil
}
