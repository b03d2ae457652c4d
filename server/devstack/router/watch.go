package router

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

const (
	blockFor    = time.Minute            // how long Consul may hold a blocking query
	readTimeout = 10 * time.Second       // on top of blockFor, and for plain reads
	retryAfter  = 500 * time.Millisecond // after a read that failed
)

// query is a consistent read that waits for a change past index.
func query(ctx context.Context, index uint64) *consulapi.QueryOptions {
	return (&consulapi.QueryOptions{RequireConsistent: true, WaitIndex: index, WaitTime: blockFor}).WithContext(ctx)
}

// watchText sends what read returns each time its index moves, until ctx ends. An error is logged and the read tried again:
// the reader keeps the last text.
func (s *Server) watchText(ctx context.Context, name string, texts chan<- string, read func(ctx context.Context, index uint64) (string, uint64, error)) {
	var index uint64
	for ctx.Err() == nil {
		bounded, cancel := context.WithTimeout(ctx, blockFor+blockFor/8+readTimeout)
		text, next, err := read(bounded, index)
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				s.log.Warn("consul not read", "what", name, "err", err)
				pause(ctx, retryAfter)
			}
			continue
		}
		if next < index { // Consul was restored or began anew
			next = 0
		}
		index = next
		select {
		case texts <- text:
		case <-ctx.Done():
		}
	}
}

// readCatalog renders the route commands of every passing instance, in reverse order.
func (s *Server) readCatalog(ctx context.Context, index uint64) (string, uint64, error) {
	checks, meta, err := s.consul.Health().State(consulapi.HealthAny, query(ctx, index))
	if err != nil {
		return "", 0, fmt.Errorf("read checks: %w", err)
	}
	services := passing(checks, s.config.TagPrefix, s.config.ChecksRequired == "all")
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(services)) {
		options := (&consulapi.QueryOptions{RequireConsistent: true}).WithContext(ctx)
		instances, _, err := s.consul.Catalog().Service(name, "", options)
		if err != nil {
			return "", 0, fmt.Errorf("read service %q: %w", name, err)
		}
		for _, instance := range instances {
			if services[name][instanceKey{instance.Node, instance.ServiceID}] {
				lines = append(lines, tagCommands(s.log, instance, s.config.TagPrefix, s.datacenter)...)
			}
		}
	}
	slices.Sort(lines)
	slices.Reverse(lines)
	return strings.Join(lines, "\n"), meta.LastIndex, nil
}

// readRules joins the values of all keys that begin with the path, in Consul's order, which is by name.
func (s *Server) readRules(ctx context.Context, index uint64) (string, uint64, error) {
	pairs, meta, err := s.consul.KV().List(strings.TrimPrefix(s.config.KVPath, "/"), query(ctx, index))
	if err != nil {
		return "", 0, fmt.Errorf("read rules: %w", err)
	}
	values := make([]string, 0, len(pairs))
	for _, pair := range pairs {
		values = append(values, "# --- "+pair.Key+"\n"+strings.TrimSpace(string(pair.Value)))
	}
	return strings.Join(values, "\n\n"), meta.LastIndex, nil
}

// follow builds a table from each pair of texts that differs from the last one served, and closes first
// when there is one. Catalog and rules come by themselves, in any order: the first table may know only one of them.
func (s *Server) follow(ctx context.Context, catalog, rules <-chan string, first chan<- struct{}) {
	var services, manual, served string
	started := false
	for {
		select {
		case services = <-catalog:
		case manual = <-rules:
		case <-ctx.Done():
			return
		}
		next := services + "\n" + manual
		if next == served {
			continue
		}
		if err := s.SetRoutes(next); err != nil {
			s.log.Warn("route text refused, last table kept", "err", err)
			continue
		}
		served = next
		if !started {
			started = true
			close(first)
		}
	}
}

// SetRoutes replaces the table by that of text, or keeps it and says what is wrong with text.
func (s *Server) SetRoutes(text string) error {
	start := s.now()
	t, err := buildTable(s.log, text, s.config.Strategy)
	if err != nil {
		return err
	}
	s.table.Store(t)
	s.log.Debug("table replaced", "hosts", len(t.hosts), "took_ms", s.now().Sub(start).Milliseconds())
	return nil
}

// pause waits, or returns early when ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// agentDatacenter asks the agent for its datacenter: what $DC stands for.
func agentDatacenter(agent *consulapi.Agent) (string, error) {
	self, err := agent.Self()
	if err != nil {
		return "", fmt.Errorf("ask consul for its datacenter: %w", err)
	}
	dc, ok := self["Config"]["Datacenter"].(string)
	if !ok {
		return "", errors.New("consul agent names no datacenter")
	}
	return dc, nil
}
