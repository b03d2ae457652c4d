package jobspec

import (
	"bytes"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"
)

// crumpet is the key of what neither the spec nor the program decides.
const crumpet = "crumpet"

// Forces says whether the instances of one job can't become those of another by counts and tags
// alone, so that the app must walk, and names the first key of the spec that differs, such as
// process.web.env.GREETING. "artifact" is the app's program, "crumpet" a change in how Crumpet or its
// operator renders jobs, and "slot" is never a difference: the same release in the other slot forces
// nothing.
func Forces(old, next *nomadapi.Job) (key string, forced bool) {
	keys := Changes(old, next)
	if len(keys) == 0 {
		return "", false
	}
	return keys[0], true
}

// Changes names every key of the spec for which instances can't stay, in the order in which a reader
// would want to hear of them, within each process those that are gone last; the first is that of
// Forces. A process or sidecar that only one of the jobs has is named once. A key that begins with
// process.NAME concerns that process, every other key all of them.
func Changes(old, next *nomadapi.Job) []string {
	was, now := parts(old), parts(next)
	var keys []string
	for _, p := range now {
		if before, ok := part(was, p.key); ok {
			keys = append(keys, p.differ(before)...)
		} else {
			keys = append(keys, p.key)
		}
	}
	for _, p := range was {
		if _, ok := part(now, p.key); !ok {
			keys = append(keys, p.key)
		}
	}
	if len(keys) == 0 && !bytes.Equal(unslotted(old), unslotted(next)) {
		keys = append(keys, crumpet)
	}
	return distinct(keys)
}

// facets is what one part of a spec decides in a job: of a process or a sidecar the keys below its
// own, or with an empty key those of the app.
type facets struct {
	key     string
	list    []facet
	derived []facet // follow from others, and count only when none of those differs
}

// facet is what of a job one key of the spec decides.
type facet struct{ key, value string }

// add says what a key decides; what one key decides in several places counts as one.
func (f *facets) add(key string, value any) { f.list = with(f.list, key, show(value)) }

func (f *facets) follow(key string, value any) { f.derived = with(f.derived, key, show(value)) }

func with(list []facet, key, value string) []facet {
	if i := slices.IndexFunc(list, func(f facet) bool { return f.key == key }); i >= 0 {
		list[i].value += value
		return list
	}
	return append(list, facet{key, value})
}

func (f facets) differ(before facets) []string {
	keys := differing(before.list, f.list)
	if len(keys) == 0 {
		keys = differing(before.derived, f.derived)
	}
	for i := range keys {
		keys[i] = strings.Trim(f.key+"."+keys[i], ".")
	}
	return keys
}

func differing(was, now []facet) []string {
	var keys []string
	for _, f := range now {
		if before, ok := find(was, f.key); !ok || before != f.value {
			keys = append(keys, f.key)
		}
	}
	for _, f := range was {
		if _, ok := find(now, f.key); !ok {
			keys = append(keys, f.key)
		}
	}
	return keys
}

func find(facets []facet, key string) (string, bool) {
	i := slices.IndexFunc(facets, func(f facet) bool { return f.key == key })
	if i < 0 {
		return "", false
	}
	return facets[i].value, true
}

func part(list []facets, key string) (facets, bool) {
	i := slices.IndexFunc(list, func(f facets) bool { return f.key == key })
	if i < 0 {
		return facets{}, false
	}
	return list[i], true
}

// distinct keeps the first of equal texts.
func distinct(keys []string) []string {
	var out []string
	for _, k := range keys {
		if !slices.Contains(out, k) {
			out = append(out, k)
		}
	}
	return out
}

// parts lists what the spec decides in a job, in the order of reading: the shape of the app first,
// its program last.
func parts(job *nomadapi.Job) []facets {
	var app facets
	var names []string
	for _, g := range job.TaskGroups {
		names = append(names, *g.Name)
	}
	app.add("process", strings.Join(names, " "))
	app.add("placement.pool", job.NodePool)
	app.add("placement.datacenters", job.Datacenters)
	app.placement(job.Constraints, job.Affinities, job.Spreads)
	app.secrets(job)
	list := []facets{app}
	for _, g := range job.TaskGroups {
		list = append(list, ofProcess(g))
		for _, t := range g.Tasks[1:] {
			list = append(list, ofSidecar(*g.Name, t))
		}
	}
	var digests []string
	for _, g := range job.TaskGroups {
		for _, a := range g.Tasks[0].Artifacts {
			if a.RelativeDest != nil && *a.RelativeDest == artifactDir {
				digests = append(digests, a.GetterOptions["checksum"])
			}
		}
	}
	program := facets{key: "artifact"}
	program.add("", distinct(digests))
	return append(list, program)
}

// unslotted is the text of a job without what may differ in one slot and from one slot to the other.
func unslotted(job *nomadapi.Job) []byte {
	b := each(unturned(job), func(g *nomadapi.TaskGroup) {
		g.Count = nil
		for _, s := range g.Services {
			s.Tags, s.Name = nil, ""
		}
	})
	b.ID, b.Name = nil, nil
	return Encode(b)
}
