package conformance_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"time"

	consulapi "github.com/hashicorp/consul/api"
)

// app is a server that names itself, an instance of a service with route tags, passing.
type app struct {
	*httptest.Server
	id string
}

// app starts an instance of a service and registers it; its tags may name the row's host as HOST.
func (p *probe) app(service, id string, tags ...string) app {
	a := app{id: p.id + "-" + id}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %s %s", id, r.Host, r.URL.RequestURI()) // a client that left needs no answer
	}))
	p.later(a.Close)
	where := a.Listener.Addr().(*net.TCPAddr)
	for i := range tags {
		tags[i] = strings.ReplaceAll(tags[i], "HOST", p.host())
	}
	r := &consulapi.AgentServiceRegistration{
		ID: a.id, Name: p.id + service, Address: where.IP.String(), Port: where.Port, Tags: tags,
		Check: &consulapi.AgentServiceCheck{CheckID: a.id + "-ttl", Name: "kept", TTL: "10m", Status: consulapi.HealthPassing},
	}
	p.join(r)
	return a
}

// host is of this row only.
func (p *probe) host() string { return p.id + ".test" }

// rule puts the row's key below Fabio's path; HOST and SERVICE stand for the row's.
func (p *probe) rule(text string) {
	text = strings.NewReplacer("HOST", p.host(), "SERVICE", p.id).Replace(text)
	_, err := p.consul.KV().Put(&consulapi.KVPair{Key: p.ruleKey(), Value: []byte(text)}, p.writeConsul())
	p.check(err)
	p.later(func() { _, _ = p.consul.KV().Delete(p.ruleKey(), p.writeConsul()) })
}

func (p *probe) ruleKey() string { return "fabio/config/" + p.id }

// fetch sends a GET through the router.
func (p *probe) fetch(host, path string) (status int, body string) {
	req, err := http.NewRequestWithContext(p.ctx, http.MethodGet, p.at["router"]+path, nil)
	p.check(err)
	req.Host = host
	resp, err := p.http.Do(req)
	p.check(err)
	defer resp.Body.Close() //nolint:errcheck // read to its end below
	text, err := io.ReadAll(resp.Body)
	p.check(err)
	return resp.StatusCode, string(text)
}

// routed waits until a host and path answer 200 and gives the answer.
func (p *probe) routed(host, path string) (body string) {
	p.until(host+path+" is routed", func() bool {
		var status int
		status, body = p.fetch(host, path)
		return status == http.StatusOK
	})
	return body
}

// entry is a line of the route table.
type entry struct {
	Service, Host, Path, Src, Dst, Opts string
	Weight                              float64
	Tags                                []string
}

// routes are the lines of the table about the row.
func (p *probe) routes() (mine []entry) {
	var all []entry
	p.check(json.Unmarshal([]byte(p.admin("/api/routes")), &all))
	for _, e := range all {
		if strings.HasPrefix(e.Service, p.id) || strings.Contains(e.Src, p.id) {
			mine = append(mine, e)
		}
	}
	return mine
}

// admin reads Fabio's admin API, recorded as such.
func (p *probe) admin(path string) string {
	req, err := http.NewRequestWithContext(p.ctx, http.MethodGet, p.at["fabio"]+path, nil)
	p.check(err)
	p.calls.add(call("fabio", req))
	resp, err := p.plain.Do(req)
	p.check(err)
	defer resp.Body.Close() //nolint:errcheck // read to its end below
	text, err := io.ReadAll(resp.Body)
	p.check(err)
	if resp.StatusCode != http.StatusOK {
		p.fatal("%s answers %d %s", path, resp.StatusCode, text)
	}
	return string(text)
}

// tabled waits until the row has so many lines in the table.
func (p *probe) tabled(count int) (mine []entry) {
	p.until(fmt.Sprintf("the table has %d lines of the row", count), func() bool {
		mine = p.routes()
		return len(mine) == count
	})
	return mine
}

// shares counts who answers of n requests.
func (p *probe) shares(host string, n int) map[string]int {
	out := map[string]int{}
	for range n {
		status, body := p.fetch(host, "/")
		name, _, _ := strings.Cut(body, " ")
		if status != http.StatusOK {
			name = fmt.Sprint(status)
		}
		out[name]++
	}
	return out
}

const getRouter = "router GET /*path"

var routerRows = []row{
	{
		name:  "Router: an empty table is null",
		alone: true,
		calls: []string{"fabio GET /api/routes"},
		want:  `null`,
		run: func(p *probe) {
			p.until("no row before has routes", func() bool { return strings.TrimSpace(p.admin("/api/routes")) == "null" })
			p.say("null")
		},
	},
	{
		name:  "Router: one bad line keeps the last table of everybody until it goes",
		alone: true,
		calls: []string{getRouter, "fabio GET /api/routes"},
		want: `
			routed: one
			with a bad line: a new instance is not routed true, a stopped one stays true
			without it: two`,
		run: func(p *probe) {
			one := p.app("", "one", "urlprefix-HOST/")
			p.say("routed: %s", firstWord(p.routed(p.host(), "/")))
			p.rule("route wieght SERVICE HOST/ weight 0.5")
			wait() // until the bad line is read
			p.check(p.consul.Agent().ServiceDeregister(one.id))
			p.app("", "two", "urlprefix-HOST/")
			wait() // until the catalog is read
			mine := p.routes()
			at := strings.TrimPrefix(one.URL, "http://")
			p.say("with a bad line: a new instance is not routed %t, a stopped one stays %t", len(mine) == 1, len(mine) == 1 && strings.Contains(mine[0].Dst, at))
			_, err := p.consul.KV().Delete(p.ruleKey(), p.writeConsul())
			p.check(err)
			p.until("the other is routed", func() bool { _, body := p.fetch(p.host(), "/"); return firstWord(body) == "two" })
			p.say("without it: two")
		},
	},
	{
		name:  "Router: a tag of a passing instance is a route",
		calls: []string{getRouter, "fabio GET /api/routes"},
		want: `
			before: 404
			routed: one ID.test /a/b?c=d
			another host: 404
			the table: service ID, HOST ID.test, path /, src ID.test/, its address true, weight 1, tags [other]
			critical: 404
			in the table: 0`,
		run: func(p *probe) {
			status, _ := p.fetch(p.host(), "/")
			p.say("before: %d", status)
			one := p.app("", "one", "urlprefix-HOST/", "other")
			p.say("routed: %s", p.routed(p.host(), "/a/b?c=d"))
			status, _ = p.fetch("other."+p.host(), "/")
			p.say("another host: %d", status)
			e := p.tabled(1)[0]
			p.say("the table: service %s, HOST %s, path %s, src %s, its address %t, weight %g, tags %v", e.Service, e.Host, e.Path, e.Src, e.Dst == one.URL+"/", e.Weight, e.Tags)
			p.set(one.id, consulapi.HealthCritical)
			p.until("the route is gone", func() bool { status, _ := p.fetch(p.host(), "/"); return status != http.StatusOK })
			status, _ = p.fetch(p.host(), "/")
			p.say("critical: %d", status)
			p.say("in the table: %d", len(p.routes()))
		},
	},
	{
		name:  "Router: paths match by prefix, the longest first, hosts in any case, and strip takes the prefix away",
		calls: []string{getRouter},
		want: `
			/: root ID.test /x
			/api: api ID.test /api/y
			/apix, a prefix too: api ID.test /apix
			/cut/z: cut ID.test /z
			an upper-case host: root
			a host with a port: 404`,
		run: func(p *probe) {
			p.app("-root", "root", "urlprefix-HOST/")
			p.app("-api", "api", "urlprefix-HOST/api")
			p.app("-cut", "cut", "urlprefix-HOST/cut strip=/cut")
			p.tabled(3)
			p.say("/: %s", p.routed(p.host(), "/x"))
			p.say("/api: %s", p.routed(p.host(), "/api/y"))
			p.say("/apix, a prefix too: %s", p.routed(p.host(), "/apix"))
			p.say("/cut/z: %s", p.routed(p.host(), "/cut/z"))
			p.say("an upper-case host: %s", firstWord(p.routed(strings.ToUpper(p.host()), "/")))
			status, _ := p.fetch(p.host()+":9999", "/")
			p.say("a host with a port: %d", status)
		},
	},
	{
		name:  "Router: a wildcard host takes what no exact host takes",
		calls: []string{getRouter},
		want: `
			exact: exact
			any other: wild
			two labels: wild
			the bare one: 404`,
		run: func(p *probe) {
			p.app("-wild", "wild", "urlprefix-*.HOST/")
			p.app("-exact", "exact", "urlprefix-a.HOST/")
			p.tabled(2)
			p.say("exact: %s", firstWord(p.routed("a."+p.host(), "/")))
			p.say("any other: %s", firstWord(p.routed("b."+p.host(), "/")))
			p.say("two labels: %s", firstWord(p.routed("c.b."+p.host(), "/")))
			status, _ := p.fetch(p.host(), "/")
			p.say("the bare one: %d", status)
		},
	},
	{
		name:  "Router: instances share the requests, a weight gives a service its part",
		calls: []string{getRouter, "fabio GET /api/routes"},
		want: `
			two instances: both answer true, all answered true
			weight 0.05: about one in twenty true
			in the table: 0.05 0.95
			weight 2: only green
			in the table: 1
			weight 2, green gone: only blue`,
		run: func(p *probe) {
			p.app("-blue", "blue", "urlprefix-HOST/")
			green := p.app("-green", "green", "urlprefix-HOST/")
			p.tabled(2)
			n := p.shares(p.host(), 100)
			p.say("two instances: both answer %t, all answered %t", n["blue"] > 0 && n["green"] > 0, n["blue"]+n["green"] == 100)
			weights := func() string {
				var out []string
				for _, e := range p.routes() {
					if e.Weight > 0 {
						out = append(out, fmt.Sprintf("%g", e.Weight))
					}
				}
				slices.Sort(out)
				return strings.Join(out, " ")
			}
			p.rule("route weight SERVICE-green HOST/ weight 0.05")
			p.until("the weight is in the table", func() bool { return weights() == "0.05 0.95" })
			n = p.shares(p.host(), 400) // 20 expected; 1 to 60 is missed once in many million runs
			p.say("weight 0.05: about one in twenty %t", n["green"] >= 1 && n["green"] <= 60 && n["green"]+n["blue"] == 400)
			p.say("in the table: %s", weights())
			p.rule("route weight SERVICE-green HOST/ weight 2")
			p.until("the weight is in the table", func() bool { return weights() == "1" })
			n = p.shares(p.host(), 100)
			p.say("weight 2: only %s", names(n))
			p.say("in the table: %s", weights())
			p.set(green.id, consulapi.HealthCritical)
			p.until("green is gone", func() bool { return len(p.routes()) == 1 })
			n = p.shares(p.host(), 50)
			p.say("weight 2, green gone: only %s", names(n))
		},
	},
	{
		name:  "Router: a del rule keeps a service dark, and the fence shows that the rule is read",
		calls: []string{getRouter, "fabio GET /api/routes"},
		want: `
			the fence: crumpet-fence crumpet.invalid /ID/7 http://127.0.0.1:9/ 1
			dark: only blue
			another fence: /ID/8
			without the rule: blue green`,
		run: func(p *probe) {
			fence := func(version string) string {
				var path string
				p.until("the fence "+version+" is in the table", func() bool {
					mine := p.routes()
					i := slices.IndexFunc(mine, func(e entry) bool { return e.Service == "crumpet-fence" && strings.HasSuffix(e.Path, "/"+version) })
					if i < 0 {
						return false
					}
					path = fmt.Sprintf("%s %s %s", mine[i].Service, mine[i].Host, mine[i].Path)
					if version == "7" { // an address of its own, not one of this run
						path += fmt.Sprintf(" http://127.0.0.1:%s %g", strings.TrimPrefix(mine[i].Dst, "http://127.0.0.1:"), mine[i].Weight)
					}
					return true
				})
				return path
			}
			p.rule("route add crumpet-fence crumpet.invalid/SERVICE/7 http://127.0.0.1:9/\nroute del SERVICE-green\n")
			p.lines = append(p.lines, "the fence: "+strings.ReplaceAll(fence("7"), p.id, "ID"))
			p.app("-blue", "blue", "urlprefix-HOST/")
			p.app("-green", "green", "urlprefix-HOST/")
			p.app("-last", "last", "urlprefix-last.HOST/")
			p.tabled(3) // with the last, green has been read as well
			p.say("dark: only %s", names(p.shares(p.host(), 40)))
			p.rule("route add crumpet-fence crumpet.invalid/SERVICE/8 http://127.0.0.1:9/\nroute del SERVICE-green\n")
			p.say("another fence: %s", strings.TrimPrefix(fence("8"), "crumpet-fence crumpet.invalid "))
			_, err := p.consul.KV().Delete(p.ruleKey(), p.writeConsul())
			p.check(err)
			p.until("the fence is gone", func() bool {
				return !slices.ContainsFunc(p.routes(), func(e entry) bool { return e.Service == "crumpet-fence" })
			})
			p.say("without the rule: %s", names(p.shares(p.host(), 60)))
		},
	},
	{
		name:  "Router: an instance that is dead but still passing is a 502",
		calls: []string{getRouter},
		want:  `502`,
		run: func(p *probe) {
			a := p.app("", "one", "urlprefix-HOST/")
			p.routed(p.host(), "/")
			a.CloseClientConnections()
			a.Close()
			p.until("nobody listens", func() bool { status, _ := p.fetch(p.host(), "/"); return status != http.StatusOK })
			status, _ := p.fetch(p.host(), "/")
			p.say("%d", status)
		},
	},
	{
		name:  "Router: it counts what it answers, by service and code, for a listener that its configuration names",
		calls: []string{getRouter, "fabio GET /api/config", "fabio GET /api/routes"},
		want: `
			before: 0 answers
			with code 200: 3, with code 502: 2, all: 5
			the seconds that they took: true
			when the process started: true`,
		run: func(p *probe) {
			a := p.app("", "one", "urlprefix-HOST/")
			p.tabled(1)
			counted := func() map[string]float64 { return p.counted(p.metricsAt()) }
			p.say("before: %g answers", counted()["fabio_requests_count service="+p.id])
			for range 3 {
				p.fetch(p.host(), "/")
			}
			a.CloseClientConnections()
			a.Close()
			for range 2 {
				p.fetch(p.host(), "/")
			}
			// An answer is counted once it was sent.
			p.until("all are counted", func() bool { return counted()["fabio_requests_count service="+p.id] == 5 })
			now := counted()
			by := func(code string) string { return "fabio_http_status_count code=" + code + " service=" + p.id }
			p.say("with code 200: %g, with code 502: %g, all: %g", now[by("200")], now[by("502")], now["fabio_requests_count service="+p.id])
			took := now["fabio_http_status_sum code=200 service="+p.id]
			p.say("the seconds that they took: %t", took > 0 && took < 60)
			started := time.Unix(int64(now["process_start_time_seconds"]), 0)
			p.say("when the process started: %t", started.Before(time.Now().Add(time.Second)) && time.Since(started) < time.Hour)
		},
	},
	{
		name:  "Router: it stands in Consul, healthy, under its own name",
		calls: []string{"consul GET /v1/health/service/:name?passing", "fabio GET /health"},
		want:  `1 passing, at its admin address true`,
		run: func(p *probe) {
			var list []*consulapi.ServiceEntry
			p.until("it passes", func() bool { list = p.passing("fabio"); return len(list) == 1 })
			at := fmt.Sprintf("http://%s:%d", list[0].Service.Address, list[0].Service.Port)
			p.admin("/health")
			p.say("1 passing, at its admin address %t", at == p.at["fabio"])
		},
	},
}

// wait gives the router the time to read what changed, where nothing can show that it did: Consul tells it
// at once, so this is long.
func wait() { time.Sleep(1500 * time.Millisecond) }

func firstWord(s string) string {
	word, _, _ := strings.Cut(s, " ")
	return word
}

func names(counts map[string]int) string {
	var out []string
	for name := range counts {
		out = append(out, name)
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}
