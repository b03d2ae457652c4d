package consul

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	consulapi "github.com/hashicorp/consul/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Self is a server of ours as Consul knows it.
type Self struct {
	ID      string
	Name    string // of the service
	Address string // "" for the node's
	Port    int
	Tags    []string
	Meta    map[string]string
	Probe   string // the URL that the agent asks; its check has the id CheckOf(ID)
}

// CheckOf gives the id of the check of a server of ours.
func CheckOf(id string) string { return id + "-health" }

// Register makes a server of ours known, with its check passing: it serves already.
func (c *Client) Register(ctx context.Context, self Self) error {
	callCtx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	err := c.api.Agent().ServiceRegisterOpts(&consulapi.AgentServiceRegistration{
		ID: self.ID, Name: self.Name, Address: self.Address, Port: self.Port, Tags: self.Tags, Meta: self.Meta,
		Check: &consulapi.AgentServiceCheck{
			CheckID: CheckOf(self.ID), Name: "crumpet answers", HTTP: self.Probe, Interval: "2s", Timeout: "4s",
			Status: consulapi.HealthPassing, DeregisterCriticalServiceAfter: "10m",
		},
	}, consulapi.ServiceRegisterOpts{}.WithContext(callCtx))
	if err != nil {
		return c.fail(ctx, err, fmt.Sprintf("register service %q", self.Name))
	}
	return nil
}

// Registered says whether this agent knows a server of ours.
func (c *Client) Registered(ctx context.Context, id string) (bool, error) {
	q, cancel := c.query(ctx)
	defer cancel()
	_, _, err := c.api.Agent().Service(id, q)
	var answer consulapi.StatusError
	if errors.As(err, &answer) && answer.Code == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, c.fail(ctx, err, fmt.Sprintf("find service %q", id))
	}
	return true, nil
}

// Deregister takes a server of ours away again.
func (c *Client) Deregister(ctx context.Context, id string) error {
	q, cancel := c.query(ctx)
	defer cancel()
	if err := c.api.Agent().ServiceDeregisterOpts(id, q); err != nil {
		if err = c.fail(ctx, err, fmt.Sprintf("deregister service %q", id)); paas.CodeOf(err) != paas.NotFound {
			return err
		}
	}
	return nil
}
