package detect

import (
	"encoding/json"
	"regexp"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// node takes a folder with a package.json.
func node(s source, d *draft) bool {
	text, ok := s.read("package.json")
	if !ok {
		return false
	}
	var manifest struct {
		Name    string            `json:"name"`
		Main    string            `json:"main"`
		Scripts map[string]string `json:"scripts"`
	}
	d.kind, d.builder = "a Node program", string(paas.BuilderNone)
	d.because("package.json: a Node program. Nothing is built: the folder is taken as it is, with node_modules, so")
	d.because("run npm ci first, and write !node_modules into .crumpetignore. The nodes need node on their PATH.")
	if err := json.Unmarshal([]byte(text), &manifest); err != nil {
		d.because("package.json can't be read as JSON: %s.", err)
	}
	if manifest.Name != "" {
		d.app = appName(manifest.Name[strings.LastIndex(manifest.Name, "/")+1:])
	}
	p := process{name: paas.ProcessWeb}
	file := manifest.Main
	if file == "" {
		file = "index.js"
		if found := s.first("server.js", "app.js", "index.js", "src/index.js"); found != "" {
			file = found
		}
	}
	switch start := manifest.Scripts["start"]; {
	case start != "":
		p.command, p.reasons = shell(start)
		p.reasons = append([]string{"The script \"start\" of package.json."}, p.reasons...)
	default:
		p.command = []string{quoted("node"), quoted(file)}
		p.because("package.json has no script \"start\": its main file is run.")
	}
	source, _ := s.read(file) // "" says nothing about PORT
	d.processes = []process{listening(p, source, true)}
	return true
}

var (
	flaskApp = regexp.MustCompile(`(?m)^(\w+)\s*=\s*(?:Flask|FastAPI|Starlette)\(`)
	asgi     = regexp.MustCompile(`\b(FastAPI|Starlette)\(`)
)

// python takes a folder with requirements.txt, pyproject.toml or Pipfile.
func python(s source, d *draft) bool {
	file := s.first("requirements.txt", "pyproject.toml", "Pipfile")
	if file == "" {
		return false
	}
	needs, _ := s.read(file) // it is there
	d.kind, d.builder = "a Python program", string(paas.BuilderNone)
	d.because("%s: a Python program. Nothing is built: the folder is taken as it is.", file)
	d.because("The nodes need python3 on their PATH, with the packages that %s names.", file)
	p := process{name: paas.ProcessWeb, port: true}
	name := s.first("app.py", "main.py", "wsgi.py", "asgi.py")
	text, _ := s.read(name) // "" where there is none
	module, object := strings.TrimSuffix(name, ".py"), "app"
	if m := flaskApp.FindStringSubmatch(text); m != nil {
		object = m[1]
	}
	bind := `"${host.http}:${port.http}"`
	switch {
	case s.has("manage.py"):
		p.command = []string{quoted("python3"), quoted("manage.py"), quoted("runserver"), quoted("--noreload"), bind}
		p.because("manage.py: Django. Its own server is for trying out: better is gunicorn PROJECT.wsgi --bind %s.", bind)
	case name != "" && asgi.MatchString(text):
		p.command = []string{quoted("python3"), quoted("-m"), quoted("uvicorn"), quoted(module + ":" + object), quoted("--host"), `"${host.http}"`, quoted("--port"), `"${port.http}"`}
		p.because("%s makes an ASGI app, which uvicorn serves.", name)
	case name != "" && strings.Contains(strings.ToLower(needs), "gunicorn"):
		p.command = []string{quoted("python3"), quoted("-m"), quoted("gunicorn"), quoted(module + ":" + object), quoted("--bind"), bind}
		p.because("%s names gunicorn, which serves %s.", file, name)
	default:
		if name == "" {
			name = "main.py"
		}
		p.command = []string{quoted("python3"), quoted(name)}
		p = listening(p, text, true)
	}
	if m := healthPath.FindStringSubmatch(strings.ReplaceAll(text, "'", `"`)); m != nil {
		p.health = m[1]
	}
	d.processes = []process{p}
	return true
}

// static takes a folder with an index.html.
func static(s source, d *draft) bool {
	for _, dir := range []string{"public", "dist", "build", "_site", "site", "."} {
		name := "index.html"
		if dir != "." {
			name = dir + "/index.html"
		}
		if !s.has(name) {
			continue
		}
		d.kind, d.builder = "a static site", string(paas.BuilderStatic)
		d.because("%s: a static site, served by Crumpet itself.", name)
		if dir != "." {
			d.dir = dir
		}
		return true
	}
	return false
}
