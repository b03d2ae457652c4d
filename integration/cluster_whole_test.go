//go:build linux

package integration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// until waits until nothing lacks, which ok says by nil.
func (f *faulted) until(limit time.Duration, what string, ok func() error) {
	f.t.Helper()
	for deadline := time.Now().Add(limit); ; time.Sleep(500 * time.Millisecond) {
		err := ok()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("waited %s until %s: %v", limit, what, err)
		}
	}
}

// decode reads what a command of Crumpet's prints as JSON, whatever its exit code.
func (f *faulted) decode(into any, args ...string) error {
	out, err := f.crumpet("", append(args, "--json")...)
	if bad := json.Unmarshal([]byte(out), into); bad != nil {
		return errors.Join(err, bad)
	}
	return nil
}

// whole says what lacks of a whole cluster, as Crumpet sees it and as clients do.
func (f *faulted) whole() error {
	for _, ok := range []func() error{f.calm, f.routed, f.serversServe, f.nodesReady, f.twoEach, f.sound} {
		if err := ok(); err != nil {
			return err
		}
	}
	return nil
}

// calm says whether the load is answered, once there is one.
func (f *faulted) calm() error {
	if f.load == nil {
		return nil
	}
	return f.load.calm()
}

// sound says the first thing that a checkup finds critical, or wrong with any quorum.
func (f *faulted) sound() error {
	var is paas.Checkup
	if err := f.decode(&is, "cluster", "status"); err != nil {
		return err
	}
	for _, found := range is.Findings {
		if found.Severity == paas.Critical || found.Subject == paas.OfQuorum {
			return fmt.Errorf("%s: %s", found.Thing, found.Found)
		}
	}
	return nil
}

// nodesReady says whether every client takes instances.
func (f *faulted) nodesReady() error {
	var nodes struct{ Items []paas.NodeView }
	if err := f.decode(&nodes, "nodes"); err != nil {
		return err
	}
	ready := 0
	for _, n := range nodes.Items {
		if n.Status == paas.NodeReady && n.Eligible {
			ready++
		}
	}
	if ready != len(labClients) {
		return fmt.Errorf("%d of %d nodes are ready", ready, len(labClients))
	}
	return nil
}

// servers are those of Crumpet.
func (f *faulted) servers() ([]paas.Server, error) {
	var list struct{ Items []paas.Server }
	err := f.decode(&list, "servers")
	return list.Items, err
}

// serversServe says whether one server of Crumpet leads and another follows.
func (f *faulted) serversServe() error {
	all, err := f.servers()
	if err != nil {
		return err
	}
	states := map[string]int{}
	for _, s := range all {
		states[s.State]++
	}
	if states[paas.ServerLeader] != 1 || states[paas.ServerFollower] != 1 {
		return fmt.Errorf("servers of Crumpet are %v", states)
	}
	return nil
}

// on names the nodes of an app's healthy instances.
func (f *faulted) on(app string) (nodes []string, err error) {
	var s status
	if err := f.decode(&s, "status", app); err != nil {
		return nil, err
	}
	for _, i := range s.Instances {
		if i.State == "running" && i.Health == "healthy" {
			nodes = append(nodes, i.Node)
		}
	}
	slices.Sort(nodes)
	return nodes, nil
}

// each asks of every app on which nodes its healthy instances are.
func (f *faulted) each(ok func(nodes []string) bool) error {
	for _, app := range f.apps {
		nodes, err := f.on(app)
		if err != nil {
			return err
		}
		if !ok(nodes) {
			return fmt.Errorf("healthy instances of %s are on %v", app, nodes)
		}
	}
	return nil
}

func (f *faulted) twoEach() error {
	return f.each(func(nodes []string) bool { return len(nodes) == 2 })
}

func (f *faulted) both() error {
	return f.each(func(nodes []string) bool { return slices.Equal(nodes, labClients) })
}

// allOn has every healthy instance be on one node.
func (f *faulted) allOn(node string) error {
	return f.each(func(nodes []string) bool { return slices.Equal(nodes, []string{node, node}) })
}

// spread has every app on both nodes, as operators do once a node is back: Nomad moves nothing that runs.
func (f *faulted) spread() {
	f.t.Helper()
	for _, app := range f.apps {
		nodes, err := f.on(app)
		if err == nil && !slices.Equal(nodes, labClients) {
			_, err = f.crumpet("", "restart", app)
		}
		if err != nil {
			f.t.Fatal(err)
		}
	}
	f.until(time.Minute, "every app is on both nodes", f.both)
}

// routed asks each router for each app: what answers is what was pushed last.
func (f *faulted) routed() error {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for _, name := range labClients {
		for _, app := range f.apps {
			if err := f.answers(client, name, app); err != nil {
				return fmt.Errorf("by the router of %s: %w", name, err)
			}
		}
	}
	return nil
}

func (f *faulted) answers(client *http.Client, router, app string) error {
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, "http://"+f.lab.Host(router).Address+"/", nil)
	if err != nil {
		return err
	}
	req.Host = hostOf(app)
	answer, err := client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // it is read to its end
	text, err := io.ReadAll(answer.Body)
	if err == nil && (answer.StatusCode != http.StatusOK || string(text) != f.texts[app]) {
		err = fmt.Errorf("%s answers %s, %q; it was pushed with %q", app, answer.Status, text, f.texts[app])
	}
	return err
}
