package spec

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template/parse"
	"unicode"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// owner is what a program is said to be of, with the ports that it may refer to.
type owner struct {
	what  string // process "web"
	ports []paas.Port
}

func processOwner(p paas.Process) owner {
	return owner{what: fmt.Sprintf("process %q", p.Name), ports: p.Ports}
}

func validateProgram(at place, p paas.Program, o owner, disk int, r report) {
	validateCommand(at.attr("command"), p.Command, o, r)
	validateResources(at, p, r)
	validateLogs(at.attr("logs"), p.Logs, disk, r)
	if p.User != "" && !users.MatchString(p.User) {
		r.say(at.attr("user"), "Bad user", "The user %q is neither a name nor a number. Write the name of a user of the nodes, such as \"nobody\".", p.User)
	}
	if p.WorkingDir != "" && !inside(p.WorkingDir) {
		r.say(at.attr("working_dir"), "Bad path", "The working_dir %q must be a relative path that stays inside the app's folder, such as \"data\".", p.WorkingDir)
	}
	if p.KillSignal != "" {
		validateSignal(at.attr("kill_signal"), p.KillSignal, r)
	}
	if p.KillTimeout < 0 || p.KillTimeout > paas.MaxKillTimeout {
		r.say(at.attr("kill_timeout"), "Out of range", "The kill_timeout is %s; it must be from 0s to %s, as Nomad's nodes cut it there without a word.", paas.Span(p.KillTimeout), paas.MaxKillTimeout)
	}
	validateFiles(at, p.Files, o, r)
	validateFragment(at, taskLevel, p.NomadTask, r)
	validateTemplates(at, p, r)
	for _, name := range slices.Sorted(maps.Keys(p.Env)) {
		validateVariable(at.attr("env").attr(name), name, p.Env[name], r)
		validateRefs(at.attr("env").attr(name), o, p.Env[name], r)
	}
}

var users = regexp.MustCompile(`^([A-Za-z_][A-Za-z0-9_.-]{0,63}\$?|[0-9]{1,10})(:([A-Za-z_][A-Za-z0-9_.-]{0,63}|[0-9]{1,10}))?$`)

func needCommand(at place, kind, name string, p paas.Program, r report) {
	if len(p.Command) == 0 {
		r.missing(at.attr("command"), "Command missing", "The %s %q has no command. Write command = [\"./NAME\"] with the name of its program.", kind, name)
	}
}

func validateCommand(at place, command []paas.Value, o owner, r report) {
	if len(command) == 0 {
		return
	}
	if n := len(command); n > most["words"] {
		r.say(at, "Too many", "%s", tooMany("words", "command", n))
		return
	}
	program, literal := command[0].Text()
	switch first := at.item(0); {
	case !literal:
		r.say(first, "Bad program", "The first item of the command is the program and can't be a reference.")
	case program == "":
		r.say(first, "Bad program", "The first item of the command is the program and is empty. Write its path, such as \"./hello\".")
	case !path.IsAbs(program) && !inside(program) && !strings.ContainsRune(program, 0): // else validateText says it
		r.say(first, "Bad program", "The program %q lies outside of the artifact. Write a path below the app's folder, such as \"./hello\", or an absolute one.", program)
	}
	for i, arg := range command {
		validateText(at.item(i), arg, r)
		validateRefs(at.item(i), o, arg, r)
	}
}

func validateText(at place, v paas.Value, r report) {
	for _, part := range v {
		if strings.ContainsRune(part.Text, 0) {
			r.say(at, "Bad text", "The value at %s has a NUL character, which no program can be given. Leave it out.", at.location())
			return
		}
	}
}

func validateResources(at place, p paas.Program, r report) {
	switch {
	case p.Cores != 0 && p.CPU != 0:
		r.say(at.attr("cores"), "Impossible combination", "A program has either a share of the processors, cpu, or whole cores of its own, cores. Leave one of them out.")
	case p.Cores != 0:
		count(r, at.attr("cores"), "number of cores", "", p.Cores, 1, maxCores)
	default:
		count(r, at.attr("cpu"), "cpu", " MHz", p.CPU, 1, maxCPU)
	}
	count(r, at.attr("memory"), "memory", " MiB", p.Memory, minMemory, maxMemory)
	switch {
	case p.MemoryMax == 0:
	case p.MemoryMax > maxMemory || p.MemoryMax < 0:
		count(r, at.attr("memory_max"), "memory_max", " MiB", p.MemoryMax, minMemory, maxMemory)
	case p.MemoryMax < p.Memory:
		r.say(at.attr("memory_max"), "Impossible combination", "The memory_max is %d MiB, less than memory, which is %d MiB. It is what the program may use where the node has some left: make it larger, or leave it out.", p.MemoryMax, p.Memory)
	}
}

func validateLogs(at place, l paas.Logs, disk int, r report) {
	const most = 1 << 20
	count(r, at.attr("max_files"), "number of log files", "", l.MaxFiles, 1, 1000)
	count(r, at.attr("max_size"), "size of a log file", " MiB", l.MaxSize, 1, most)
	sound := l.MaxFiles >= 1 && l.MaxFiles <= 1000 && l.MaxSize >= 1 && l.MaxSize <= most
	if used := l.MaxFiles * l.MaxSize; sound && used >= disk {
		r.say(at, "Impossible combination", "The logs may take %d files of %d MiB, which is %d MiB, and the disk of an instance has %d MiB. Keep fewer or smaller files, or give the process a larger disk.", l.MaxFiles, l.MaxSize, used, disk)
	}
}

func validateSignal(at place, name string, r report) {
	if !slices.Contains(signals, name) {
		r.say(at, "Unknown signal", "There is no signal %q that Nomad can send.%s Write one such as \"SIGTERM\", \"SIGINT\", \"SIGQUIT\", \"SIGHUP\" or \"SIGUSR1\".", name, suggest(name, signals))
	}
}

// signals are those that a Nomad node knows on Linux.
var signals = []string{
	"SIGABRT", "SIGALRM", "SIGBUS", "SIGCONT", "SIGFPE", "SIGHUP", "SIGILL", "SIGINT", "SIGIO", "SIGIOT", "SIGKILL", "SIGPIPE", "SIGPROF", "SIGQUIT",
	"SIGSEGV", "SIGSTOP", "SIGSYS", "SIGTERM", "SIGTRAP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGUSR1", "SIGUSR2", "SIGWINCH", "SIGXCPU", "SIGXFSZ",
}

var modes = regexp.MustCompile(`^[0-7]{3,4}$`)

// validateTemplates keeps a fragment from taking a program's files away: Nomad has them in the list of
// templates, and of a fragment a list replaces what was there.
func validateTemplates(at place, p paas.Program, r report) {
	object, err := parseFragment(p.NomadTask)
	if _, replaced := object["Templates"]; err == nil && replaced && len(p.Files) > 0 {
		r.say(at.attr("nomad").attr("task").attr("Templates").label(), "Impossible combination", "The Templates of the nomad fragment would take the place of the file %q and all others, which are templates of Nomad too. Write them as files.", p.Files[0].Path)
	}
}

func validateFiles(at place, files []paas.ConfigFile, o owner, r report) {
	for i, f := range files {
		here := at.block("file", i, f.Path)
		validatePath(here.label(), "the app's folder", f.Path, files[:i], r)
		validateContent(here, f, o, r)
		if !modes.MatchString(f.Mode) {
			r.say(here.attr("mode"), "Bad mode", "The mode %q of the file is not octal. Write three or four digits from 0 to 7, such as \"0644\".", f.Mode)
		}
		switch {
		case f.Change == "" && f.Signal != "", f.Change == paas.ChangeNoop && f.Signal != "":
			r.say(here.attr("signal"), "Impossible combination", "The file %q names the signal %s, which is sent only with change = \"signal\". Write that as well, or leave signal out.", f.Path, f.Signal)
		case f.Change == paas.ChangeSignal && f.Signal == "":
			r.missing(here.attr("change"), "Signal missing", "The file %q tells its program of a change by a signal, but not by which. Write signal = \"SIGHUP\".", f.Path)
		case !slices.Contains(changes, f.Change):
			r.say(here.attr("change"), "Unknown value", "%s", unknownWord("change of a file", string(f.Change), changes))
		}
		if f.Signal != "" {
			validateSignal(here.attr("signal"), f.Signal, r)
		}
	}
}

func validatePath(at place, folder, p string, before []paas.ConfigFile, r report) {
	odd := func(c rune) bool { return unicode.IsControl(c) || c == '\\' }
	switch {
	case p == "" || path.IsAbs(p) || !inside(p) && !strings.ContainsFunc(p, odd):
		r.say(at, "Bad path", "The path of the file, %q, must be relative and stay inside %s, such as \"conf/app.conf\".", p, folder)
		return
	case strings.ContainsFunc(p, odd) || strings.Contains(p, "${"):
		r.say(at, "Bad path", "The path of the file, %q, holds a character that Nomad reads in a way of its own. Use letters, digits, dots and dashes.", p)
		return
	case path.Clean(p) != p || p == ".":
		r.say(at, "Bad path", "The path of the file, %q, is the same as %q. Write that.", p, path.Clean(p))
		return
	}
	for _, other := range before {
		switch {
		case other.Path == p:
			r.say(at, "Name repeated", "There is a second file %q. Keep one.", p)
			return
		case strings.HasPrefix(p, other.Path+"/"):
			r.say(at, "Impossible combination", "The file %q would lie in %q, which is a file as well. Choose another path.", p, other.Path)
			return
		case strings.HasPrefix(other.Path, p+"/"):
			r.say(at, "Impossible combination", "The file %q would be the folder that %q lies in. Choose another path.", p, other.Path)
			return
		}
	}
}

func validateContent(at place, f paas.ConfigFile, o owner, r report) {
	switch {
	case f.Content != nil && f.Template != "":
		r.say(at.attr("template"), "Impossible combination", "The file %q has both content, its literal text, and template, which Nomad renders. Keep one.", f.Path)
	case f.Content == nil && f.Template == "":
		r.missing(at.attr("content"), "Content missing", "The file %q has no text. Write content = \"...\" for literal text, or template = \"...\" for one that Nomad renders.", f.Path)
	}
	validateText(at.attr("content"), f.Content, r)
	validateRefs(at.attr("content"), o, f.Content, r)
	validateText(at.attr("template"), paas.Literal(f.Template), r)
	tree := parse.New(f.Path)
	tree.Mode = parse.SkipFuncCheck // Nomad has functions of its own
	if _, err := tree.Parse(f.Template, "", "", map[string]*parse.Tree{}); err != nil {
		r.say(at.attr("template"), "Bad template", "The template of the file %q can't be read: %s.", f.Path, templateFault(err))
	}
}

// templateFault is what is wrong with a template, in its line.
func templateFault(err error) string {
	_, rest, _ := strings.Cut(err.Error(), "template: ")
	if i := strings.LastIndex(rest, ": "); i > 0 && strings.Count(rest, ":") >= 2 {
		parts := strings.SplitN(rest[strings.LastIndex(rest[:i], ":")+1:], ": ", 2)
		return fmt.Sprintf("%s, in its line %s", parts[1], parts[0])
	}
	return err.Error()
}
