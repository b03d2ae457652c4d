package valid

import (
	"path/filepath"
	"strconv"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"
	"golang.org/x/sys/unix"
)

const minMemoryMB = 10

func task(tg *nomadapi.TaskGroup, t *nomadapi.Task, labels map[string]bool) faults {
	var f faults
	if t.Name == "" {
		f.add("Missing task name")
	}
	if t.Name == "alloc" {
		f.add("Task cannot be named \"alloc\"")
	}
	if strings.ContainsAny(t.Name, `/\`) {
		f.add("Task name cannot include slashes")
	}
	if t.Driver == "" {
		f.add("Missing task driver")
	}
	if command, ok := t.Config["command"].(string); !ok || command == "" {
		f.add("driver config: missing command")
	}
	if t.KillTimeout != nil && *t.KillTimeout < 0 {
		f.add("KillTimeout must be a positive value")
	}
	if t.ShutdownDelay < 0 {
		f.add("ShutdownDelay must be a positive value")
	}
	if t.KillSignal != "" && unix.SignalNum(t.KillSignal) == 0 {
		f.add("KillSignal %q is not known", t.KillSignal)
	}
	if inner := resources(t.Resources); len(inner) > 0 {
		f.add("%s", List(inner))
	}
	if inner := logs(tg, t.LogConfig); len(inner) > 0 {
		f.add("%s", List(inner))
	}
	for i, c := range t.Constraints {
		f.nest(constraint(c), "Constraint %d validation failed", i+1)
		if c.Operand == nomadapi.ConstraintDistinctHosts || c.Operand == nomadapi.ConstraintDistinctProperty {
			f.add("Constraint %d has disallowed Operand at task level: %s", i+1, c.Operand)
		}
	}
	f.placement(nil, t.Affinities, nil)
	f.nest(serviceFaults(t.Services, labels), "Task service validation failed")
	for i, a := range t.Artifacts {
		if a.GetterSource == nil || *a.GetterSource == "" {
			f.add("Artifact %d validation failed: source must be specified", i+1)
		}
	}
	destinations := map[string]int{}
	for i, tmpl := range t.Templates {
		f.nest(template(tmpl), "Template %d validation failed", i+1)
		if other, taken := destinations[*tmpl.DestPath]; taken {
			f.add("Template %d has same destination as %d", i+1, other)
		} else {
			destinations[*tmpl.DestPath] = i + 1
		}
	}
	if l := t.Lifecycle; l != nil {
		switch l.Hook {
		case nomadapi.TaskLifecycleHookPrestart, nomadapi.TaskLifecycleHookPoststart, nomadapi.TaskLifecycleHookPoststop:
		case "":
			f.add("Lifecycle validation failed: no lifecycle hook provided")
		default:
			f.add("Lifecycle validation failed: invalid hook: %v", l.Hook)
		}
	}
	return f
}

func number(v *int) int {
	if v == nil {
		return 0
	}
	return *v
}

func resources(r *nomadapi.Resources) faults {
	var f faults
	cores, memory, most := number(r.Cores), number(r.MemoryMB), number(r.MemoryMaxMB)
	if cores > 0 && number(r.CPU) > 0 {
		f.add("Task can only ask for 'cpu' or 'cores' resource, not both.")
	}
	if cores < 0 {
		f.add("cores value (%d) cannot be negative", cores)
	}
	var least faults
	if cpu := number(r.CPU); cpu < 1 && cores == 0 {
		least.add("minimum CPU value is 1; got %d", cpu)
	}
	if memory < minMemoryMB {
		least.add("minimum MemoryMB value is %d; got %d", minMemoryMB, memory)
	}
	f = append(f, least...)
	if number(r.DiskMB) > 0 {
		f.add("Task can't ask for disk resources, they have to be specified at the task group level.")
	}
	if most != 0 && most != -1 && most < memory {
		f.add("MemoryMaxMB value (%d) should be larger than MemoryMB value (%d)", most, memory)
	}
	return f
}

func logs(tg *nomadapi.TaskGroup, l *nomadapi.LogConfig) faults {
	var f faults
	if l == nil {
		return nil
	}
	files, size := number(l.MaxFiles), number(l.MaxFileSizeMB)
	if files < 1 {
		f.add("minimum number of files is 1; got %d", files)
	}
	if size < 1 {
		f.add("minimum file size is 1MB; got %d", size)
	}
	if disk := *tg.EphemeralDisk.SizeMB; disk <= files*size {
		f.add("log storage (%d MB) must be less than requested disk capacity (%d MB)", files*size, disk)
	}
	return f
}

func template(t *nomadapi.Template) faults {
	var f faults
	if *t.SourcePath == "" && *t.EmbeddedTmpl == "" {
		f.add("Must specify a source path or have an embedded template")
	}
	if *t.DestPath == "" {
		f.add("Must specify a destination for the template")
	}
	// A destination may leave the task's folder, but not the allocation's.
	if rel := filepath.Join("task", *t.DestPath); rel == ".." || strings.HasPrefix(rel, "../") {
		f.add("destination escapes allocation directory")
	}
	switch *t.ChangeMode {
	case "noop", "restart":
	case "signal":
		if *t.ChangeSignal == "" {
			f.add("Must specify signal value when change mode is signal")
		}
		if t.Envvars != nil && *t.Envvars {
			f.add("cannot use signals with env var templates")
		}
	case "script":
		f.add("change_mode script is not served by the embedded Nomad")
	default:
		f.add("Invalid change mode. Must be one of the following: noop, signal, script, restart")
	}
	if _, err := strconv.ParseUint(*t.Perms, 8, 12); err != nil && *t.Perms != "" {
		f.add("Failed to parse %q as octal: %v", *t.Perms, err)
	}
	return f
}
