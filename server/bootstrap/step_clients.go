package bootstrap

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// clients makes the machines that are no servers part of Consul and Nomad, and sees to it that all clients are ready.
type clients struct{}

func (clients) Name() string { return "clients" }

func (clients) About() string { return "Consul's agents and Nomad's clients, ready for apps" }

// relays lead to Vault, on clients: Nomad there looks for Vault as it starts, and again only after a while.
func (w *World) relays(machines []fleet.Machine) Cluster {
	c := Cluster{Healthy: func(context.Context) error { return nil }}
	for _, m := range machines {
		c.Parts = append(c.Parts, Part{
			Machine: m, Service: agents.RelayService(w.Fleet, m), Version: w.Fleet.Program(fleet.Crumpet).Version,
			Breaks: "Connections to Vault from " + m.Name + " are made again.",
		})
	}
	return c
}

// only are the machines that are no servers: those of servers are made by the steps of servers.
func (w *World) only() []fleet.Machine {
	return slices.DeleteFunc(w.Fleet.Of(fleet.Client), func(m fleet.Machine) bool { return m.Is(fleet.Server) })
}

func (w *World) consulClients() Cluster {
	c := Cluster{Healthy: w.consulJoined}
	for _, m := range w.only() {
		c.Parts = append(c.Parts, w.consulPart(m, ""))
	}
	return c
}

func (w *World) nomadClients() Cluster {
	c := Cluster{Healthy: w.clientsReady}
	for _, m := range w.only() {
		c.Parts = append(c.Parts, w.nomadPart(m))
	}
	return c
}

func (clients) Plan(ctx context.Context, w *World) ([]Change, error) {
	names, err := w.planHosts(ctx, w.only())
	if err != nil {
		return nil, err
	}
	parts, err := w.PlanParts(ctx, slices.Concat(w.consulClients().Parts, w.relays(w.only()).Parts, w.nomadClients().Parts))
	if err != nil {
		return nil, err
	}
	changes := slices.Concat(names, w.planForget(ctx, w.consulClients().Parts), parts)
	if len(changes) > 0 {
		return changes, nil
	}
	for _, healthy := range []func(context.Context) error{w.consulJoined, w.clientsReady} {
		if err := healthy(ctx); err != nil {
			changes = append(changes, Change{Text: "wait for clients: " + sentence(err)})
		}
	}
	return changes, nil
}

func (clients) Do(ctx context.Context, w *World) error {
	if err := w.makeHosts(ctx, w.only()); err != nil {
		return err
	}
	members := w.consulClients()
	if err := w.forgetLost(ctx, members.Parts); err != nil {
		return err
	}
	members.Healthy = w.checkedAgain(ctx, members.Healthy) // of those that are left
	if err := w.MakeParts(ctx, members); err != nil {
		return err
	}
	if err := w.MakeParts(ctx, w.relays(w.only())); err != nil {
		return err
	}
	return w.MakeParts(ctx, w.nomadClients())
}

func (clients) Undo(ctx context.Context, w *World) error {
	if err := w.EndParts(ctx, slices.Concat(w.consulClients().Parts, w.relays(w.only()).Parts, w.nomadClients().Parts)); err != nil {
		return err
	}
	return w.endHosts(ctx, w.only())
}

type consulCheck struct{ CheckID, Status string }

// consulJoined wants every machine in Consul's catalog, with its own check passing.
func (w *World) consulJoined(ctx context.Context) error {
	for _, m := range w.Fleet.Machines {
		var checks []consulCheck
		if err := w.CallAny(ctx, fleet.Consul, http.MethodGet, "/v1/health/node/"+m.Name, nil, &checks); err != nil {
			return err
		}
		if !slices.Contains(checks, consulCheck{CheckID: "serfHealth", Status: "passing"}) {
			return paas.Errorf(paas.Unavailable, "Consul does not see %s yet.", m.Name)
		}
	}
	return nil
}

// driver is what Nomad says of one on a node.
type driver struct {
	Healthy           bool
	HealthDescription string
}

// unfit says why no task can run under it, "" where one can.
func (d *driver) unfit() string {
	switch {
	case d == nil:
		return "this build of the program does not have it (exec and java need one made with cgo), or it is still looking"
	case d.Healthy:
		return ""
	case d.HealthDescription != "":
		return d.HealthDescription
	}
	return "what it needs is missing, or it is still looking"
}

// clientsReady wants every client ready in Nomad, with the drivers that are asked for, and with its Consul and Vault: without
// those no job that has a service or a secret is placed there.
func (w *World) clientsReady(ctx context.Context) error {
	var nodes []struct {
		ID, Name, Status string
		Drivers          map[string]*driver
	}
	if err := w.CallAny(ctx, fleet.Nomad, http.MethodGet, "/v1/nodes", nil, &nodes); err != nil {
		return err
	}
	for _, m := range w.Fleet.Of(fleet.Client) {
		ready := false
		for _, n := range nodes { // one that was wiped has an old node of its name, which is down
			if n.Name != m.Name || n.Status != "ready" {
				continue
			}
			ready = true
			if err := w.seesOthers(ctx, m, n.ID); err != nil {
				return err
			}
			for _, name := range w.Fleet.Clients.Drivers {
				if why := n.Drivers[name].unfit(); why != "" {
					return paas.Errorf(paas.Unavailable, "Nomad on %s is ready, but driver %q is not: %s.", m.Name, name, why)
				}
			}
		}
		if !ready {
			return paas.Errorf(paas.Unavailable, "Nomad on %s is not ready for apps yet.", m.Name)
		}
	}
	return nil
}

func (w *World) seesOthers(ctx context.Context, m fleet.Machine, id string) error {
	var node struct{ Attributes map[string]string }
	if err := w.CallAny(ctx, fleet.Nomad, http.MethodGet, "/v1/node/"+id, nil, &node); err != nil {
		return err
	}
	for _, name := range []string{"Consul", "Vault"} {
		if node.Attributes[strings.ToLower(name)+".version"] == "" {
			return paas.Errorf(paas.Unavailable, "Nomad on %s does not reach its %s yet.", m.Name, name)
		}
	}
	return nil
}
