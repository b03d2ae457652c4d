package deploy

import (
	"fmt"

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
	if faults := d.sweeping(r.Spec); len(faults) > 0 {
		return r, &paas.Error{Code: paas.Invalid, Message: faults[0].Message, Faults: faults}
	}
	if faults := d.unmountable(r.Spec); len(faults) > 0 {
		return r, &paas.Error{Code: paas.Invalid, Message: faults[0].Message, Faults: faults}
	}
	return r, nil
}

// unmountable names the volumes that the tasks' driver can't give to a program: raw_exec mounts nothing, and a
// task with a volume would fail each time it starts.
func (d *Deployer) unmountable(spec paas.Spec) []paas.Fault {
	if d.driver != "raw_exec" {
		return nil
	}
	var faults []paas.Fault
	for _, p := range spec.Processes {
		for _, v := range p.Volumes {
			faults = append(faults, paas.Fault{
				Location: "process." + p.Name + ".volume." + v.Name,
				Message:  fmt.Sprintf("The process %q can't have its volume %q here: the server runs programs under Nomad's raw_exec, which mounts none. Run Nomad's clients as root, with the exec driver, and name that first in the server's drivers.", p.Name, v.Name),
			})
		}
	}
	return faults
}
