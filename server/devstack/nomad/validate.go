package nomad

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"
	"golang.org/x/sys/unix"
)

// canonicalize fills in defaults as the official client does, and what Nomad's
// server adds to a job: the default identity and the implied constraints.
func canonicalize(job *nomadapi.Job) {
	job.Canonicalize()
	if job.NodePool == nil || *job.NodePool == "" {
		job.NodePool = new("default")
	}
	for _, tg := range job.TaskGroups {
		signals := map[string]bool{}
		consul := len(tg.Services) > 0
		for _, t := range tg.Tasks {
			if t.Identity == nil {
				t.Identity = &nomadapi.WorkloadIdentity{Name: "default", Audience: []string{"nomadproject.io"}}
			}
			if t.KillSignal != "" {
				signals[t.KillSignal] = true
			}
			consul = consul || len(t.Services) > 0
		}
		for name := range signals {
			imply(tg, &nomadapi.Constraint{LTarget: "${attr.os.signals}", Operand: "set_contains", RTarget: name})
		}
		if consul {
			imply(tg, &nomadapi.Constraint{LTarget: "${attr.consul.version}", Operand: "semver", RTarget: ">= 1.8.0"})
		}
	}
}

// imply adds a constraint once: a job read from the API has it already.
func imply(tg *nomadapi.TaskGroup, c *nomadapi.Constraint) {
	if !slices.ContainsFunc(tg.Constraints, func(have *nomadapi.Constraint) bool { return *have == *c }) {
		tg.Constraints = append(tg.Constraints, c)
	}
}

// validate lists what is wrong with a canonical job, in Nomad's words where it
// has them. What the stand-in can't run is wrong too.
func validate(job *nomadapi.Job) []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	switch id := *job.ID; {
	case id == "":
		fault("Missing job ID")
	case strings.Contains(id, " "):
		fault("Job ID contains a space")
	case strings.Contains(id, "\x00"):
		fault("Job ID contains a null character")
	}
	if *job.Name == "" {
		fault("Missing job name")
	}
	switch *job.Type {
	case "service":
	case "batch", "sysbatch", "system":
		fault("Job type %q is not served by the embedded Nomad: only service jobs are", *job.Type)
	default:
		fault("Invalid job type: %q", *job.Type)
	}
	if *job.Priority < 1 || *job.Priority > 100 {
		fault("Job priority must be between [1, 100]")
	}
	if job.Periodic != nil || job.ParameterizedJob != nil {
		fault("Periodic and parameterized jobs are not served by the embedded Nomad")
	}
	if len(job.TaskGroups) == 0 {
		fault("Missing job task groups")
	}
	names := map[string]bool{}
	for i, tg := range job.TaskGroups {
		if tg.Name == nil || *tg.Name == "" {
			fault("Job task group %d missing name", i+1)
			continue
		}
		if names[*tg.Name] {
			fault("Job task group %d redefines '%s' from group %d", i+1, *tg.Name, i)
		}
		names[*tg.Name] = true
		if inner := validateGroup(tg); len(inner) > 0 {
			fault("Task group %s validation failed: %s", *tg.Name, list(inner))
		}
	}
	return faults
}

func validateGroup(tg *nomadapi.TaskGroup) []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if *tg.Count < 0 {
		fault("Task group count can't be negative")
	}
	if len(tg.Tasks) == 0 {
		fault("Missing tasks for task group")
	}
	labels, static := map[string]bool{}, map[int]string{}
	if len(tg.Networks) > 1 {
		fault("Only one network block may be specified")
	}
	for _, n := range tg.Networks {
		for _, p := range slices.Concat(n.ReservedPorts, n.DynamicPorts) {
			if labels[p.Label] {
				fault("Port label %q already in use", p.Label)
			}
			labels[p.Label] = true
		}
		for _, p := range n.ReservedPorts {
			if other, taken := static[p.Value]; taken {
				fault("Static port %d already reserved by %s", p.Value, other)
			}
			static[p.Value] = p.Label
		}
	}
	tasks := map[string]bool{}
	for i, t := range tg.Tasks {
		if t.Name == "" {
			fault("Task %d missing name", i+1)
			continue
		}
		if tasks[t.Name] {
			fault("Task %d redefines '%s' from task %d", i+1, t.Name, i)
		}
		tasks[t.Name] = true
		if inner := validateTask(t, labels); len(inner) > 0 {
			fault("Task %s validation failed: %s", t.Name, list(inner))
		}
	}
	if inner := validateServices(tg.Services, labels); len(inner) > 0 {
		fault("Task group service validation failed: %s", list(inner))
	}
	return faults
}

// validateServices names each service by its place, as Nomad does.
func validateServices(services []*nomadapi.Service, labels map[string]bool) []string {
	var faults []string
	for i, s := range services {
		if inner := validateService(s, labels); len(inner) > 0 {
			faults = append(faults, fmt.Sprintf("Service[%d] %s validation failed: %s", i, s.Name, list(inner)))
		}
	}
	return faults
}

func validateTask(t *nomadapi.Task, labels map[string]bool) []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if strings.ContainsAny(t.Name, `/\`) {
		fault("Task name cannot include slashes")
	}
	if t.Driver == "" {
		fault("Missing task driver")
	}
	if t.Lifecycle != nil {
		fault("lifecycle blocks are not served by the embedded Nomad")
	}
	if command, ok := t.Config["command"].(string); !ok || command == "" {
		fault("driver config: missing command")
	}
	if t.KillTimeout != nil && *t.KillTimeout < 0 {
		fault("KillTimeout must be a positive value")
	}
	if t.KillSignal != "" && unix.SignalNum(t.KillSignal) == 0 {
		fault("KillSignal %q is not known", t.KillSignal)
	}
	if cpu := t.Resources.CPU; cpu != nil && *cpu < 1 {
		fault("minimum CPU value is 1; got %d", *cpu)
	}
	if mb := t.Resources.MemoryMB; mb != nil && *mb < 10 {
		fault("minimum MemoryMB value is 10; got %d", *mb)
	}
	for i, a := range t.Artifacts {
		if a.GetterSource == nil || *a.GetterSource == "" {
			fault("Artifact %d validation failed: source must be specified", i+1)
		}
	}
	if inner := validateServices(t.Services, labels); len(inner) > 0 {
		fault("Task service validation failed: %s", list(inner))
	}
	return faults
}

func validateService(s *nomadapi.Service, labels map[string]bool) []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if !strings.Contains(s.Name, "${") && !serviceName(s.Name) {
		fault("Service name must be valid per RFC 1123 and can contain only alphanumeric characters or dashes and must be no longer than 63 characters: %q", s.Name)
	}
	if s.Provider != nomadapi.ServiceProviderConsul {
		fault("provider %q is not served by the embedded Nomad", s.Provider)
	}
	if s.PortLabel != "" && !labels[s.PortLabel] && !isNumber(s.PortLabel) && !strings.Contains(s.PortLabel, "${") {
		fault("port label %q referenced by service %s does not exist", s.PortLabel, s.Name)
	}
	for _, c := range s.Checks {
		switch c.Type {
		case "http":
			if c.Path == "" {
				fault("Check %s invalid: http type must have http path", c.Name)
			}
		case "tcp", "grpc":
		default:
			fault(`Check %s invalid: invalid check type (%q), must be one of "http", "tcp", or "script" type`, c.Name, c.Type)
		}
		if c.Interval < 1e9 {
			fault("Check %s invalid: interval (%v) cannot be lower than 1s", c.Name, c.Interval)
		}
		if c.Timeout < 1e9 {
			fault("Check %s invalid: timeout (%v) is lower than required minimum timeout 1s", c.Name, c.Timeout)
		}
		if c.PortLabel != "" && !labels[c.PortLabel] && !isNumber(c.PortLabel) {
			fault("Check %s invalid: port label %q does not exist", c.Name, c.PortLabel)
		}
	}
	return faults
}

func serviceName(s string) bool {
	if s == "" || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return false
	}
	for _, c := range s {
		if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

func isNumber(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// list writes faults as Nomad's errors are written.
func list(faults []string) string {
	noun := "errors"
	if len(faults) == 1 {
		noun = "error"
	}
	return fmt.Sprintf("%d %s occurred:\n\t* %s\n\n", len(faults), noun, strings.Join(faults, "\n\t* "))
}

// multi is the answer to a job with faults, nil without.
func multi(faults []string) error {
	if len(faults) == 0 {
		return nil
	}
	return fail(http.StatusInternalServerError, "%s", list(faults))
}
