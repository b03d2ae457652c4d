package valid

import (
	"regexp"
	"slices"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

const minCheck = time.Second

// rfc1123 is what Nomad takes for the name of a service.
var rfc1123 = regexp.MustCompile(`^(?i:[a-z0-9]|[a-z0-9][a-z0-9\-]{0,61}[a-z0-9])$`)

// services checks those of the group, and which tasks they speak of.
func services(tg *nomadapi.TaskGroup, labels map[string]bool) faults {
	tasks := map[string]bool{}
	for _, t := range tg.Tasks {
		tasks[t.Name] = true
	}
	var f faults
	for i, s := range tg.Services {
		if inner := service(s, labels); len(inner) > 0 {
			f.nest(inner, "Service[%d] %s validation failed", i, s.Name)
			continue
		}
		for _, c := range s.Checks {
			if c.TaskName != "" && !tasks[c.TaskName] {
				f.add("Check %s invalid: refers to non-existent task %s", c.Name, c.TaskName)
			}
		}
	}
	return f
}

func serviceFaults(list []*nomadapi.Service, labels map[string]bool) faults {
	var f faults
	for i, s := range list {
		f.nest(service(s, labels), "service[%d] %q validation failed", i, s.Name)
	}
	return f
}

// scripts checks that a script of a group's service has a task to run in.
func scripts(tg *nomadapi.TaskGroup) faults {
	var f faults
	for _, s := range tg.Services {
		for _, c := range s.Checks {
			if s.TaskName == "" && c.TaskName == "" && c.Type == "script" {
				f.add("Service [%s]->%s or Check %s must specify task parameter", *tg.Name, s.Name, c.Name)
			}
		}
	}
	return f
}

func service(s *nomadapi.Service, labels map[string]bool) faults {
	var f faults
	if !strings.Contains(s.Name, "${") && !rfc1123.MatchString(s.Name) {
		f.add("Service name must be valid per RFC 1123 and can contain only alphanumeric characters or dashes and must be no longer than 63 characters: %q", s.Name)
	}
	if s.Provider != nomadapi.ServiceProviderConsul {
		f.add("provider %q is not served by the embedded Nomad", s.Provider)
	}
	if s.Connect != nil {
		f.add("connect is not served by the embedded Nomad")
	}
	if !labelled(s.PortLabel, labels) {
		f.add("port label %q referenced by service %s does not exist", s.PortLabel, s.Name)
	}
	for _, c := range s.Checks {
		if c.Type != "script" && s.PortLabel == "" && c.PortLabel == "" {
			f.add("Check %s invalid: check requires a port but neither check nor service %q have a port", c.Name, s.Name)
			continue
		}
		if why := check(&c); why != "" {
			f.add("Check %s invalid: %s", c.Name, why)
		}
		if !labelled(c.PortLabel, labels) {
			f.add("Check %s invalid: port label %q does not exist", c.Name, c.PortLabel)
		}
	}
	return f
}

// labelled takes what only the node will know for right.
func labelled(label string, labels map[string]bool) bool {
	return label == "" || labels[label] || strings.Contains(label, "${") || strings.Trim(label, "0123456789") == ""
}

// check gives the first thing that is wrong, as Nomad does.
func check(c *nomadapi.ServiceCheck) string {
	kind := strings.ToLower(c.Type)
	var f faults
	switch {
	case !slices.Contains([]string{"grpc", "tcp", "http", "script"}, kind):
		f.add("invalid check type (%q), must be one of grpc, tcp, http, script", kind)
	case kind == "http" && c.Path == "":
		f.add("http type must have http path")
	case kind == "script" && c.Command == "":
		f.add("script type must have a valid script path")
	case c.Interval == 0:
		f.add("missing required value interval. Interval cannot be less than %v", minCheck)
	case c.Interval < minCheck:
		f.add("interval (%v) cannot be lower than %v", c.Interval, minCheck)
	case c.Timeout == 0:
		f.add("missing required value timeout. Timeout cannot be less than %v", minCheck)
	case c.Timeout < minCheck:
		f.add("timeout (%v) is lower than required minimum timeout %v", c.Timeout, minCheck)
	case !slices.Contains([]string{"", "passing", "warning", "critical"}, c.InitialStatus):
		f.add(`invalid initial check state (%s), must be one of %q, %q, %q or empty`, c.InitialStatus, "passing", "warning", "critical")
	case !slices.Contains([]string{"", nomadapi.OnUpdateRequireHealthy, nomadapi.OnUpdateIgnoreWarn, nomadapi.OnUpdateIgnore}, c.OnUpdate):
		f.add("on_update must be %q, %q, or %q; got %q", nomadapi.OnUpdateRequireHealthy, nomadapi.OnUpdateIgnoreWarn, nomadapi.OnUpdateIgnore, c.OnUpdate)
	case c.CheckRestart != nil && c.OnUpdate == nomadapi.OnUpdateIgnore:
		f.add("on_update value %q is not compatible with check_restart", c.OnUpdate)
	case c.CheckRestart != nil && c.CheckRestart.Limit < 0:
		f.add("%s", List([]string{"limit must be greater than or equal to 0"}))
	default:
		for _, n := range []struct {
			name  string
			value int
		}{
			{"success_before_passing", c.SuccessBeforePassing},
			{"failures_before_critical", c.FailuresBeforeCritical},
			{"failures_before_warning", c.FailuresBeforeWarning},
		} {
			if n.value < 0 {
				f.add("%s must be non-negative", n.name)
			} else if n.value > 0 && kind == "script" {
				f.add("%s not supported for check of type %q", n.name, c.Type)
			}
		}
	}
	if len(f) == 0 {
		return ""
	}
	return f[0]
}
