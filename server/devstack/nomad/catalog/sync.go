package catalog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

const (
	resync      = 3 * time.Second // how often Consul is compared with what is wanted
	callTimeout = 10 * time.Second
)

// Catalog is the wanted state of one Consul agent.
type Catalog struct {
	consul *consulapi.Client
	log    *slog.Logger
	known  func(alloc string) bool // whether an allocation is, or was, ours
	start  time.Time

	mu     sync.Mutex                // guards wanted
	wanted map[string][]Registration // allocation -> its services
	sync   sync.Mutex                // one comparison at a time
	wake   chan struct{}
}

// New makes a catalog. Known tells of allocations that need no probation.
func New(consul *consulapi.Client, known func(alloc string) bool, log *slog.Logger) *Catalog {
	return &Catalog{
		consul: consul, known: known, log: log, start: time.Now(),
		wanted: map[string][]Registration{},
		wake:   make(chan struct{}, 1),
	}
}

// Run compares until ctx ends. What is registered stays registered.
func (c *Catalog) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-c.wake:
		}
		next := resync
		if err := c.Sync(ctx); err != nil && ctx.Err() == nil {
			c.log.Warn("consul not in sync", "err", err)
			next = time.Second
		}
		timer.Reset(next)
	}
}

// Set wants these services for an allocation and wakes Run.
func (c *Catalog) Set(alloc string, services []Registration) {
	c.mu.Lock()
	c.wanted[alloc] = services
	c.mu.Unlock()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Remove takes an allocation's services out of Consul and returns when they are
// out: they must be gone before their task is told to stop. When Consul does not
// answer, Run goes on trying and the error is only news.
func (c *Catalog) Remove(ctx context.Context, alloc string) error {
	c.mu.Lock()
	services := c.wanted[alloc]
	delete(c.wanted, alloc)
	c.mu.Unlock()

	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c.sync.Lock()
	defer c.sync.Unlock()
	var errs []error
	for _, s := range services {
		errs = append(errs, c.deregister(ctx, s.Service.ID))
	}
	return errors.Join(errs...)
}

func (c *Catalog) deregister(ctx context.Context, id string) error {
	err := c.consul.Agent().ServiceDeregisterOpts(id, query(ctx))
	var status consulapi.StatusError
	if errors.As(err, &status) && status.Code == 404 {
		return nil
	}
	if err != nil {
		return fmt.Errorf("deregister %s: %w", id, err)
	}
	return nil
}

// Sync compares once and repairs.
func (c *Catalog) Sync(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	c.sync.Lock()
	defer c.sync.Unlock()

	services, err := c.consul.Agent().ServicesWithFilterOpts("", query(ctx))
	if err != nil {
		return fmt.Errorf("list services: %w", err)
	}
	checks, err := c.consul.Agent().ChecksWithFilterOpts("", query(ctx))
	if err != nil {
		return fmt.Errorf("list checks: %w", err)
	}
	have := map[string]map[string]bool{} // service -> ids of its checks
	for id, check := range checks {
		if have[check.ServiceID] == nil {
			have[check.ServiceID] = map[string]bool{}
		}
		have[check.ServiceID][id] = true
	}

	c.mu.Lock()
	wanted := slices.Concat(slices.Collect(maps.Values(c.wanted))...)
	c.mu.Unlock()
	var errs []error
	keep := map[string]bool{}
	for _, w := range wanted {
		keep[w.Service.ID] = true
		errs = append(errs, c.repair(ctx, w, services[w.Service.ID], have[w.Service.ID]))
	}
	for id := range services {
		alloc := AllocOf(id)
		if alloc == "" || keep[id] || (!c.known(alloc) && time.Since(c.start) < probation) {
			continue
		}
		errs = append(errs, c.deregister(ctx, id))
	}
	return errors.Join(errs...)
}

// repair registers what is missing or differs. A service goes in with its
// checks when it is new, and without them when only it has changed: its checks
// keep their state.
func (c *Catalog) repair(ctx context.Context, w Registration, have *consulapi.AgentService, checks map[string]bool) error {
	agent := c.consul.Agent()
	if have == nil {
		service := w.Service
		for _, check := range w.Checks {
			service.Checks = append(service.Checks, inService(check))
		}
		if err := agent.ServiceRegisterOpts(&service, consulapi.ServiceRegisterOpts{}.WithContext(ctx)); err != nil {
			return fmt.Errorf("register %s: %w", w.Service.ID, err)
		}
		return nil
	}
	if differs(w.Service, have) {
		if err := agent.ServiceRegisterOpts(&w.Service, consulapi.ServiceRegisterOpts{}.WithContext(ctx)); err != nil {
			return fmt.Errorf("register %s: %w", w.Service.ID, err)
		}
	}
	var errs []error
	keep := map[string]bool{}
	for _, check := range w.Checks {
		keep[check.ID] = true
		if !checks[check.ID] {
			errs = append(errs, agent.CheckRegisterOpts(&check, query(ctx)))
		}
	}
	for id := range checks {
		if !keep[id] {
			errs = append(errs, agent.CheckDeregisterOpts(id, query(ctx)))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("checks of %s: %w", w.Service.ID, err)
	}
	return nil
}

func inService(check consulapi.AgentCheckRegistration) *consulapi.AgentServiceCheck {
	in := check.AgentServiceCheck
	in.CheckID, in.Name, in.Notes = check.ID, check.Name, check.Notes
	return &in
}

func differs(w consulapi.AgentServiceRegistration, have *consulapi.AgentService) bool {
	if w.Name != have.Service || w.Address != have.Address || w.Port != have.Port || !maps.Equal(w.Meta, have.Meta) {
		return true
	}
	// With tag override on, others own the tags.
	return !w.EnableTagOverride && !slices.Equal(w.Tags, have.Tags)
}

// Passing tells whether all wanted services of an allocation are in Consul with
// all their checks passing.
func (c *Catalog) Passing(ctx context.Context, alloc string) (bool, error) {
	c.mu.Lock()
	services := c.wanted[alloc]
	c.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	checks, err := c.consul.Agent().ChecksWithFilterOpts("", query(ctx))
	if err != nil {
		return false, fmt.Errorf("list checks: %w", err)
	}
	for _, s := range services {
		for _, want := range s.Checks {
			if have := checks[want.ID]; have == nil || have.Status != consulapi.HealthPassing {
				return false, nil
			}
		}
	}
	return true, nil
}

// Statuses are those of all checks of the agent, by id.
func (c *Catalog) Statuses(ctx context.Context) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	checks, err := c.consul.Agent().ChecksWithFilterOpts("", query(ctx))
	if err != nil {
		return nil, fmt.Errorf("list checks: %w", err)
	}
	out := map[string]string{}
	for id, check := range checks {
		out[id] = check.Status
	}
	return out, nil
}

// Report gives the result of a script.
func (c *Catalog) Report(ctx context.Context, checkID, status, output string) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if err := c.consul.Agent().UpdateTTLOpts(checkID, output, status, query(ctx)); err != nil {
		return fmt.Errorf("report check %s: %w", checkID, err)
	}
	return nil
}

func query(ctx context.Context) *consulapi.QueryOptions {
	return (&consulapi.QueryOptions{}).WithContext(ctx)
}
