package spec

import (
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func validatePorts(at place, p paas.Process, r report) {
	seen := map[string]bool{}
	for i, port := range p.Ports {
		here := at.block("port", i, port.Name)
		if problem := paas.CheckName("port", port.Name, paas.MaxProcess); problem != "" {
			r.say(here.label(), "Bad name", "%s", problem)
		}
		if seen[port.Name] {
			r.say(here.label(), "Name repeated", "The process %q has a second port %q. Give it another name.", p.Name, port.Name)
		}
		if strange(port) {
			r.say(here.attr("protocol"), "Unknown value", "%s", unknownWord("protocol of a port", string(port.Protocol), protocols))
		}
		seen[port.Name] = true
	}
}

func validateRoutes(process place, p paas.Process, r report) {
	for i, route := range p.Routes {
		validateRoute(process.block("route", i, route.String()), p, route, r)
	}
}

func validateRoute(at place, p paas.Process, route paas.Route, r report) {
	if problem := paas.CheckRoute(route); problem != "" {
		r.say(at.label(), "Bad route", "%s", problem)
	}
	needPort(at, "The route "+route.String(), p, route.Port, routable, "can't lead there yet: the shared routers forward HTTP/1.1 only. Route to a port with the protocol http", r)
}

// validateRouteOwners demands that no two processes have the same route.
func validateRouteOwners(s paas.Spec, r report) {
	routes := map[string]string{}
	for i, p := range s.Processes {
		for j, route := range p.Routes {
			if other, held := routes[route.String()]; held {
				at := place{}.block("process", i, p.Name).block("route", j, route.String())
				r.say(at.label(), "Route repeated", "The route %s already belongs to process %q. Choose another path or remove it there first.", route, other)
			}
			routes[route.String()] = p.Name
		}
	}
}

// needPort demands that name, the port that what wants, is one of the process and fits; wants says
// which ports do.
func needPort(at place, what string, p paas.Process, name string, fits func(paas.Port) bool, wants string, r report) {
	port, there := p.Port(name)
	switch {
	case there && name != "" && strange(port), name == "" && slices.ContainsFunc(p.Ports, strange): // said of the port
	case there && name != "" && !fits(port):
		r.say(at.attr("port"), "Port does not fit", "%s of process %q uses the port %q, which has the protocol %s. It %s.", what, p.Name, name, protocol(port), wants)
	case there && name != "":
	case len(portNames(p)) == 0:
		r.missing(at.attr("port"), "Port missing", "%s of process %q needs a port, and the process has none. Write port \"http\" {}.", what, p.Name)
	case name == "":
		r.missing(at.attr("port"), "Port missing", "%s of process %q must say which port it uses. Write port = %q; the ports are %s.", what, p.Name, portNames(p)[0], list(portNames(p)))
	default:
		r.missing(at.attr("port"), "Unknown port", "%s of process %q uses the port %q, which does not exist.%s The ports are %s.", what, p.Name, name, suggest(name, portNames(p)), list(portNames(p)))
	}
}

// strange says that it is not known what is spoken at a port.
func strange(p paas.Port) bool { return !slices.Contains(protocols, protocol(p)) }

func portNames(p paas.Process) []string { return namesOf(distinct(p.Ports)) }

func namesOf(ports []paas.Port) []string {
	var names []string
	for _, p := range ports {
		names = append(names, p.Name)
	}
	return names
}

// validateRefs demands that every port a value refers to is one of its owner's.
func validateRefs(at place, o owner, v paas.Value, r report) {
	if r.full() {
		return
	}
	for _, ref := range v.Refs() {
		switch ref.Kind {
		case paas.RefAllocID, paas.RefAllocIndex:
		case paas.RefPort, paas.RefHost:
			names := namesOf(o.ports)
			if !slices.Contains(names, ref.Name) || ref.Name == "" {
				r.missing(at, "Unknown reference", "There is no %s.%s to refer to: the %s has no such port.%s %s", ref.Kind, ref.Name, o.what, suggest(ref.Name, names), known(distinct(o.ports)))
			}
		default:
			r.say(at, "Unknown reference", "There is no %s to refer to. %s", ref.Kind, known(distinct(o.ports)))
		}
	}
}

// validateSharedEnv checks the env of the app, which every program gets that does not set the same
// variable itself.
func validateSharedEnv(s paas.Spec, r report) {
	for _, name := range slices.Sorted(maps.Keys(s.Env)) {
		at := place{}.attr("env").attr(name)
		validateVariable(at, name, s.Env[name], r)
		ports := slices.DeleteFunc(s.Env[name].Refs(), func(ref paas.Ref) bool { return ref.Kind != paas.RefPort && ref.Kind != paas.RefHost })
		if len(ports) == 0 {
			validateRefs(at, owner{}, s.Env[name], r)
			continue
		}
		for o, p := range owners(s) {
			lacks := slices.IndexFunc(ports, func(ref paas.Ref) bool { return !slices.Contains(namesOf(o.ports), ref.Name) })
			if _, own := p.Env[name]; own || lacks < 0 {
				continue
			}
			r.missing(at, "Unknown reference", "The env of the app is that of the %s as well, which has no port %q for %s to refer to.%s Set %s in the env of the processes that have it.", o.what, ports[lacks].Name, name, suggest(ports[lacks].Name, namesOf(o.ports)), name)
			break // one sentence for one value
		}
	}
}

// owners gives every program of a spec, with what it is of.
func owners(s paas.Spec) iter.Seq2[owner, paas.Program] {
	return func(yield func(owner, paas.Program) bool) {
		for _, p := range s.Processes {
			if !yield(processOwner(p), p.Program) {
				return
			}
			for _, sidecar := range p.Sidecars {
				if !yield(owner{fmt.Sprintf("sidecar %q", sidecar.Name), p.Ports}, sidecar.Program) {
					return
				}
			}
		}
		for _, t := range s.Tasks {
			if !yield(owner{what: fmt.Sprintf("task %q", t.Name)}, t.Program) {
				return
			}
		}
		for _, t := range s.Crons {
			if !yield(owner{what: fmt.Sprintf("cron %q", t.Name)}, t.Program) {
				return
			}
		}
	}
}

func validateVariable(at place, name string, v paas.Value, r report) {
	if r.full() {
		return
	}
	switch {
	case !variableName(name):
		r.say(at.label(), "Bad name", "The variable %q in env must begin with a letter or an underscore and hold only letters, digits and underscores.", name)
	case reserved(name):
		r.say(at.label(), "Reserved name", "The variable %s is set by Crumpet or Nomad for every instance, as are PORT, PORT_*, HOST, CRUMPET_* and NOMAD_*. Choose another name; a program that wants a port under another name gets it with MY_PORT = \"${port.http}\".", name)
	}
	validateText(at, v, r)
}

func variableName(name string) bool {
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
