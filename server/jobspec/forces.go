package jobspec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"
)

// Forces says whether the instances of one job can't become those of another by counts and tags
// alone, so that the app must walk, and names the first key of the spec that differs, such as
// process.web.env.GREETING. "artifact" is the app's program, "crumpet" a change in how Crumpet or its
// operator renders jobs, and "slot" is never a difference: the same release in the other slot forces
// nothing.
func Forces(old, next *nomadapi.Job) (key string, forced bool) {
	was, now := facets(old), facets(next)
	for _, f := range now {
		if before, ok := find(was, f.key); !ok || before != f.value {
			return f.key, true
		}
	}
	for _, f := range was {
		if _, ok := find(now, f.key); !ok {
			return f.key, true
		}
	}
	if !bytes.Equal(bare(old), bare(next)) {
		return "crumpet", true
	}
	return "", false
}

// facet is what of a job one key of the spec decides.
type facet struct{ key, value string }

func find(facets []facet, key string) (string, bool) {
	i := slices.IndexFunc(facets, func(f facet) bool { return f.key == key })
	if i < 0 {
		return "", false
	}
	return facets[i].value, true
}

// facets lists what the spec decides in a job, in the order in which a reader would want to hear of
// it: the shape of the app first, its program last.
func facets(job *nomadapi.Job) []facet {
	var list []facet
	var names []string
	for _, g := range job.TaskGroups {
		names = append(names, *g.Name)
	}
	list = append(list, facet{"process", strings.Join(names, " ")})
	for _, g := range job.TaskGroups {
		list = append(list, ofProcess("process."+*g.Name+".", g, g.Tasks[0])...)
	}
	for _, g := range job.TaskGroups {
		for _, a := range g.Tasks[0].Artifacts {
			if a.RelativeDest != nil && *a.RelativeDest == artifactDir {
				list = append(list, facet{"artifact", a.GetterOptions["checksum"]})
			}
		}
	}
	return list
}

func ofProcess(prefix string, g *nomadapi.TaskGroup, t *nomadapi.Task) []facet {
	var list []facet
	add := func(key string, value any) {
		list = append(list, facet{prefix + key, show(value)})
	}
	for _, name := range slices.Sorted(maps.Keys(t.Env)) {
		switch {
		case name == envURL:
			add("route", t.Env[name])
		case name == envPort, name == envHost, strings.HasPrefix(name, envPorts): // follow from the ports
		case name == envArtifact: // follows from the artifact
		default:
			add("env."+name, t.Env[name])
		}
	}
	for _, template := range t.Templates {
		for line := range strings.Lines(*template.EmbeddedTmpl) {
			name, value, _ := strings.Cut(line, "=")
			add("env."+name, value)
		}
	}
	add("command", []any{t.Config["command"], t.Config["args"]})
	add("port", ports(g))
	add("health", checks(g))
	add("cpu", t.Resources.CPU)
	add("memory", t.Resources.MemoryMB)
	add("restart.attempts", g.RestartPolicy.Attempts)
	add("restart.delay", g.RestartPolicy.Delay)
	add("startup", []any{g.Migrate.HealthyDeadline, g.RestartPolicy.Interval})
	add("min_healthy", g.Migrate.MinHealthyTime)
	add("shutdown_delay", g.ShutdownDelay)
	add("kill_timeout", t.KillTimeout)
	return list
}

func ports(g *nomadapi.TaskGroup) []string {
	var labels []string
	for _, n := range g.Networks {
		for _, p := range n.DynamicPorts {
			labels = append(labels, p.Label)
		}
	}
	return labels
}

func checks(g *nomadapi.TaskGroup) []nomadapi.ServiceCheck {
	var all []nomadapi.ServiceCheck
	for _, s := range g.Services {
		all = append(all, s.Checks...)
	}
	return all
}

func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}

// bare is the text of a job without what may differ in one slot and from one slot to the other.
func bare(job *nomadapi.Job) []byte {
	b := each(job, func(g *nomadapi.TaskGroup) {
		g.Count = nil
		for _, s := range g.Services {
			s.Tags, s.Name = nil, ""
		}
	})
	b.ID, b.Name = nil, nil
	return Encode(b)
}
