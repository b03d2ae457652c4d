package detect

import (
	"fmt"
	"slices"
	"strings"
)

// text writes the draft as HCL.
func (d *draft) text() []byte {
	w := &writer{}
	w.line(0, "# Drafted by `crumpet init` from what it saw in this folder: change what does not fit. `crumpet")
	w.line(0, "# reference` prints every key, `crumpet plan` what a push would do.")
	w.line(0, "app %s {", quoted(d.app))
	d.build(w)
	d.variables(w)
	for _, p := range d.processes {
		p.write(w)
	}
	if len(d.beforeDeploy) > 0 {
		w.line(0, "")
		w.comments(1, d.taskReasons)
		w.line(1, "task \"release\" {")
		w.line(2, "command = [%s]", strings.Join(d.beforeDeploy, ", "))
		w.line(2, "phase   = \"before\"")
		w.line(1, "}")
	}
	w.line(0, "}")
	return []byte(w.b.String())
}

func (d *draft) build(w *writer) {
	w.comments(1, d.reasons)
	w.line(1, "build {")
	w.line(2, "builder = %s", quoted(d.builder))
	if d.dir != "" {
		w.line(2, "dir     = %s", quoted(d.dir))
	}
	w.line(1, "}")
}

func (d *draft) variables(w *writer) {
	var env []variable
	for _, v := range slices.Backward(d.env) { // the last of a name wins
		if !slices.ContainsFunc(env, func(have variable) bool { return have.name == v.name }) {
			env = append(env, v)
		}
	}
	if len(env) == 0 {
		return
	}
	slices.Reverse(env)
	w.line(0, "")
	w.line(1, "# ENV of the Dockerfile.")
	w.line(1, "env = {")
	for _, v := range env {
		w.line(2, "%s = %s", v.name, quoted(v.value))
	}
	w.line(1, "}")
}

func (p process) write(w *writer) {
	w.line(0, "")
	w.comments(1, p.reasons)
	w.line(1, "process %s {", quoted(p.name))
	w.line(2, "command = [%s]", strings.Join(p.command, ", "))
	if p.port {
		w.line(0, "")
		w.line(2, "# Without a route of its own the process \"web\" gets APP.DOMAIN/.")
		w.line(2, "port \"http\" {}")
	}
	if p.port && p.health != "" {
		w.line(0, "")
		w.line(2, "# The source answers this path.")
		w.line(2, "health {")
		w.line(3, "path = %s", quoted(p.health))
		w.line(2, "}")
	}
	w.line(1, "}")
}

type writer struct{ b strings.Builder }

func (w *writer) line(indent int, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if text != "" {
		w.b.WriteString(strings.Repeat("  ", indent))
	}
	w.b.WriteString(text + "\n")
}

func (w *writer) comments(indent int, lines []string) {
	for _, l := range lines {
		w.line(indent, "# %s", strings.Map(func(c rune) rune {
			if c < ' ' {
				return ' '
			}
			return c
		}, l))
	}
}

// quoted writes text as an HCL string.
func quoted(text string) string { return `"` + escaped(text) + `"` }

func escaped(text string) string {
	text = strings.ToValidUTF8(text, "")
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\x00", "", "${", "$${", "%{", "%%{").Replace(text)
}
