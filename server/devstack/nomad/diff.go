package nomad

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"
)

// Kinds of differences, in Nomad's words.
const (
	diffNone    = "None"
	diffAdded   = "Added"
	diffDeleted = "Deleted"
	diffEdited  = "Edited"
)

// diffJobs compares two jobs by their JSON, in the form Nomad gives a diff.
// Unlike Nomad's, objects show only the fields that differ.
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

// diffTrees compares two objects. A map of texts is shown as fields NAME[key], a
// list of texts as an object of what came and went, a list of objects as one
// object each, under the name of one.
func diffTrees(before, after map[string]any) (fields []*nomadapi.FieldDiff, objects []*nomadapi.ObjectDiff) {
	for _, name := range names(before, after) {
		b, a := before[name], after[name]
		switch {
		case same(b, a):
		case name == "Env" || name == "Meta":
			inner, _ := diffTrees(object(b), object(a))
			for _, f := range inner {
				f.Name = name + "[" + f.Name + "]"
				fields = append(fields, f)
			}
		case isList(b, a):
			objects = append(objects, diffLists(name, items(b), items(a))...)
		case object(b) != nil || object(a) != nil:
			objects = append(objects, diffObject(name, object(b), object(a)))
		default:
			fields = append(fields, diffField(name, b, a))
		}
	}
	return fields, objects
}

func diffObject(name string, before, after map[string]any) *nomadapi.ObjectDiff {
	o := &nomadapi.ObjectDiff{Name: name, Type: kindOf(len(before) > 0, len(after) > 0)}
	if o.Type == diffNone {
		o.Type = diffEdited
	}
	if name == "Config" {
		before, after = flat(before), flat(after)
	}
	o.Fields, o.Objects = diffTrees(before, after)
	return o
}

// diffLists pairs objects that have the same Name; without one, an object is
// either in both lists or came or went.
func diffLists(name string, before, after []any) (objects []*nomadapi.ObjectDiff) {
	if texts(before) && texts(after) {
		o := &nomadapi.ObjectDiff{Name: name, Type: kindOf(len(before) > 0, len(after) > 0)}
		if o.Type == diffNone {
			o.Type = diffEdited
		}
		for _, v := range after {
			if !has(before, v) {
				o.Fields = append(o.Fields, diffField(name, nil, v))
			}
		}
		for _, v := range before {
			if !has(after, v) {
				o.Fields = append(o.Fields, diffField(name, v, nil))
			}
		}
		return []*nomadapi.ObjectDiff{o}
	}
	one := singular(name)
	gone := slices.Clone(before)
	for _, v := range after {
		if has(before, v) {
			continue
		}
		var old map[string]any
		if title, named := object(v)["Name"]; named && title != "" {
			if i := slices.IndexFunc(gone, func(g any) bool { return object(g)["Name"] == title }); i >= 0 {
				old = object(gone[i])
				gone = slices.Delete(gone, i, i+1)
			}
		}
		objects = append(objects, diffObject(one, old, object(v)))
	}
	for _, v := range gone {
		if !has(after, v) {
			objects = append(objects, diffObject(one, object(v), nil))
		}
	}
	return objects
}

func singular(name string) string {
	switch name {
	case "DynamicPorts":
		return "Dynamic Port"
	case "ReservedPorts":
		return "Static Port"
	case "Identities":
		return "Identity"
	}
	return strings.TrimSuffix(name, "s")
}

func has(list []any, v any) bool {
	return slices.ContainsFunc(list, func(have any) bool { return same(have, v) })
}

func texts(list []any) bool {
	return !slices.ContainsFunc(list, func(v any) bool { return object(v) != nil })
}

func isList(b, a any) bool { return items(b) != nil || items(a) != nil }

func items(v any) []any {
	list, _ := v.([]any) // nil for everything else
	return list
}

func object(v any) map[string]any {
	m, _ := v.(map[string]any) // nil for everything else
	return m
}

// flat shows the lists of a driver's configuration as fields NAME[place].
func flat(config map[string]any) map[string]any {
	out := map[string]any{}
	for name, v := range config {
		list, ok := v.([]any)
		if !ok {
			out[name] = v
			continue
		}
		for i, item := range list {
			out[name+"["+strconv.Itoa(i)+"]"] = item
		}
	}
	return out
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
		for _, task := range g.Tasks {
			task.Annotations = taskAnnotation(task)
		}
		for _, f := range g.Fields {
			if f.Name == "Count" {
				f.Annotations = []string{countAnnotation(f)}
			}
		}
	}
}

// taskAnnotation tells what a changed task does to its instances.
func taskAnnotation(t *nomadapi.TaskDiff) []string {
	switch t.Type {
	case diffAdded:
		return []string{"forces create"}
	case diffDeleted:
		return []string{"forces destroy"}
	case diffNone:
		return nil
	}
	replaces := slices.ContainsFunc(t.Fields, func(f *nomadapi.FieldDiff) bool { return f.Name != "KillTimeout" }) ||
		slices.ContainsFunc(t.Objects, func(o *nomadapi.ObjectDiff) bool {
			return !slices.Contains([]string{"LogConfig", "Service", "Constraint", "RestartPolicy"}, o.Name)
		})
	if replaces {
		return []string{"forces create/destroy update"}
	}
	return []string{"forces in-place update"}
}

func countAnnotation(f *nomadapi.FieldDiff) string {
	before, _ := strconv.Atoi(f.Old) // absent is 0
	after, _ := strconv.Atoi(f.New)
	if after < before {
		return "forces destroy"
	}
	return "forces create"
}
