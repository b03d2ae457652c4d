package deploy

import (
	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// admit completes a request's spec and holds it against the operator's policy, before anything is
// compared or written. Code: forbidden, with every field of a nomad block that is not allowed.
func (d *Deployer) admit(r paas.DeployRequest) (paas.DeployRequest, error) {
	r.Spec = r.Spec.WithDefaultRoute(d.domain)
	if faults := jobspec.Forbidden(r.Spec, d.fragments); len(faults) > 0 {
		return r, &paas.Error{Code: paas.Forbidden, Message: faults[0].Message, Faults: faults}
	}
	return r, nil
}
