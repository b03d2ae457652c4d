package jobspec

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"
)

// What of a group and of a task Crumpet makes itself. The rest can only come from a nomad block.
var (
	madeOfGroup = map[string]any{
		"Name": nil, "Count": nil, "Tasks": nil, "Services": nil, "Networks": nil, "ShutdownDelay": nil,
		"Constraints": nil, "Affinities": nil, "Spreads": nil, "ReschedulePolicy": nil, "Volumes": nil,
		"RestartPolicy": map[string]any{"Attempts": nil, "Delay": nil, "Interval": nil, "Mode": nil},
		"Migrate":       map[string]any{"HealthCheck": nil, "MinHealthyTime": nil, "HealthyDeadline": nil},
		"EphemeralDisk": map[string]any{"SizeMB": nil},
		"Meta":          map[string]any{turnMeta: nil},
	}
	madeOfTask = map[string]any{
		"Name": nil, "Driver": nil, "User": nil, "Env": nil, "Templates": nil, "Artifacts": nil,
		"KillTimeout": nil, "KillSignal": nil, "Lifecycle": nil, "RestartPolicy": nil, "VolumeMounts": nil,
		"Config":    map[string]any{"command": nil, "args": nil, "work_dir": nil},
		"Resources": map[string]any{"CPU": nil, "Cores": nil, "MemoryMB": nil, "MemoryMaxMB": nil},
		"LogConfig": map[string]any{"MaxFiles": nil, "MaxFileSizeMB": nil},
	}
)

// ofProcess is what the keys of a process decide.
func ofProcess(g *nomadapi.TaskGroup) facets {
	f := facets{key: "process." + *g.Name}
	t := g.Tasks[0]
	if url, ok := t.Env[envURL]; ok {
		f.add("route", url)
	}
	f.startOf(t)
	f.add("port", ports(g))
	f.health(g)
	f.sizeOf(t)
	if d := g.EphemeralDisk; d != nil {
		f.add("disk", d.SizeMB)
	}
	f.volumes(g)
	if r := g.RestartPolicy; r != nil {
		f.add("restart.attempts", r.Attempts)
		f.add("restart.delay", r.Delay)
		f.follow("startup", []any{r.Interval, r.Mode})
	}
	f.add("reschedule", g.ReschedulePolicy)
	if m := g.Migrate; m != nil {
		f.add("startup", m.HealthyDeadline)
		f.add("min_healthy", m.MinHealthyTime)
	}
	f.add("shutdown_delay", g.ShutdownDelay)
	f.stopOf(t)
	f.placement(g.Constraints, g.Affinities, g.Spreads)
	rest := *g
	if len(g.Volumes) > 0 {
		rest.Update = nil // follows from the probes, and replaces nothing
	}
	if anySilence(g) {
		rest.Disconnect = nil // Crumpet's
	}
	f.leftOf("nomad.group", &rest, madeOfGroup)
	f.leftOfTask(t)
	return f
}

// ofSidecar is what the keys of a sidecar decide. What it has of its process's ports, routes and
// restarts shows there.
func ofSidecar(process string, t *nomadapi.Task) facets {
	f := facets{key: "process." + process + ".sidecar." + t.Name}
	f.startOf(t)
	f.sizeOf(t)
	f.stopOf(t)
	f.leftOfTask(t)
	return f
}

// volumes are what a group keeps, and where its programs find it.
func (f *facets) volumes(g *nomadapi.TaskGroup) {
	for _, name := range slices.Sorted(maps.Keys(g.Volumes)) {
		f.add("volume."+name, g.Volumes[name])
	}
	for _, m := range g.Tasks[0].VolumeMounts {
		if m.Volume != nil {
			f.add("volume."+*m.Volume, m)
		}
	}
}

// startOf is how a program is started.
func (f *facets) startOf(t *nomadapi.Task) {
	for _, name := range slices.Sorted(maps.Keys(t.Env)) {
		switch {
		case name == envPort, name == envHost, strings.HasPrefix(name, envPorts): // follow from the ports
		case name == envArtifact, name == envURL: // follow from the artifact and the routes
		case ofSecrets(name, t.Env[name]): // follow from the secrets and services
		case strings.HasPrefix(name, envVolume) && len(t.VolumeMounts) > 0: // follow from the volumes
		default:
			f.add("env."+name, t.Env[name])
		}
	}
	for _, tmpl := range t.Templates {
		if tmpl.Envvars == nil || !*tmpl.Envvars || tmpl.EmbeddedTmpl == nil || secretTemplate(tmpl) {
			continue
		}
		for line := range strings.Lines(*tmpl.EmbeddedTmpl) {
			name, value, _ := strings.Cut(line, "=")
			f.add("env."+name, value)
		}
	}
	f.add("command", []any{t.Config["command"], t.Config["args"]})
	for _, tmpl := range t.Templates {
		if tmpl.DestPath == nil {
			continue
		}
		if name, ok := strings.CutPrefix(*tmpl.DestPath, artifactDir); ok {
			f.add("file."+name, watched(tmpl))
		}
	}
	f.add("user", t.User)
	f.add("working_dir", t.Config["work_dir"])
}

// sizeOf is what a program may use.
func (f *facets) sizeOf(t *nomadapi.Task) {
	if r := t.Resources; r != nil {
		f.add("cpu", r.CPU)
		f.add("cores", r.Cores)
		f.add("memory", r.MemoryMB)
		f.add("memory_max", r.MemoryMaxMB)
	}
	if l := t.LogConfig; l != nil {
		f.add("logs", []any{l.MaxFiles, l.MaxFileSizeMB})
	}
}

// stopOf is how a program is stopped.
func (f *facets) stopOf(t *nomadapi.Task) {
	f.add("kill_timeout", t.KillTimeout)
	f.add("kill_signal", t.KillSignal)
}

// ports are the group's ports, and which of them have a service.
func ports(g *nomadapi.TaskGroup) [2][]string {
	var labels [2][]string
	for _, n := range g.Networks {
		for _, p := range n.DynamicPorts {
			labels[0] = append(labels[0], p.Label)
		}
	}
	for _, s := range g.Services {
		if s.PortLabel != "" {
			labels[1] = append(labels[1], s.PortLabel)
		}
	}
	return labels
}

// health is what the probes decide, which is the same in every service that has them. The other checks
// follow from them and the ports, and how long a program is spared from a restart from other keys.
func (f *facets) health(g *nomadapi.TaskGroup) {
	probes := map[string]any{}
	var rest []any
	for _, s := range g.Services {
		for _, c := range s.Checks {
			if _, known := probes[c.Name]; known {
				continue
			}
			if !slices.Contains([]string{checkStartup, checkReadiness, checkLiveness}, c.Name) {
				rest = append(rest, s.PortLabel, c)
				continue
			}
			if c.Type != checkScript {
				c.PortLabel = cmp.Or(c.PortLabel, s.PortLabel)
			}
			if r := c.CheckRestart; r != nil {
				f.follow("startup", []any{c.Name, r.Grace})
				c.CheckRestart = &nomadapi.CheckRestart{Limit: r.Limit}
			}
			probes[c.Name] = c
		}
	}
	for _, name := range []string{checkStartup, checkReadiness, checkLiveness} {
		if c, ok := probes[name]; ok {
			f.add("health."+name, c)
		}
	}
	f.follow("health", rest)
}

// placement is where instances may run.
func (f *facets) placement(constraints []*nomadapi.Constraint, affinities []*nomadapi.Affinity, spreads []*nomadapi.Spread) {
	var apart []*nomadapi.Constraint
	var others []*nomadapi.Constraint
	for _, c := range constraints {
		if c.Operand == nomadapi.ConstraintDistinctHosts && c.LTarget == "" {
			apart = append(apart, c)
		} else {
			others = append(others, c)
		}
	}
	f.add("placement.distinct_hosts", apart)
	f.add("placement.constraint", others)
	f.add("placement.affinity", affinities)
	f.add("placement.spread", spreads)
}

// leftOfTask is what of a task Crumpet did not make, templates in other folders among it.
func (f *facets) leftOfTask(t *nomadapi.Task) {
	rest := *t
	if v := t.Vault; v != nil && strings.HasPrefix(v.Role, rolePrefix) { // follows from the secrets and services
		rest.Vault, rest.Identities = nil, nil
	}
	f.leftOf("nomad.task", &rest, madeOfTask)
	for _, tmpl := range t.Templates {
		ours := tmpl.DestPath != nil && (*tmpl.DestPath == environmentFile || strings.HasPrefix(*tmpl.DestPath, artifactDir) || secretTemplate(tmpl))
		if !ours {
			f.add("nomad.task", watched(tmpl))
		}
	}
}

// leftOf is what of a group or task Crumpet did not make.
func (f *facets) leftOf(key string, v any, made map[string]any) {
	if fields, ok := tree(encode(v, "")).(map[string]any); ok {
		f.add(key, without(fields, made))
	}
}

func without(fields, made map[string]any) map[string]any {
	left := map[string]any{}
	for name, value := range fields {
		inner, known := made[name]
		if !known {
			left[name] = value
			continue
		}
		if below, ok := value.(map[string]any); ok && inner != nil {
			if rest := without(below, inner.(map[string]any)); len(rest) > 0 {
				left[name] = rest
			}
		}
	}
	return left
}

func show(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
