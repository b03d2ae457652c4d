package detect

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

var (
	moduleLine  = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)"?`)
	mainPackage = regexp.MustCompile(`(?m)^package main\b`)
	serves      = regexp.MustCompile(`\b(ListenAndServe|ListenAndServeTLS|net\.Listen|ListenConfig|http\.Serve|gin\.|echo\.New|fiber\.New|chi\.NewRouter)`)
	readsPort   = regexp.MustCompile(`"PORT"`)
	healthPath  = regexp.MustCompile(`"(?:GET )?(/(?:healthz|health|livez|readyz|ping|status))"`)
	major       = regexp.MustCompile(`^v[0-9]+$`)
)

// program is a main package.
type program struct {
	dir, binary string
	text        string // of all its files
}

// golang takes a folder with a go.mod.
func golang(s source, d *draft) bool {
	mod, ok := s.read("go.mod")
	if !ok {
		return false
	}
	d.kind, d.builder = "a Go module", string(paas.BuilderGo)
	module := "main"
	if m := moduleLine.FindStringSubmatch(mod); m != nil {
		module = m[1]
	}
	binary := base(module)
	d.app = appName(binary)
	programs := mains(s, binary)
	if len(programs) == 0 {
		d.because("go.mod names the module %s, but no package main was found: nothing in it can be run yet.", module)
		programs = []program{{dir: ".", binary: binary}}
	}
	web := chosen(programs)
	d.because("go.mod: the Go module %s.", module)
	if len(programs) > 1 {
		var others []string
		for _, p := range programs {
			others = append(others, "./"+p.binary)
		}
		d.because("It has %d main packages, all of which are built: %s.", len(programs), strings.Join(others, ", "))
	}
	p := process{name: paas.ProcessWeb, command: []string{quoted("./" + web.binary)}}
	where := "./" + path.Clean(web.dir)
	if web.dir == "." {
		where = "the module's root"
	}
	p.because("The main package in %s.", where)
	d.processes = []process{listening(p, web.text, serves.MatchString(web.text) || web.text == "")}
	return true
}

// listening completes a process with its port and health check, as far as its source shows them.
func listening(p process, text string, listens bool) process {
	if !listens {
		p.name = "worker"
		p.because("Nothing in it seems to listen on a port: if it does, add port \"http\" {} and read the number from PORT.")
		return p
	}
	p.port = true
	if readsPort.MatchString(text) || strings.Contains(text, "process.env.PORT") {
		p.because("It reads the number of its port from PORT.")
	} else {
		p.because("It must listen on the port whose number is in PORT: no line that reads PORT was found.")
	}
	if m := healthPath.FindStringSubmatch(text); m != nil {
		p.health = m[1]
	}
	return p
}

func (p *process) because(format string, args ...any) {
	p.reasons = append(p.reasons, fmt.Sprintf(format, args...))
}

// mains finds the main packages, in order of their folders.
func mains(s source, binary string) []program {
	byDir := map[string]*program{}
	var dirs []string
	s.walk(".go", func(name string) {
		if strings.HasSuffix(name, "_test.go") {
			return
		}
		text, ok := s.read(name)
		if !ok || !mainPackage.MatchString(text) || strings.Contains(text, "//go:build ignore") {
			return
		}
		dir := path.Dir(name)
		if byDir[dir] == nil {
			byDir[dir] = &program{dir: dir, binary: base(dir)}
			dirs = append(dirs, dir)
			if dir == "." {
				byDir[dir].binary = binary
			}
		}
		byDir[dir].text += text
	})
	var all []program
	for _, dir := range dirs {
		all = append(all, *byDir[dir])
	}
	return all
}

// chosen gives the program most likely to be the one that serves.
func chosen(programs []program) program {
	for _, want := range []func(program) bool{
		func(p program) bool {
			return slices.Contains([]string{"web", "server", "api"}, p.binary) && serves.MatchString(p.text)
		},
		func(p program) bool { return serves.MatchString(p.text) },
		func(p program) bool { return p.dir == "." },
	} {
		if i := slices.IndexFunc(programs, want); i >= 0 {
			return programs[i]
		}
	}
	return programs[0]
}

// base is the last element of an import path, as go build names a binary: without a major version.
func base(importPath string) string {
	last := path.Base(importPath)
	if major.MatchString(last) && strings.Contains(importPath, "/") {
		last = path.Base(path.Dir(importPath))
	}
	return last
}
