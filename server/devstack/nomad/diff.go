package nomad

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	nomadapi "github.com/hashicorp/nomad/api"
)

// Kinds of differences, in Nomad's words.
const (
	diffNone    = "None"
	diffAdded   = "Added"
	diffDeleted = "Deleted"
	diffEdited  = "Edited"
)

// diffJobs compares two jobs by their JSON: plain values are fields, the rest is
// objects. Unlike Nomad's, objects show only the fields that differ.
func diffJobs(old, job *nomadapi.Job) *nomadapi.JobDiff {
	out := &nomadapi.JobDiff{ID: *job.ID, Type: diffNone}
	before, after := map[string]any{}, tree(bare(job))
	if old != nil {
		before = tree(bare(old))
	}
	oldGroups, newGroups := byName(before["TaskGroups"]), byName(after["TaskGroups"])
	delete(before, "TaskGroups")
	delete(after, "TaskGroups")
	delete(before, "Update") // shown with each group
	delete(after, "Update")
	out.Fields, out.Objects = diffTrees(before, after)
	for _, name := range names(oldGroups, newGroups) {
		g := diffGroup(name, oldGroups[name], newGroups[name])
		out.TaskGroups = append(out.TaskGroups, g)
		if g.Type != diffNone {
			out.Type = diffEdited
		}
	}
	if len(out.Fields)+len(out.Objects) > 0 {
		out.Type = diffEdited
	}
	if old == nil {
		out.Type = diffAdded
	}
	return out
}

func bare(job *nomadapi.Job) *nomadapi.Job {
	c := *job
	c.Version, c.CreateIndex, c.ModifyIndex, c.JobModifyIndex, c.SubmitTime = nil, nil, nil, nil, nil
	c.Status, c.StatusDescription, c.Stable, c.NomadTokenID, c.VersionTag = nil, nil, nil, nil, nil
	c.Stop = new(stopped(job))
	return &c
}

func diffGroup(name string, before, after map[string]any) *nomadapi.TaskGroupDiff {
	out := &nomadapi.TaskGroupDiff{Name: name, Type: kindOf(before != nil, after != nil)}
	before, after = maps.Clone(before), maps.Clone(after)
	oldTasks, newTasks := byName(before["Tasks"]), byName(after["Tasks"])
	delete(before, "Tasks")
	delete(after, "Tasks")
	out.Fields, out.Objects = diffTrees(before, after)
	changed := len(out.Fields)+len(out.Objects) > 0
	for _, task := range names(oldTasks, newTasks) {
		t := &nomadapi.TaskDiff{Name: task, Type: kindOf(oldTasks[task] != nil, newTasks[task] != nil)}
		t.Fields, t.Objects = diffTrees(oldTasks[task], newTasks[task])
		if t.Type == diffNone && len(t.Fields)+len(t.Objects) > 0 {
			t.Type = diffEdited
		}
		changed = changed || t.Type != diffNone
		out.Tasks = append(out.Tasks, t)
	}
	if out.Type == diffNone && changed {
		out.Type = diffEdited
	}
	return out
}

func kindOf(before, after bool) string {
	switch {
	case !before && after:
		return diffAdded
	case before && !after:
		return diffDeleted
	}
	return diffNone
}

// diffTrees compares two objects. Maps and lists that differ are objects of
// their own.
func diffTrees(before, after map[string]any) (fields []*nomadapi.FieldDiff, objects []*nomadapi.ObjectDiff) {
	for _, name := range names(before, after) {
		b, a := before[name], after[name]
		if same(b, a) {
			continue
		}
		bt, at := nested(b), nested(a)
		if bt == nil && at == nil {
			fields = append(fields, diffField(name, b, a))
			continue
		}
		o := &nomadapi.ObjectDiff{Name: name, Type: kindOf(len(bt) > 0, len(at) > 0)}
		if o.Type == diffNone {
			o.Type = diffEdited
		}
		o.Fields, o.Objects = diffTrees(bt, at)
		objects = append(objects, o)
	}
	return fields, objects
}

func diffField(name string, before, after any) *nomadapi.FieldDiff {
	f := &nomadapi.FieldDiff{Name: name, Old: plain(before), New: plain(after), Type: diffEdited}
	switch {
	case f.Old == "":
		f.Type = diffAdded
	case f.New == "":
		f.Type = diffDeleted
	}
	return f
}

// nested reads a map, or a list by its places; nil for a plain value.
func nested(v any) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return v
	case []any:
		out := map[string]any{}
		for i, item := range v {
			out[strconv.Itoa(i)] = item
		}
		return out
	}
	return nil
}

func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// tree is a value as plain JSON.
func tree(v any) map[string]any {
	out := map[string]any{}
	raw, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		return map[string]any{"error": err.Error()}
	}
	return out
}

func same(a, b any) bool {
	x, xerr := json.Marshal(a)
	y, yerr := json.Marshal(b)
	if xerr != nil || yerr != nil {
		return false
	}
	empty := func(s string) bool { return s == "null" || s == "{}" || s == "[]" || s == `""` }
	return string(x) == string(y) || (empty(string(x)) && empty(string(y)))
}

func byName(list any) map[string]map[string]any {
	out := map[string]map[string]any{}
	items, ok := list.([]any)
	if !ok {
		return out
	}
	for _, item := range items {
		if m, ok := item.(map[string]any); ok {
			out[fmt.Sprint(m["Name"])] = m
		}
	}
	return out
}

func names[V any](a, b map[string]V) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]V{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// annotate tells with each group how many instances start, stop or change.
func annotate(d *nomadapi.JobDiff, desired map[string]*nomadapi.DesiredUpdates) {
	for _, g := range d.TaskGroups {
		u := desired[g.Name]
		if u == nil {
			continue
		}
		g.Updates = map[string]uint64{}
		for name, n := range map[string]uint64{
			"create": u.Place, "destroy": u.Stop, "migrate": u.Migrate, "in-place update": u.InPlaceUpdate,
			"create/destroy update": u.DestructiveUpdate, "ignore": u.Ignore,
		} {
			if n > 0 {
				g.Updates[name] = n
			}
		}
		for _, f := range g.Fields {
			if f.Name == "Count" {
				f.Annotations = []string{countAnnotation(f)}
			}
		}
	}
}

func countAnnotation(f *nomadapi.FieldDiff) string {
	before, _ := strconv.Atoi(f.Old) // absent is 0
	after, _ := strconv.Atoi(f.New)
	if after < before {
		return "forces destroy"
	}
	return "forces create"
}
