package spec

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func validateProbes(at place, p paas.Process, r report) {
	for _, one := range []struct {
		name  string
		probe *paas.Probe
	}{{"startup", p.Health.Startup}, {"readiness", p.Health.Readiness}, {"liveness", p.Health.Liveness}} {
		if one.probe != nil {
			validateProbe(at, one.name, p, *one.probe, r)
		}
	}
}

func validateProbe(health place, name string, p paas.Process, probe paas.Probe, r report) {
	at := health.attr(name)
	what := name + " probe"
	switch probe.Type {
	case paas.ProbeHTTP:
		if problem := checkPath(what, probe.Path); problem != "" {
			r.say(at.attr("http"), "Bad path", "%s", problem)
		}
	case paas.ProbeGRPC:
		if strings.ContainsFunc(probe.Service, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) || c == '/' }) || strings.Contains(probe.Service, "${") {
			r.say(at.attr("grpc"), "Bad name", "The %s asks about the service %q, which no gRPC service is called. Write its full name, such as \"shop.v1.Orders\", or \"\" for the whole server.", what, probe.Service)
		}
	case paas.ProbeExec:
		validateProbeCommand(at.attr("exec"), what, probe.Command, r)
	case paas.ProbeTCP:
	default:
		r.say(at, "Unknown value", "%s", unknownWord("type of a probe", string(probe.Type), probeTypes))
		return
	}
	if probe.Type != paas.ProbeExec {
		needPort(at, "The "+what, p, probe.Port, func(port paas.Port) bool { return speaks(probe.Type, port) }, wants[probe.Type], r)
	} else if probe.Port != "" {
		r.say(at.attr("port"), "Key does not fit", "An exec probe runs a program inside the instance and needs no port. Leave port out.")
	}
	span(r, at.attr("interval"), "interval", probe.Interval, minCheck, maxCheck)
	span(r, at.attr("timeout"), "timeout", probe.Timeout, minCheck, maxCheck)
	switch {
	case probe.Failures == 0: // which is 1
	case name == "startup":
		r.say(at.attr("failures"), "Key does not fit", "The startup probe must pass once, however often it fails before: it has no number of failures. Leave it out; startup = \"1m\" in the process gives it more time.")
	case name == "readiness" && probe.Type == paas.ProbeExec && probe.Failures > 1:
		r.say(at.attr("failures"), "Key does not fit", "Nomad counts no failures of a program that it runs to see whether an instance is ready. Leave failures out, or let the program try again itself.")
	default:
		count(r, at.attr("failures"), "number of failures", "", probe.Failures, 1, maxFailures)
	}
}

// wants says which ports a probe can ask.
var wants = map[paas.ProbeType]string{
	paas.ProbeHTTP: "asks with HTTP/1.1, so its port must have the protocol http. Write tcp = true or grpc = \"\" for another one",
	paas.ProbeGRPC: "asks with gRPC, so its port must have the protocol grpc or h2c",
	paas.ProbeTCP:  "asks for a connection, which a port with the protocol udp does not have. Write exec = [\"./check\"] instead",
}

func validateProbeCommand(at place, what string, command []string, r report) {
	switch {
	case len(command) == 0 || command[0] == "":
		r.say(at, "Bad program", "The %s names no program. Write exec = [\"./check\"].", what)
		return
	case !path.IsAbs(command[0]) && !inside(command[0]):
		r.say(at, "Bad program", "The program %q of the %s lies outside of the artifact. Write a path below the app's folder, such as \"./check\", or an absolute one.", command[0], what)
	}
	if i := slices.IndexFunc(command, func(s string) bool { return strings.Contains(s, "${") }); i >= 0 {
		r.say(at, "Bad text", "The command of the %s holds %q, and Nomad would evaluate what follows ${. Put the text into env or a file, and let the program read it there.", what, command[i])
	}
	if slices.ContainsFunc(command, func(s string) bool { return strings.ContainsRune(s, 0) }) {
		r.say(at, "Bad text", "The value at %s has a NUL character, which no program can be given. Leave it out.", at.location())
	}
}

func decodes(path string) bool {
	before, query, _ := strings.Cut(path, "?")
	_, err := url.PathUnescape(before)
	if err == nil {
		_, err = url.QueryUnescape(query)
	}
	return err == nil
}

func checkPath(what, path string) string {
	switch {
	case !strings.HasPrefix(path, "/"):
		return fmt.Sprintf("The path of the %s, %q, must begin with a slash. Write %q.", what, path, "/"+path)
	case strings.ContainsFunc(path, func(c rune) bool { return c == '#' || unicode.IsSpace(c) || unicode.IsControl(c) }) || strings.Contains(path, "${"):
		return fmt.Sprintf("The path of the %s, %q, holds a character that no request can have. Leave it out or write it with %%.", what, path)
	case !decodes(path):
		return fmt.Sprintf("The path of the %s, %q, has a %% that no two hexadecimal digits follow. For a %% itself write %%25.", what, path)
	case strings.HasPrefix(path, "//"):
		return fmt.Sprintf("The path of the %s, %q, begins with two slashes and would be read as a host. Write one.", what, path)
	}
	return ""
}
