package jobspec

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Variables that Crumpet sets in every program.
const (
	envPort     = "PORT"  // of the process's first port
	envPorts    = "PORT_" // + NAME, of each port
	envHost     = "HOST"
	envApp      = "CRUMPET_APP"
	envTeam     = "CRUMPET_TEAM"
	envProcess  = "CRUMPET_PROCESS"
	envArtifact = "CRUMPET_ARTIFACT"
	envURL      = "CRUMPET_URL"
	envStage    = "CRUMPET_ENVIRONMENT"
)

// environment gives a task's variables: those whose text Nomad leaves alone as its env, the others by
// a template. Nomad replaces every ${NAME} it knows in an env and has no escape for it, so text with
// ${ must not go there; what a template renders is not looked at again.
func environment(values map[string]paas.Value) (map[string]string, []*nomadapi.Template) {
	env := map[string]string{}
	var lines strings.Builder
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if v := joined(values[name]); holdsMarker(v) {
			fmt.Fprintf(&lines, "%s=\"%s\"\n", name, templated(v))
		} else {
			env[name] = interpolated(v)
		}
	}
	if lines.Len() == 0 {
		return env, nil
	}
	return env, []*nomadapi.Template{{
		EmbeddedTmpl: new(lines.String()),
		DestPath:     new(environmentFile),
		Envvars:      new(true),
		ChangeMode:   new(string(paas.ChangeNoop)), // it depends on nothing that changes while the task lives
	}}
}

// given are the variables of Crumpet's own: of a process, whose ports and routes all its programs
// see, or of a program that runs by itself.
func given(in Input, name string, p *paas.Process) map[string]paas.Value {
	rel := in.Release
	vars := map[string]paas.Value{
		envApp:      paas.Literal(rel.App),
		envTeam:     paas.Literal(rel.Team),
		envProcess:  paas.Literal(name),
		envArtifact: paas.Literal(rel.ShortArtifact()),
	}
	if rel.Spec.Environment != "" {
		vars[envStage] = paas.Literal(rel.Spec.Environment)
	}
	routes := rel.Spec.Routes()
	if p != nil {
		routes = append(slices.Clone(p.Routes), routes...)
		for i, port := range p.Ports {
			number := paas.Value{{Ref: &paas.Ref{Kind: paas.RefPort, Name: port.Name}}}
			vars[envPorts+strings.ToUpper(underscored(port.Name))] = number
			if i == 0 {
				vars[envPort] = number
				vars[envHost] = paas.Value{{Ref: &paas.Ref{Kind: paas.RefHost, Name: port.Name}}}
			}
		}
	}
	if len(routes) > 0 && in.BaseURL != nil {
		vars[envURL] = paas.Literal(in.BaseURL(routes[0]))
	}
	return vars
}

func underscored(name string) string { return strings.ReplaceAll(name, "-", "_") }

func addrVariable(port string) string { return "NOMAD_ADDR_" + underscored(port) }

// variable is Nomad's name for what a reference means. Names of ports keep their dashes where env is
// interpolated; everywhere else Nomad has made them underscores.
func variable(r paas.Ref, name func(string) string) string {
	switch r.Kind {
	case paas.RefPort:
		return "NOMAD_PORT_" + name(r.Name)
	case paas.RefHost:
		return "NOMAD_IP_" + name(r.Name)
	case paas.RefAllocID:
		return "NOMAD_ALLOC_ID"
	case paas.RefAllocIndex:
		return "NOMAD_ALLOC_INDEX"
	}
	return ""
}

func asIs(s string) string { return s }

// holdsMarker says that a text has what Nomad would replace in an env, or what looks to a reader as if
// a template were to replace it.
func holdsMarker(v paas.Value) bool {
	return slices.ContainsFunc(v, func(p paas.Part) bool {
		return p.Ref == nil && (strings.Contains(p.Text, "${") || strings.Contains(p.Text, "{{"))
	})
}
