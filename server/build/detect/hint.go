package detect

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

var procLine = regexp.MustCompile(`^([A-Za-z0-9_-]+):\s*(.+)$`)

// procfile replaces what was guessed of the processes by what a Procfile says.
func procfile(s source, d *draft) bool {
	text, ok := s.read("Procfile")
	if !ok {
		return false
	}
	var processes []process
	for line := range strings.Lines(text) {
		m := procLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil || strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		command, reasons := shell(m[2])
		if m[1] == "release" {
			d.beforeDeploy = command
			d.taskReasons = append([]string{"Procfile, line \"release\": runs before each deployment, which ends if it fails."}, reasons...)
			continue
		}
		p := process{name: short(m[1]), command: command, port: m[1] == paas.ProcessWeb || portWord.MatchString(m[2])}
		p.because("Procfile, line %q.", m[1])
		p.reasons = append(p.reasons, reasons...)
		for _, guess := range d.processes {
			if guess.name == p.name {
				p.health = guess.health
			}
		}
		processes = append(processes, p)
	}
	if len(processes) == 0 {
		return false
	}
	d.processes = processes
	if d.builder == string(paas.BuilderStatic) {
		d.builder, d.dir, d.reasons = string(paas.BuilderNone), "", nil
		d.because("The Procfile runs a program of the folder's own, so the folder is taken as it is.")
	}
	if d.kind == "" {
		d.kind = "an app with a Procfile"
	}
	return true
}

var (
	dockerLine = regexp.MustCompile(`(?i)^(CMD|ENTRYPOINT|ENV|EXPOSE|USER|HEALTHCHECK)\s+(.+)$`)
	dockerEnv  = regexp.MustCompile(`([A-Za-z_][A-Za-z0-9_]*)=("(?:[^"\\]|\\.)*"|\S*)`)
	dockerURL  = regexp.MustCompile(`https?://[^/\s"']+(/[^\s"']*)`)
)

// dockerfile takes the command, variables and health check of an image's recipe. Images are not built
// yet, so where nothing else is known of the source the folder itself must be runnable.
func dockerfile(s source, d *draft) bool {
	text, ok := s.read("Dockerfile")
	if !ok {
		return false
	}
	var entry, cmd []string
	var notes []string
	health, exposed := "", ""
	for line := range strings.Lines(strings.ReplaceAll(text, "\\\n", " ")) {
		m := dockerLine.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		switch strings.ToUpper(m[1]) {
		case "CMD":
			cmd, notes = exec(m[2])
		case "ENTRYPOINT":
			entry, notes = exec(m[2])
		case "EXPOSE":
			exposed, _, _ = strings.Cut(strings.Fields(m[2])[0], "/")
		case "HEALTHCHECK":
			if u := dockerURL.FindStringSubmatch(m[2]); u != nil {
				health = u[1]
			}
		case "ENV":
			d.env = append(d.env, dockerVariables(m[2])...)
		}
	}
	if len(d.processes) > 0 || d.builder == string(paas.BuilderStatic) {
		if health != "" && len(d.processes) > 0 && d.processes[0].port {
			d.processes[0].health = health
		}
		d.because("The Dockerfile is not used: Crumpet builds this kind of source itself. Its ENV lines are taken over.")
		return true
	}
	d.kind = "an app with a Dockerfile"
	d.because("Dockerfile: images are not built yet. The folder is taken as it is, so what the command names must be")
	d.because("in it, or on the nodes.")
	p := process{name: paas.ProcessWeb, command: append(entry, cmd...), port: exposed != "", health: health}
	if len(p.command) == 0 {
		p.command = []string{quoted("./" + d.app)}
		p.because("The Dockerfile names no command: this one is a guess.")
	} else {
		p.because("ENTRYPOINT and CMD of the Dockerfile.")
	}
	p.reasons = append(p.reasons, notes...)
	if exposed != "" {
		p.because("EXPOSE %s: the node chooses another number, which is in PORT.", exposed)
	} else {
		p.name = "worker"
	}
	d.processes = []process{p}
	return true
}

func dockerVariables(text string) []variable {
	var found []variable
	for _, m := range dockerEnv.FindAllStringSubmatch(text, -1) {
		value := m[2]
		if unquoted, err := strconv.Unquote(value); err == nil {
			value = unquoted
		}
		if name := m[1]; name != "PORT" && name != "HOST" && name != "PATH" {
			found = append(found, variable{name, value})
		}
	}
	return found
}

// exec reads the argument of CMD or ENTRYPOINT: a JSON list, or a line for the shell.
func exec(text string) (command, reasons []string) {
	var words []string
	if json.Unmarshal([]byte(text), &words) != nil {
		return shell(text)
	}
	for _, w := range words {
		command = append(command, quoted(w))
	}
	return command, nil
}

var (
	needsShell = regexp.MustCompile("[|&;<>()`*?\\[\\]~#!\"'\\\\]|\\$\\(|^\\w+=")
	portWord   = regexp.MustCompile(`\$(?:PORT\b|\{PORT(?::-?[0-9]*)?\})`)
	anyVar     = regexp.MustCompile(`\$`)
)

// shell splits a line that was written for a shell. Where only $PORT is in it, no shell is needed.
func shell(line string) (command, reasons []string) {
	rest := portWord.ReplaceAllString(line, "")
	if needsShell.MatchString(rest) || anyVar.MatchString(rest) {
		return []string{quoted("/bin/sh"), quoted("-c"), quoted(line)},
			[]string{"The line needs a shell: the nodes must have /bin/sh where tasks can see it."}
	}
	for word := range strings.FieldsSeq(line) {
		parts := portWord.Split(word, -1)
		for i, part := range parts {
			parts[i] = escaped(part)
		}
		command = append(command, `"`+strings.Join(parts, "${port.http}")+`"`)
	}
	return command, nil
}

// short makes a name of a process from any text.
func short(text string) string {
	name := appName(strings.ReplaceAll(text, "_", "-"))
	return strings.Trim(name[:min(len(name), paas.MaxProcess)], "-")
}
