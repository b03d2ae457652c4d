package spec

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func validatePorts(at place, p paas.Process, r report) {
	seen := map[string]bool{}
	for i, port := range p.Ports {
		here := at.block("port", i, port.Name).label()
		if problem := paas.CheckName("port", port.Name, paas.MaxProcess); problem != "" {
			r.say(here, "Bad name", "%s", problem)
		}
		if seen[port.Name] {
			r.say(here, "Name repeated", "The process %q has a second port %q. Give it another name.", p.Name, port.Name)
		}
		seen[port.Name] = true
	}
}

func validateRoute(at place, p paas.Process, route paas.Route, r report) {
	if problem := paas.CheckRoute(route); problem != "" {
		r.say(at.label(), "Bad route", "%s", problem)
	}
	needPort(at, "route "+route.String(), p, route.Port, r)
}

func validateHealth(at place, p paas.Process, r report) {
	h := *p.Health.Readiness
	needPort(at, "health check", p, h.Port, r)
	if problem := checkPath(h.Path); problem != "" {
		r.say(at.attr("path"), "Bad path", "%s", problem)
	}
	span(r, at.attr("interval"), "interval", h.Interval, minCheck, maxCheck)
	span(r, at.attr("timeout"), "timeout", h.Timeout, minCheck, maxCheck)
}

func checkPath(path string) string {
	switch {
	case !strings.HasPrefix(path, "/"):
		return fmt.Sprintf("The path of the health check, %q, must begin with a slash. Write %q.", path, "/"+path)
	case strings.ContainsFunc(path, func(c rune) bool { return c == '#' || unicode.IsSpace(c) || unicode.IsControl(c) }) || strings.Contains(path, "${"):
		return fmt.Sprintf("The path of the health check, %q, holds a character that no request can have. Leave it out or write it with %%.", path)
	case strings.HasPrefix(path, "//"):
		return fmt.Sprintf("The path of the health check, %q, begins with two slashes and would be read as a host. Write one.", path)
	}
	return ""
}

// needPort demands that name, the port that what wants, is one of the process.
func needPort(at place, what string, p paas.Process, name string, r report) {
	switch {
	case slices.Contains(p.Ports, paas.Port{Name: name}) && name != "":
	case len(portNames(p)) == 0:
		r.missing(at.attr("port"), "Port missing", "The %s of process %q needs a port, and the process has none. Write port \"http\" {}.", what, p.Name)
	case name == "":
		r.missing(at.attr("port"), "Port missing", "The %s of process %q must say which port it uses. Write port = %q; the ports are %s.", what, p.Name, portNames(p)[0], list(portNames(p)))
	default:
		r.missing(at.attr("port"), "Unknown port", "The %s of process %q uses the port %q, which does not exist.%s The ports are %s.", what, p.Name, name, suggest(name, portNames(p)), list(portNames(p)))
	}
}

func portNames(p paas.Process) []string {
	var names []string
	for _, port := range distinct(p.Ports) {
		names = append(names, port.Name)
	}
	return names
}

// validateRefs demands that every port a value refers to is one of the process.
func validateRefs(at place, p paas.Process, v paas.Value, r report) {
	for _, ref := range v.Refs() {
		switch ref.Kind {
		case paas.RefAllocID, paas.RefAllocIndex:
		case paas.RefPort, paas.RefHost:
			if !slices.Contains(p.Ports, paas.Port{Name: ref.Name}) {
				r.missing(at, "Unknown reference", "There is no %s.%s to refer to: the process %q has no such port.%s %s", ref.Kind, ref.Name, p.Name, suggest(ref.Name, portNames(p)), known(distinct(p.Ports)))
			}
		default:
			r.say(at, "Unknown reference", "There is no %s to refer to. %s", ref.Kind, known(distinct(p.Ports)))
		}
	}
}

// validateSharedEnv checks the env of the app, which every process gets that does not set the same
// variable itself.
func validateSharedEnv(s paas.Spec, r report) {
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		at := place{}.attr("env").attr(name)
		validateVariable(at, name, s.Env[name], r)
		for _, p := range s.Processes {
			if _, own := p.Env[name]; !own {
				validateRefs(at, p, s.Env[name], r)
			}
		}
	}
}

func validateVariable(at place, name string, v paas.Value, r report) {
	switch {
	case !variable(name):
		r.say(at.label(), "Bad name", "The variable %q in env must begin with a letter or an underscore and hold only letters, digits and underscores.", name)
	case reserved(name):
		r.say(at.label(), "Reserved name", "The variable %s is set by Crumpet or Nomad for every instance, as are PORT, PORT_*, HOST, CRUMPET_* and NOMAD_*. Choose another name; a program that wants a port under another name gets it with MY_PORT = \"${port.http}\".", name)
	}
	validateText(at, v, r)
}

func variable(name string) bool {
	for i, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c == '_':
		case '0' <= c && c <= '9' && i > 0:
		default:
			return false
		}
	}
	return name != ""
}

func reserved(name string) bool {
	return name == "PORT" || name == "HOST" || strings.HasPrefix(name, "PORT_") ||
		strings.HasPrefix(name, "CRUMPET_") || strings.HasPrefix(name, "NOMAD_")
}
