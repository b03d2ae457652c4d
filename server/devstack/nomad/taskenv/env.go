package taskenv

import (
	"fmt"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"
)

// Input is what an environment is made of.
type Input struct {
	Alloc *nomadapi.Allocation // with its Job
	Task  *nomadapi.Task       // nil: the environment of the group's services
	Node  *nomadapi.Node

	AllocDir, TaskDir, SecretsDir string

	// Base are the host's variables that a task may see, such as PATH.
	Base map[string]string
	// Rendered come from templates with env = true. They are taken as they are.
	Rendered map[string]string
}

// Env is the environment of one task.
type Env struct {
	vars map[string]string // what the task sees
	node map[string]string // node.*, attr.*, meta.*
}

// New builds the environment.
func New(in Input) *Env {
	e := &Env{vars: map[string]string{}, node: nodeValues(in.Node)}
	maps.Copy(e.vars, in.Base)
	e.nomad(in)
	e.ports(in.Alloc)
	tg := in.Alloc.Job.LookupTaskGroup(in.Alloc.TaskGroup)
	if tg == nil {
		return e
	}
	e.meta(in.Alloc.Job, tg, in.Task)
	if in.Task == nil {
		return e
	}
	e.resources(in)
	// The job's own variables may refer to Nomad's, not to one another.
	own := make(map[string]string, len(in.Task.Env))
	for name, value := range in.Task.Env {
		own[name] = e.Replace(value)
	}
	maps.Copy(e.vars, own)
	maps.Copy(e.vars, in.Rendered)
	return e
}

func (e *Env) nomad(in Input) {
	a := in.Alloc
	e.vars["NOMAD_ALLOC_ID"] = a.ID
	e.vars["NOMAD_SHORT_ALLOC_ID"] = a.ID[:min(8, len(a.ID))]
	e.vars["NOMAD_ALLOC_NAME"] = a.Name
	open := strings.LastIndexByte(a.Name, '[')
	e.vars["NOMAD_ALLOC_INDEX"] = strings.TrimSuffix(a.Name[open+1:], "]")
	e.vars["NOMAD_GROUP_NAME"] = a.TaskGroup
	e.vars["NOMAD_JOB_ID"] = *a.Job.ID
	e.vars["NOMAD_JOB_NAME"] = *a.Job.Name
	e.vars["NOMAD_NAMESPACE"] = a.Namespace
	e.vars["NOMAD_REGION"] = *a.Job.Region
	e.vars["NOMAD_DC"] = in.Node.Datacenter
	if in.Task != nil {
		e.vars["NOMAD_TASK_NAME"] = in.Task.Name
		e.vars["NOMAD_ALLOC_DIR"] = in.AllocDir
		e.vars["NOMAD_TASK_DIR"] = in.TaskDir
		e.vars["NOMAD_SECRETS_DIR"] = in.SecretsDir
	}
}

func (e *Env) ports(a *nomadapi.Allocation) {
	if a.AllocatedResources == nil {
		return
	}
	for _, p := range a.AllocatedResources.Shared.Ports {
		label := clean(p.Label)
		port := strconv.Itoa(p.Value)
		inside := port
		if p.To > 0 {
			inside = strconv.Itoa(p.To)
		}
		address := net.JoinHostPort(p.HostIP, port)
		e.vars["NOMAD_IP_"+label] = p.HostIP
		e.vars["NOMAD_PORT_"+label] = inside
		e.vars["NOMAD_ADDR_"+label] = address
		e.vars["NOMAD_HOST_IP_"+label] = p.HostIP
		e.vars["NOMAD_HOST_PORT_"+label] = port
		e.vars["NOMAD_HOST_ADDR_"+label] = address
		e.vars["NOMAD_ALLOC_PORT_"+label] = inside
	}
}

func (e *Env) meta(job *nomadapi.Job, tg *nomadapi.TaskGroup, task *nomadapi.Task) {
	blocks := []map[string]string{job.Meta, tg.Meta}
	if task != nil {
		blocks = append(blocks, task.Meta)
	}
	for _, block := range blocks {
		for name, value := range block {
			e.vars["NOMAD_META_"+clean(name)] = value
			e.vars["NOMAD_META_"+strings.ToUpper(clean(name))] = value
		}
	}
}

func (e *Env) resources(in Input) {
	r := in.Task.Resources
	if r == nil {
		return
	}
	if r.CPU != nil {
		e.vars["NOMAD_CPU_LIMIT"] = strconv.Itoa(*r.CPU)
	}
	if have := in.Alloc.AllocatedResources; have != nil && have.Tasks[in.Task.Name] != nil { // with cores of its own
		e.vars["NOMAD_CPU_LIMIT"] = strconv.FormatInt(have.Tasks[in.Task.Name].Cpu.CpuShares, 10)
	}
	if r.MemoryMB != nil {
		e.vars["NOMAD_MEMORY_LIMIT"] = strconv.Itoa(*r.MemoryMB)
	}
	if r.MemoryMaxMB != nil && *r.MemoryMaxMB > 0 {
		e.vars["NOMAD_MEMORY_MAX_LIMIT"] = strconv.Itoa(*r.MemoryMaxMB)
	}
}

// List is the environment as a process takes it, sorted.
func (e *Env) List() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(e.vars)) {
		list = append(list, name+"="+e.vars[name])
	}
	return list
}

// Map is a copy of the environment.
func (e *Env) Map() map[string]string { return maps.Clone(e.vars) }

// Get returns one variable.
func (e *Env) Get(name string) string { return e.vars[name] }

// reference is ${NAME}, ${a.b.c} or ${env["NAME"]}.
var reference = regexp.MustCompile(`\$\{\s*([a-zA-Z0-9_.\-]+|env\["[^"\]]+"\])\s*\}`)

// Replace puts in the value of every known reference. Unknown ones stay.
func (e *Env) Replace(s string) string {
	return reference.ReplaceAllStringFunc(s, func(ref string) string {
		if value, known := e.lookup(reference.FindStringSubmatch(ref)[1]); known {
			return value
		}
		return ref
	})
}

func (e *Env) lookup(name string) (string, bool) {
	if quoted, ok := strings.CutPrefix(name, `env["`); ok {
		value, known := e.vars[strings.TrimSuffix(quoted, `"]`)]
		return value, known
	}
	if short, ok := strings.CutPrefix(name, "env."); ok {
		name = short
	}
	if value, known := e.vars[name]; known {
		return value, true
	}
	value, known := e.node[name]
	return value, known
}

func nodeValues(n *nomadapi.Node) map[string]string {
	values := map[string]string{
		"node.unique.id":   n.ID,
		"node.unique.name": n.Name,
		"node.datacenter":  n.Datacenter,
		"node.region":      "global",
		"node.class":       n.NodeClass,
		"node.pool":        n.NodePool,
	}
	for k, v := range n.Attributes {
		values["attr."+k] = v
	}
	for k, v := range n.Meta {
		values["meta."+k] = v
	}
	return values
}

var unclean = regexp.MustCompile(`[^a-zA-Z0-9_]`)

// clean makes a label fit for a variable's name.
func clean(label string) string { return unclean.ReplaceAllString(label, "_") }

// Text is how a value of a driver's configuration reads as a text.
func Text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return fmt.Sprint(v)
}
