package deploy

import (
	"context"
	"fmt"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/route"
)

// free refuses routes that another app holds, and hosts that belong to another team. What is free now is
// claimed with the release, in one transaction.
func (d *Deployer) free(ctx context.Context, ref paas.AppRef, spec paas.Spec, sight paas.Sight) error {
	held, err := d.store.Claims(ctx)
	if err != nil {
		return err
	}
	hosts, err := d.store.Hosts(ctx)
	if err != nil {
		return err
	}
	faults := route.Conflicts(ref, spec.Routes(), held, hosts, sight)
	if len(faults) > 0 {
		return &paas.Error{Code: paas.Conflict, Message: faults[0].Message, Faults: faults}
	}
	return nil
}

// sweeping names the routes whose wildcard covers the domain under which every app has its host: they would
// answer for apps of other teams, before those are there. So does a route on Crumpet's own host: whoever had it would
// be sent everybody's tokens.
func (d *Deployer) sweeping(spec paas.Spec) []paas.Fault {
	var faults []paas.Fault
	for _, p := range spec.Processes {
		for _, r := range p.Routes {
			if d.own != "" && (r.Host == d.own || paas.HostCovers(r.Host, d.own)) {
				faults = append(faults, paas.Fault{
					Location: "process." + p.Name + ".route." + r.String(),
					Message:  fmt.Sprintf("Host %s is, or covers, that of Crumpet itself, %s. Give the process a route on another host.", r.Host, d.own),
				})
				continue
			}
			below, wildcard := strings.CutPrefix(r.Host, "*.")
			if wildcard && (below == d.domain || strings.HasSuffix(d.domain, "."+below)) {
				faults = append(faults, paas.Fault{
					Location: "process." + p.Name + ".route." + r.String(),
					Message:  fmt.Sprintf("Host %s covers APP.%s, which is for the apps of every team. Choose a host of your own, such as *.%s.%s.", r.Host, d.domain, spec.App, d.domain),
				})
			}
		}
	}
	return faults
}
