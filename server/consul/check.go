package consul

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	taskPrefix    = "_nomad-task-" // of the id of each service that Nomad registers
	allocIDLength = 36             // of a UUID
	longestOutput = 300            // bytes of a check's output that are kept
)

// Checks gives the checks of all apps' services, ordered by allocation and id, once something among
// Consul's checks has changed since index, or after wait. next is the index for the following call;
// 0 asks for the checks as they are now.
func (c *Client) Checks(ctx context.Context, index uint64, wait time.Duration) (checks []paas.Check, next uint64, err error) {
	// Consul adds up to a sixteenth to the wait, so the deadline does too.
	callCtx, cancel := context.WithTimeout(ctx, wait+wait/16+c.timeout)
	defer cancel()
	q := (&consulapi.QueryOptions{WaitIndex: index, WaitTime: wait}).WithContext(callCtx)
	all, meta, err := c.api.Health().State(consulapi.HealthAny, q)
	if err != nil {
		return nil, 0, c.fail(ctx, err, "list health checks")
	}
	for _, one := range all {
		if check, ok := parseCheck(one); ok {
			checks = append(checks, check)
		}
	}
	slices.SortFunc(checks, func(a, b paas.Check) int {
		return cmp.Or(strings.Compare(a.Alloc, b.Alloc), strings.Compare(a.ID, b.ID))
	})
	return checks, max(meta.LastIndex, 1), nil
}

// parseCheck accepts the checks of services that Nomad registered for an app.
func parseCheck(c *consulapi.HealthCheck) (paas.Check, bool) {
	service, ok := paas.ParseService(c.ServiceName)
	if !ok {
		return paas.Check{}, false
	}
	rest, ok := strings.CutPrefix(c.ServiceID, taskPrefix)
	if !ok || len(rest) <= allocIDLength || rest[allocIDLength] != '-' {
		return paas.Check{}, false
	}
	alloc, rest := rest[:allocIDLength], rest[allocIDLength:]
	_, port, ok := strings.Cut(rest, "-"+c.ServiceName+"-")
	if !ok {
		return paas.Check{}, false
	}
	status := paas.CheckCritical // maintenance and whatever else is not passing
	switch c.Status {
	case consulapi.HealthPassing:
		status = paas.CheckPassing
	case consulapi.HealthWarning:
		status = paas.CheckWarning
	}
	return paas.Check{
		ID: c.CheckID, Service: service, Alloc: alloc, Port: port,
		Name: c.Name, Status: status, Output: bound(c.Output, longestOutput),
	}, true
}
