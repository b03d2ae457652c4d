package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// canary is a strategy whose step is held until somebody decides.
const canary = "deploy {\n strategy = \"canary\"\n canary {\n traffic = [10]\n promote = \"manual\"\n }\n}"

// whyDeployments are the causes that lie in a deployment, and what is only worth telling.
func whyDeployments() []whyCase {
	held := func(w *whyStack, app string) {
		w.serving(app)
		w.again(app, `MODE = "ok"`, "MODE = \"ok\"\n NUMBER = \"two\"")
		w.d.until(30*time.Second, "the canary is held", func() bool { return w.deployment(app).Waits == "hold" })
	}
	failing := func(mode string) func(w *whyStack, app string) {
		return func(w *whyStack, app string) {
			w.serving(app)
			w.again(app, `MODE = "ok"`, `MODE = "`+mode+`"`)
		}
	}
	list := []whyCase{
		{cause: "starting", quick: true, push: true, app: whyApp{mode: "deaf", keys: []string{`startup = "60s"`}}, arisen: startedFor(0), words: []string{"is starting"}},
		{
			cause: "deploying", push: true, words: []string{"task migrate runs"}, arisen: event("Started", ""),
			app: whyApp{outer: []string{"task \"migrate\" {\n command = [\"./prog\", \"wait\"]\n phase = \"before\"\n}"}},
		},
		{
			cause: "release-task-failed", quick: true, push: true, words: []string{"task migrate failed", "code 3"}, arisen: event("Terminated", "Exit Code: 3"),
			app: whyApp{outer: []string{"task \"migrate\" {\n command = [\"./prog\", \"exit\"]\n phase = \"before\"\n}"}},
		},
		{cause: "canary-held", quick: true, serves: true, app: whyApp{outer: []string{canary}}, arise: held, words: []string{"release 1 is serving", "release 2 takes", "crumpet promote"}},
		{cause: "paused", quick: true, serves: true, app: whyApp{outer: []string{canary}}, arise: func(w *whyStack, app string) {
			held(w, app)
			w.d.ok(w.home, "pause", app)
		}, words: []string{"release 1 is serving", "paused", "crumpet resume"}},
		{cause: "canceled", serves: true, app: whyApp{outer: []string{canary}}, arise: func(w *whyStack, app string) {
			held(w, app)
			w.d.ok(w.home, "abort", app)
		}, words: []string{"release 1 is serving", "by root"}},
		{cause: "superseded", serves: true, app: whyApp{keys: []string{`shutdown_delay = "10s"`}, outer: []string{canary}}, arise: func(w *whyStack, app string) {
			held(w, app)
			w.again(app, `NUMBER = "two"`, `NUMBER = "three"`, "--supersede")
		}, arisen: func(w *whyStack, app string) bool { return w.deployment(app).Release == 3 }, words: []string{"superseded by release 3"}},
		{cause: "waiting-for-room", quick: true, serves: true, app: whyApp{keys: []string{`memory = "64MiB"`}, outer: []string{`deploy { room = "ask" }`}}, arise: func(w *whyStack, app string) {
			w.serving(app)
			w.again(app, "64MiB", "4096GiB")
		}, arisen: func(w *whyStack, app string) bool { return w.deployment(app).Waits == "room" }, words: []string{"release 1 is serving", "free memory", "crumpet promote"}},
		{cause: "deadline-passed", serves: true, app: whyApp{outer: []string{"deploy {\n deadline = \"20s\"\n surge = 1\n}"}, keys: []string{"instances = 3\nstartup = \"18s\"\nmin_healthy = \"8s\""}}, arise: failing("better"), arisen: func(w *whyStack, app string) bool {
			return strings.Contains(w.deployment(app).Reason, "deadline")
		}, words: []string{"release 1 is serving", "deadline of 20s"}},
		{cause: "turned-back", serves: true, limit: 3 * time.Minute, app: whyApp{keys: []string{`startup = "2s"`}}, arise: func(w *whyStack, app string) {
			w.serving(app)
			w.putKey("fabio/config/zz-"+app, "route del default--"+app+"--web--green\n")
			w.again(app, `MODE = "ok"`, "MODE = \"ok\"\n NUMBER = \"two\"")
		}, arisen: func(w *whyStack, app string) bool { return w.deployment(app).Abort }, mend: func(w *whyStack, app string) { w.dropKey("fabio/config/zz-" + app) }, words: []string{"no route leads to"}},
		{cause: "aborted-by-errors", serves: true, limit: 2 * time.Minute, app: whyApp{outer: []string{strings.Replace(canary, "promote = \"manual\"", "hold = \"60s\"", 1)}}, arise: func(w *whyStack, app string) {
			failing("errors")(w, app)
			w.d.until(30*time.Second, "the canary is held", func() bool { return w.deployment(app).Waits == "hold" })
			load := make(chan struct{})
			w.d.t.Cleanup(func() { <-load })
			go func() { // ends with its count
				defer close(load)
				for range 1500 {
					w.d.page(app+".localhost", "/")
					time.Sleep(15 * time.Millisecond)
				}
			}()
		}, arisen: func(w *whyStack, app string) bool { return w.deployment(app).Abort }, words: []string{"release 1 is serving", "5xx"}},
		{cause: "drift", quick: true, serves: true, app: whyApp{keys: []string{`memory = "32MiB"`}}, arise: func(w *whyStack, app string) {
			w.serving(app)
			count := 3
			if _, _, err := w.nomad.Jobs().Scale(app+".blue", "web", &count, "by hand", false, nil, nil); err != nil {
				w.d.t.Fatal(err)
			}
			w.d.cli(w.home, "repair", app, "--yes")
		}, arisen: func(w *whyStack, app string) bool { return w.told(app, "app.drift") }, words: []string{"somebody else changed"}},
		{cause: "rescheduled", quick: true, serves: true, app: whyApp{keys: []string{`shutdown_delay = "0s"`}}, arise: func(w *whyStack, app string) {
			w.serving(app)
			w.replace(app)
			w.d.until(20*time.Second, "it is healthy again", func() bool {
				s, all := w.d.status(app), w.allocs(app)
				return len(all) == 2 && len(s.Instances) == 1 && s.Instances[0].ID == all[0].ID && s.Instances[0].Health == "healthy"
			})
		}, words: []string{"was placed anew", "instead of"}},
		{cause: "bad-rule", quick: true, serves: true, arise: func(w *whyStack, app string) {
			w.serving(app)
			w.putKey("fabio/config/crumpet/default/"+app, "route wieght nonsense\n")
		}, words: []string{"release 1 is serving", "was moved to crumpet/quarantine/"}},
		{cause: "not-routed", arise: func(w *whyStack, app string) {
			w.serving(app)
			w.putKey("fabio/config/zz-"+app, "route del default--"+app+"--web--blue\n")
		}, limit: 20 * time.Second, arisen: func(w *whyStack, app string) bool {
			s := w.d.status(app)
			return len(s.Routes) > 0 && s.Routes[0].State == "pending"
		}, mend: func(w *whyStack, app string) { w.dropKey("fabio/config/zz-" + app) }, words: []string{"not in the table of every router"}},
	}
	for i := range list {
		list[i].group = "apps"
	}
	return list
}

// whyOutages are the causes that lie in the programs below.
func whyOutages() []whyCase {
	paused := func(child string) whyCase {
		return whyCase{
			serves: true,
			arise:  func(w *whyStack, app string) { w.serving(app); w.freeze(child) },
			mend:   func(w *whyStack, _ string) { w.thaw(child) },
			words:  []string{"release 1 is serving"},
		}
	}
	nomad, consul, router := paused("nomad"), paused("consul"), paused("router")
	nomad.cause, consul.cause, router.cause = "nomad-unreachable", "consul-unreachable", "router-unreachable"
	router.serves, router.words = false, []string{"release 1 is not serving"}
	needs := whyApp{keys: []string{`nomad { task = { Vault = { Role = "nobody" } } }`}}
	list := []whyCase{
		{cause: "vault-sealed", quick: true, app: needs, arise: func(w *whyStack, app string) {
			w.vault("sys/seal", nil)
			w.pushes(app)
		}, arisen: func(w *whyStack, app string) bool {
			return event("Killing", "ealed")(w, app) || event("Received", "")(w, app)
		}, mend: func(w *whyStack, _ string) {
			w.vault("sys/unseal", map[string]string{"key": w.vaultKeys()["unseal_key"]})
		}, words: []string{"sealed", "vault operator unseal"}},
		{cause: "vault-unreachable", app: needs, arise: func(w *whyStack, app string) {
			w.freeze("vault")
			w.pushes(app)
		}, arisen: event("Received", ""), mend: func(w *whyStack, _ string) { w.thaw("vault") }, words: []string{"Vault"}},
		consul, router,
		{cause: "router-frozen", quick: true, serves: true, arise: func(w *whyStack, app string) {
			w.serving(app)
			w.putKey("fabio/config/by-hand", "route wieght nonsense\n")
		}, mend: func(w *whyStack, _ string) { w.dropKey("fabio/config/by-hand") }, words: []string{"fabio/config/by-hand", "freezes every router"}},
		{cause: "rule-not-read", limit: 20 * time.Second, serves: true, app: whyApp{outer: []string{canary}}, arise: func(w *whyStack, app string) {
			w.serving(app)
			w.quoted(true)
			w.again(app, `MODE = "ok"`, "MODE = \"ok\"\n NUMBER = \"two\"")
		}, arisen: func(w *whyStack, app string) bool { return w.deployment(app).State == "paused" }, mend: func(w *whyStack, _ string) { w.quoted(false) }, words: []string{"release 1 is serving", "not every router"}},
		{cause: "artifact-unauthorised", arise: func(w *whyStack, app string) {
			w.serving(app)
			w.vault("crumpet/data/platform/artifacts", map[string]any{"data": map[string]string{"key": "YW5vdGhlciBrZXkgb2YgMzIgYnl0ZXMgaW4gYWxsISE="}})
			if err := syscall.Kill(w.d.info.Pids["server"], syscall.SIGKILL); err != nil {
				w.d.t.Fatal(err)
			}
			w.d.until(20*time.Second, "the server is back", func() bool { _, ok := w.why(app); return ok })
			w.replace(app)
		}, arisen: event("Failed Artifact Download", "401"), words: []string{"may not fetch its artifact"}},
		nomad,
	}
	for i := range list {
		list[i].group = "outages"
	}
	return list
}

// whyNodes are the causes that lie in nodes.
func whyNodes() []whyCase {
	onSecond := func(more string) whyApp {
		return whyApp{keys: []string{more}, outer: []string{"placement {\n constraint {\n attribute = \"node.unique.name\"\n value = \"dev-2\"\n }\n}"}}
	}
	list := []whyCase{
		{cause: "no-port", arise: func(w *whyStack, app string) {
			w.portsTaken(true)
			w.pushes(app)
		}, mend: func(w *whyStack, _ string) { w.portsTaken(false) }, arisen: (*whyStack).released, words: []string{"port"}},
		{cause: "no-node", push: true, app: whyApp{outer: []string{`placement { datacenters = ["moon"] }`}}, words: []string{"no node is ready", "moon"}},
		{cause: "node-ineligible", push: false, app: onSecond(""), arise: func(w *whyStack, app string) {
			w.d.eligible("dev", false)
			w.d.eligible("dev-2", false)
			w.pushes(app)
		}, arisen: (*whyStack).released, mend: func(w *whyStack, _ string) { w.d.eligible("dev", true); w.d.eligible("dev-2", true) }, words: []string{"takes nothing new"}},
		{cause: "node-draining", app: onSecond(`shutdown_delay = "10s"`), either: true, arise: func(w *whyStack, app string) {
			w.serving(app)
			id := w.d.node("dev-2").ID
			if _, err := w.nomad.Nodes().UpdateDrain(id, &nomadapi.DrainSpec{Deadline: time.Hour}, false, nil); err != nil {
				w.d.t.Fatal(err)
			}
		}, mend: func(w *whyStack, _ string) {
			if _, err := w.nomad.Nodes().UpdateDrain(w.d.node("dev-2").ID, nil, true, nil); err != nil {
				w.d.t.Error(err)
			}
		}, words: []string{"dev-2 is being drained"}},
		{
			cause: "volume-elsewhere", app: whyApp{keys: []string{"volume \"data\" {\n size = \"1MiB\"\n mount = \"/data\"\n}"}}, arise: func(w *whyStack, app string) {
				w.serving(app)
				w.d.eligible(w.newest(app).NodeName, false)
				w.replace(app)
			}, mend: func(w *whyStack, _ string) { w.d.eligible("dev", true); w.d.eligible("dev-2", true) },
			words: []string{"waits for node dev", "its volume"},
		},
		{cause: "node-down", app: onSecond(""), limit: time.Minute, arise: func(w *whyStack, app string) {
			w.serving(app)
			w.d.killNode("dev-2")
		}, arisen: func(w *whyStack, _ string) bool { return w.d.node("dev-2").Status != "ready" }, mend: func(w *whyStack, _ string) { w.d.reviveNode("dev-2") }, words: []string{"dev-2", "down"}},
	}
	for i := range list {
		list[i].group = "nodes"
	}
	return list
}

// walkedNow is the newest deployment of an app.
type walkedNow struct {
	ID, Reason, Waits string
	State             string `json:"status"`
	Abort             bool
	Release           int
}

func (w *whyStack) deployment(app string) (newest walkedNow) {
	w.d.t.Helper()
	code, body := w.d.get(w.d.info.Addr+"/v1/apps/"+app+"/deployments", w.d.info.Token)
	var list struct{ Items []walkedNow }
	if err := json.Unmarshal([]byte(body), &list); err != nil || code != http.StatusOK {
		w.d.t.Fatalf("deployments of %s: %d %s", app, code, body)
	}
	for _, d := range list.Items { // one that is being turned back, rather than the one that waits for it
		if d.Abort && d.State == "running" {
			return d
		}
	}
	return list.Items[0]
}

// told says that an app has an event of a kind.
func (w *whyStack) told(app, kind string) bool {
	w.d.t.Helper()
	r := w.d.cli(w.home, "events", app, "--json")
	return strings.Contains(r.out, kind)
}

// freeze stops a child of dev where it stands: it takes connections, and answers nothing.
func (w *whyStack) freeze(child string) { w.signal(child, syscall.SIGSTOP) }
func (w *whyStack) thaw(child string)   { w.signal(child, syscall.SIGCONT) }

func (w *whyStack) signal(child string, s syscall.Signal) {
	w.d.t.Helper()
	if err := w.d.read(); err != nil {
		w.d.t.Fatal(err)
	}
	if err := syscall.Kill(w.d.info.Pids[child], s); err != nil {
		w.d.t.Errorf("signal %s: %v", child, err)
	}
}

// send makes one request of a program of the stack.
func (w *whyStack) send(method, url, token string, body any) {
	w.d.t.Helper()
	text, ok := body.(string)
	if !ok && body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			w.d.t.Fatal(err)
		}
		text = string(encoded)
	}
	req, err := http.NewRequestWithContext(w.d.t.Context(), method, url, bytes.NewReader([]byte(text)))
	if err != nil {
		w.d.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("X-Vault-Token", token)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		w.d.t.Fatal(err)
	}
	defer answer.Body.Close() //nolint:errcheck // read to its end below
	if said, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode >= 300 {
		w.d.t.Fatalf("%s %s: %d %s %v", method, url, answer.StatusCode, said, err)
	}
}

func (w *whyStack) putKey(key, text string) { w.send("PUT", w.d.info.Consul+"/v1/kv/"+key, "", text) }

func (w *whyStack) dropKey(key string) { w.send("DELETE", w.d.info.Consul+"/v1/kv/"+key, "", nil) }

func (w *whyStack) vaultKeys() (keys map[string]string) {
	w.d.t.Helper()
	files, err := filepath.Glob(filepath.Join(w.d.dir, "vault", "*keys.json"))
	if err != nil || len(files) != 1 {
		w.d.t.Fatalf("files of vault keys: %v, %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err == nil {
		err = json.Unmarshal(text, &keys)
	}
	if err != nil {
		w.d.t.Fatal(err)
	}
	return keys
}

func (w *whyStack) vault(path string, body any) {
	w.d.t.Helper()
	w.send("PUT", w.d.info.Vault+"/v1/"+path, w.vaultKeys()["root_token"], body)
}

// quoted registers a service in Consul by hand whose tag no router can read, or takes it away: routers keep the table
// that they have, though every rule can be read.
func (w *whyStack) quoted(on bool) {
	if !on {
		w.send("PUT", w.d.info.Consul+"/v1/agent/service/deregister/by-hand", "", nil)
		return
	}
	w.send("PUT", w.d.info.Consul+"/v1/agent/service/register", "", map[string]any{
		"ID": "by-hand", "Name": "by-hand", "Address": "127.0.0.1", "Port": 9, "Tags": []string{"urlprefix-by-hand.localhost/", `a "quoted" tag`},
		"Check": map[string]string{"TTL": "10m", "Status": "passing"},
	})
}

// portsTaken has a job that is not Crumpet's hold every port that Nomad gives away, or ends it.
func (w *whyStack) portsTaken(on bool) {
	if !on {
		_, _, err := w.nomad.Jobs().Deregister("by-hand", true, nil)
		if err != nil {
			w.d.t.Error(err)
		}
		return
	}
	nodes, _, err := w.nomad.Nodes().List(&nomadapi.QueryOptions{Params: map[string]string{"resources": "true"}})
	if err != nil {
		w.d.t.Fatal(err)
	}
	job := nomadapi.NewServiceJob("by-hand", "by-hand", "", 1)
	job.Datacenters = []string{"*"}
	addresses := map[bool]int{true: 1, false: 2}[stack == "embedded"] // Nomad gives away the ports of ::1 as well
	for _, n := range nodes {
		network := &nomadapi.NetworkResource{}
		for port := n.NodeResources.MinDynamicPort; port <= n.NodeResources.MaxDynamicPort; port++ {
			network.ReservedPorts = append(network.ReservedPorts, nomadapi.Port{Label: fmt.Sprintf("p%d", port), Value: port})
		}
		wait, never := "local/wait", `{{ key "nobody/writes/this" }}`
		group := nomadapi.NewTaskGroup(n.Name, addresses).Constrain(nomadapi.NewConstraint("${node.unique.name}", "=", n.Name))
		group.Networks = []*nomadapi.NetworkResource{network}
		group.AddTask(&nomadapi.Task{ // the ports are held while it waits for its template
			Name: "wait", Driver: "raw_exec", Config: map[string]any{"command": "/bin/true"},
			Templates: []*nomadapi.Template{{EmbeddedTmpl: &never, DestPath: &wait}},
		})
		job.AddTaskGroup(group)
	}
	if _, _, err := w.nomad.Jobs().Register(job, nil); err != nil {
		w.d.t.Fatal(err)
	}
	w.d.until(30*time.Second, "every port is taken", func() bool {
		list, _, err := w.nomad.Jobs().Allocations("by-hand", false, nil)
		return err == nil && len(list) == addresses*len(nodes)
	})
}
