package jobspec

import (
	"maps"
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Amend gives a stored job other counts and the tags of a spec's routes, and changes nothing else of
// it: the two things of which Nomad and Consul make no new instance and no new check. A process that
// counts does not name keeps its count. The job that is stored is not touched.
func Amend(stored *nomadapi.Job, counts map[string]int, s paas.Spec, routerPort string) *nomadapi.Job {
	return each(stored, func(g *nomadapi.TaskGroup) {
		if n, ok := counts[*g.Name]; ok {
			g.Count = new(n)
		}
		if p, ok := s.Process(*g.Name); ok {
			for _, svc := range g.Services {
				svc.Tags = tags(p, svc.PortLabel, routerPort)
			}
		}
	})
}

// SameTags says whether the services of two jobs have the same tags: they do not when the address of
// the router has changed since one of them was registered.
func SameTags(a, b *nomadapi.Job) bool {
	return maps.EqualFunc(tagsOf(a), tagsOf(b), slices.Equal)
}

func tagsOf(job *nomadapi.Job) map[string][]string {
	tags := map[string][]string{}
	for _, g := range job.TaskGroups {
		for _, s := range g.Services {
			tags[*g.Name+" "+s.PortLabel] = s.Tags
		}
	}
	return tags
}

// each copies a job as far as counts and tags go and hands every group of the copy to edit.
func each(stored *nomadapi.Job, edit func(*nomadapi.TaskGroup)) *nomadapi.Job {
	job := *stored
	job.TaskGroups = make([]*nomadapi.TaskGroup, len(stored.TaskGroups))
	for i, from := range stored.TaskGroups {
		g := *from
		if from.Services != nil {
			g.Services = make([]*nomadapi.Service, len(from.Services))
		}
		for j, service := range from.Services {
			copied := *service
			g.Services[j] = &copied
		}
		edit(&g)
		job.TaskGroups[i] = &g
	}
	return &job
}
