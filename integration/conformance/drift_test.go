package conformance_test

import (
	nomadapi "github.com/hashicorp/nomad/api"
)

// driftRows are what a repair reads beside what a server reads anyway.
var driftRows = []row{
	{
		name:  "Nomad: jobs of all namespaces are listed, with what tells of who wrote them last",
		calls: []string{"nomad GET /v1/jobs?namespace", "nomad PUT /v1/jobs", "nomad DELETE /v1/job/:id?purge"},
		want: `
			listed: namespace default, service, stop false, no parent true, its index is the job's true
			written again: the index moved true, and is the job's true
			stopped: listed, stop true`,
		run: func(p *probe) {
			p.register(p.job(1, "idle"))
			stub := func() *nomadapi.JobListStub {
				list, _, err := p.nomad.Jobs().List((&nomadapi.QueryOptions{Namespace: nomadapi.AllNamespacesNamespace}).WithContext(p.ctx))
				p.check(err)
				for _, s := range list {
					if s.ID == p.id {
						return s
					}
				}
				p.fatal("the job is not in the list")
				return nil
			}
			index := func() uint64 {
				job, _, err := p.nomad.Jobs().Info(p.id, p.read())
				p.check(err)
				return *job.JobModifyIndex
			}
			first := stub()
			p.say("listed: namespace %s, %s, stop %t, no parent %t, its index is the job's %t", first.Namespace, first.Type, first.Stop, first.ParentID == "", first.JobModifyIndex == index())
			p.register(p.job(2, "idle"))
			second := stub()
			p.say("written again: the index moved %t, and is the job's %t", second.JobModifyIndex > first.JobModifyIndex, second.JobModifyIndex == index())
			_, _, err := p.nomad.Jobs().Deregister(p.id, false, p.write())
			p.check(err)
			p.say("stopped: listed, stop %t", stub().Stop)
		},
	},
}
