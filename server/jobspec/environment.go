package jobspec

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Variables that Crumpet sets in every task.
const (
	envPort     = "PORT"  // of the process's first port
	envPorts    = "PORT_" // + NAME, of each port
	envHost     = "HOST"
	envApp      = "CRUMPET_APP"
	envTeam     = "CRUMPET_TEAM"
	envProcess  = "CRUMPET_PROCESS"
	envArtifact = "CRUMPET_ARTIFACT"
	envURL      = "CRUMPET_URL"
)

// environment gives a task's variables: those whose text Nomad leaves alone as its env, the others by
// a template. Nomad replaces every ${NAME} it knows in an env and has no escape for it, so text with
// ${ must not go there; what a template renders is not looked at again.
func environment(in Input, p paas.Process) (map[string]string, []*nomadapi.Template) {
	values := maps.Clone(in.Release.Spec.Env)
	if values == nil {
		values = map[string]paas.Value{}
	}
	maps.Copy(values, p.Env)
	maps.Copy(values, given(in, p))

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
		ChangeMode:   new("noop"), // it depends on nothing that changes while the task lives
	}}
}

// given are the variables of Crumpet's own.
func given(in Input, p paas.Process) map[string]paas.Value {
	rel := in.Release
	vars := map[string]paas.Value{
		envApp:      paas.Literal(rel.App),
		envTeam:     paas.Literal(rel.Team),
		envProcess:  paas.Literal(p.Name),
		envArtifact: paas.Literal(rel.ShortArtifact()),
	}
	for i, port := range p.Ports {
		number := paas.Value{{Ref: &paas.Ref{Kind: paas.RefPort, Name: port.Name}}}
		vars[envPorts+strings.ToUpper(underscored(port.Name))] = number
		if i == 0 {
			vars[envPort] = number
			vars[envHost] = paas.Value{{Ref: &paas.Ref{Kind: paas.RefHost, Name: port.Name}}}
		}
	}
	routes := append(slices.Clone(p.Routes), rel.Spec.Routes()...)
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

func holdsMarker(v paas.Value) bool {
	return slices.ContainsFunc(v, func(p paas.Part) bool { return p.Ref == nil && strings.Contains(p.Text, "${") })
}

// interpolated is a value as Nomad's env wants it.
func interpolated(v paas.Value) string {
	var b strings.Builder
	for _, part := range v {
		if part.Ref != nil {
			b.WriteString("${" + variable(*part.Ref, asIs) + "}")
		} else {
			b.WriteString(part.Text)
		}
	}
	return b.String()
}

// argument is a value as a driver's config wants it: an HCL template.
func argument(v paas.Value) string {
	var b strings.Builder
	v = joined(v)
	for i, part := range v {
		if part.Ref != nil {
			b.WriteString("${" + variable(*part.Ref, underscored) + "}")
		} else {
			b.WriteString(literal(part.Text, i == len(v)-1))
		}
	}
	return b.String()
}

// literal writes text into an HCL template. Two texts need quotes: one with a $ right before a
// reference, which would read as the escape $${, and one with a carriage return, after which HCL's
// scanner overlooks a reference.
func literal(text string, last bool) string {
	escaped := strings.NewReplacer("${", "$${", "%{", "%%{").Replace(text)
	if !strings.Contains(text, "\r") && (last || !strings.HasSuffix(text, "$")) {
		return escaped
	}
	return `${"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`).Replace(escaped) + `"}`
}

// joined makes one part of neighbouring texts, so that none can form a marker with the next.
func joined(v paas.Value) paas.Value {
	var out paas.Value
	for _, part := range v {
		if n := len(out); n > 0 && part.Ref == nil && out[n-1].Ref == nil {
			out[n-1].Text += part.Text
			continue
		}
		out = append(out, part)
	}
	return out
}

// templated is a value as a line of an environment file wants it, rendered by consul-template: { is
// written as an action of its own, so that no text can open one, and whatever the file's grammar
// gives a meaning is escaped.
func templated(v paas.Value) string {
	var b strings.Builder
	for _, part := range v {
		if part.Ref != nil {
			fmt.Fprintf(&b, `{{env "%s"}}`, variable(*part.Ref, underscored))
			continue
		}
		for _, c := range part.Text {
			switch {
			case c == '{':
				b.WriteString(`{{"{"}}`)
			case c == '"' || c == '\\':
				b.WriteByte('\\')
				b.WriteRune(c)
			case ' ' <= c && c <= '~':
				b.WriteRune(c)
			default:
				for _, unit := range utf16.Encode([]rune{c}) {
					fmt.Fprintf(&b, `\u%04x`, unit)
				}
			}
		}
	}
	return b.String()
}
