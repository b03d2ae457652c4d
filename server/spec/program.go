package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// program gives a program with every default.
func program() paas.Program {
	return paas.Program{
		CPU: paas.DefaultCPU, Memory: paas.DefaultMemory, KillTimeout: paas.DefaultKillTimeout, KillSignal: paas.DefaultKillSignal,
		Logs: paas.Logs{MaxFiles: paas.DefaultLogFiles, MaxSize: paas.DefaultLogSize},
	}
}

// program reads what everything that runs may say. ports are those of its process.
func (d *decoder) program(at place, c contents, ports []paas.Port) paas.Program {
	p := program()
	d.number(at.attr("cpu"), c.attrs["cpu"], &p.CPU)
	if d.number(at.attr("cores"), c.attrs["cores"], &p.Cores) && p.Cores != 0 && c.attrs["cpu"] == nil {
		p.CPU = 0
	}
	d.memory(at.attr("memory"), c.attrs["memory"], &p.Memory)
	d.memory(at.attr("memory_max"), c.attrs["memory_max"], &p.MemoryMax)
	d.text(at.attr("user"), c.attrs["user"], &p.User)
	if d.text(at.attr("working_dir"), c.attrs["working_dir"], &p.WorkingDir) && p.WorkingDir == "." {
		p.WorkingDir = "" // the same folder, and so the same digest
	}
	d.text(at.attr("kill_signal"), c.attrs["kill_signal"], &p.KillSignal)
	d.duration(at.attr("kill_timeout"), c.attrs["kill_timeout"], &p.KillTimeout)
	if b := c.one("logs"); b != nil {
		d.logs(at.attr("logs"), b, &p.Logs)
	}
	for i, b := range c.blocks["file"] {
		p.Files = append(p.Files, d.configFile(at.block("file", i, label(b)), b, ports))
	}
	p.Command = d.command(at, c.attrs["command"], c.attrs["args"], ports)
	p.Env = d.env(at.attr("env"), c.attrs["env"], ports)
	return p
}

func (d *decoder) logs(at place, b *hclsyntax.Block, l *paas.Logs) {
	d.ranges[at.key()] = b.DefRange()
	c := d.read(at, b.Body, logsBlock)
	d.number(at.attr("max_files"), c.attrs["max_files"], &l.MaxFiles)
	d.memory(at.attr("max_size"), c.attrs["max_size"], &l.MaxSize)
}

func (d *decoder) configFile(at place, b *hclsyntax.Block, ports []paas.Port) paas.ConfigFile {
	f := paas.ConfigFile{Path: d.named(at, b), Mode: defaultMode, Change: paas.ChangeNoop}
	c := d.read(at, b.Body, fileBlock.named(f.Path))
	if a := c.attrs["content"]; a != nil {
		f.Content = d.value(at.attr("content"), a.Expr, ports)
	}
	d.text(at.attr("template"), c.attrs["template"], &f.Template)
	d.text(at.attr("mode"), c.attrs["mode"], &f.Mode)
	if d.text(at.attr("signal"), c.attrs["signal"], &f.Signal) && c.attrs["change"] == nil {
		f.Change = "" // said by neither: Validate asks for it
	}
	for _, text := range []string{"content", "template"} { // one of them is there, though it can't be read
		if d.broken[at.attr(text).key()] {
			d.broken[at.attr("content").key()] = true
		}
	}
	word(d, at.attr("change"), c.attrs["change"], &f.Change, "change of a file", changes)
	change, signal := at.attr("change").key(), at.attr("signal").key()
	d.broken[change], d.broken[signal] = d.broken[change] || d.broken[signal], d.broken[change] || d.broken[signal]
	return f
}

// command reads the program and its arguments: a list, or the program alone. args are added at its
// end.
func (d *decoder) command(at place, command, args *hclsyntax.Attribute, ports []paas.Port) []paas.Value {
	here, there := at.attr("command"), at.attr("args")
	values, ok := d.line(here, command, ports)
	if len(values) == 0 {
		values = nil // as if it were not there, also for the digest
	}
	if !ok || args == nil {
		return values
	}
	if command == nil && !d.partial && !d.broken[here.key()] {
		d.fault(there, args.NameRange, "Command missing", "The args are arguments of a command, and there is none. Write command = [\"./NAME\"] as well.")
		d.broken[here.key()] = true
		return nil
	}
	more, _ := d.line(there, args, ports)
	for i := range more { // what Validate says of them is said of the command's items
		to := here.item(len(values) + i).key()
		d.ranges[to], d.broken[to] = d.ranges[there.item(i).key()], d.broken[there.item(i).key()]
	}
	return append(values, more...)
}

// line reads a list of texts, or one text, as the words of a command line.
func (d *decoder) line(at place, a *hclsyntax.Attribute, ports []paas.Port) ([]paas.Value, bool) {
	if a == nil {
		return nil, true
	}
	tuple, written := a.Expr.(*hclsyntax.TupleConsExpr)
	if written && len(tuple.Exprs) > most["words"] {
		d.fault(at, a.Expr.Range(), "Too many", "%s", tooMany("words", a.Name, len(tuple.Exprs)))
		return nil, false
	}
	if !written {
		v, ok := d.eval(at, a.Expr, refsTo(ports))
		switch {
		case !ok:
			return nil, false
		case !v.IsNull() && v.Type() == cty.String:
			return d.single(at, a, v)
		case !sequence(v):
			d.fault(at, a.Expr.Range(), "List expected", "The value of %s is a list of texts, not %s. Write %s = [\"./hello\", \"-flag\"].", a.Name, kindOf(v), a.Name)
			return nil, false
		}
	}
	return d.values(at, a.Expr, ports, a.Name+` = ["./hello", "-flag"]`)
}

// single reads one text as a command line of one word.
func (d *decoder) single(at place, a *hclsyntax.Attribute, v cty.Value) ([]paas.Value, bool) {
	word, ok := d.parts(at, a.Expr.Range(), v)
	if text, literal := word.Text(); ok && literal && strings.ContainsAny(text, " \t\n") {
		d.fault(at, a.Expr.Range(), "List expected", "The value of %s is one text with spaces in it, and there is no shell that takes it apart. Write %s = [%s].", a.Name, a.Name, quoted(strings.Fields(text)))
		return nil, false
	}
	d.ranges[at.item(0).key()] = a.Expr.Range()
	return []paas.Value{word}, ok
}

// quoted shows texts as the items of a list.
func quoted(texts []string) string {
	items := make([]string, len(texts))
	for i, text := range texts {
		items[i] = fmt.Sprintf("%q", text)
	}
	return strings.Join(items, ", ")
}

func sequence(v cty.Value) bool {
	t := v.Type()
	return !v.IsNull() && (t.IsTupleType() || t.IsListType() || t.IsSetType())
}

// defaultMode is that of a file which says none.
const defaultMode = "0644"

var (
	fileBlock = *processSchema.blocks["file"].body
	logsBlock = *processSchema.blocks["logs"].body
	changes   = []paas.ChangeMode{paas.ChangeNoop, paas.ChangeSignal}
)

// sidecar reads a program beside that of a process, whose ports it may refer to.
func (d *decoder) sidecar(at place, b *hclsyntax.Block, ports []paas.Port) paas.Sidecar {
	s := paas.Sidecar{Name: d.named(at, b)}
	c := d.read(at, b.Body, sidecarSchema.named(s.Name))
	s.Program = d.program(at, c, ports)
	s.NomadTask = d.fragments(at, c.one("nomad"), sidecarSchema)["task"]
	return s
}

// distinct gives the ports that have a name, each once: a port that is wrong has its own diagnostic,
// and no other need follow from it.
func distinct(ports []paas.Port) []paas.Port {
	var names []paas.Port
	for _, p := range ports {
		if p.Name != "" && !slices.ContainsFunc(names, func(n paas.Port) bool { return n.Name == p.Name }) {
			names = append(names, p)
		}
	}
	return names
}
