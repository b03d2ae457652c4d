//go:build linux

package integration_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// TestCluster: three servers and two clients, made from empty machines with nothing but cluster.hcl, real programs and
// ssh. The plan changes nothing, the second up finds nothing to do, a server that lost its disk is made again by up, and
// after destroy nothing of it runs. Then it is made again on empty disks by an up that is killed in each of its steps.
func TestCluster(t *testing.T) {
	c := newLabCluster(t)
	c.planned()
	began := time.Now()
	c.timed(c.events(c.ok("up", "--json")))
	t.Logf("up took %s", time.Since(began).Round(100*time.Millisecond))
	c.unchanged()
	c.verified()
	c.replaced("server-2")
	c.destroyed()

	for _, h := range c.lab.Hosts() {
		h.Kill()
		h.Wipe()
		h.Boot()
	}
	c.lab.KnownHosts()
	c.write("store.url", c.store()+"\n")
	c.killed()
	c.unchanged()
	c.verified()
	c.destroyed()
}

// planned has the plan of empty machines: something in most steps, and nothing is changed by it.
func (c *labCluster) planned() {
	c.t.Helper()
	before := c.programsRun()
	steps, changes := c.plan()
	if steps < 5 {
		c.t.Errorf("the plan of empty machines has changes in %d steps only", steps)
	}
	if after := c.programsRun(); after != before {
		c.t.Errorf("the plan has started programs:\n%s", after)
	}
	c.t.Logf("the plan of empty machines has %d changes in %d steps", changes, steps)
}

// timed prints what each step of an up took and demands that it ended well.
func (c *labCluster) timed(events []stepEvent) {
	c.t.Helper()
	for _, e := range events {
		switch e.State {
		case "began":
		case "done", "same":
			c.t.Logf("%-12s %-5s %4d changes %8s", e.Step, e.State, len(e.Changes), time.Duration(e.TookMS)*time.Millisecond)
		default:
			c.t.Errorf("step %s ended as %s: %s", e.Step, e.State, e.Reason)
		}
	}
}

// unchanged has another up find nothing to do, and every program be the process that it was.
func (c *labCluster) unchanged() {
	c.t.Helper()
	before, began := c.programsRun(), time.Now()
	for _, e := range c.events(c.ok("up", "--json")) {
		if e.State != "began" && e.State != "same" {
			c.t.Errorf("in a second up step %s is %s: %+v", e.Step, e.State, e.Changes)
		}
	}
	c.t.Logf("a second up took %s", time.Since(began).Round(100*time.Millisecond))
	if after := c.programsRun(); after != before {
		c.t.Errorf("a second up changed what runs from\n%s\nto\n%s", before, after)
	}
}

// replaced has a server lose its disk and come back empty, under its old name: up and a keeper make it one of three again.
func (c *labCluster) replaced(name string) {
	c.t.Helper()
	began := time.Now()
	h := c.lab.Host(name)
	h.Kill()
	if out, err := c.run("status", "--file", "cluster.hcl"); err == nil || !strings.Contains(out, "machine  "+name) || !strings.Contains(out, "MAY LOSE") {
		c.t.Errorf("status from outside, while %s is off: %v\n%s", name, err, out)
	}
	h.Wipe()
	h.Boot()
	c.lab.KnownHosts()
	if _, err := c.run("up", "--json"); err == nil || !strings.Contains(err.Error(), "crumpet cluster unseal") {
		c.t.Fatalf("up with an empty %s, whose Vault only keepers can open, says %v", name, err)
	}
	c.ok("unseal")
	c.timed(c.events(c.ok("up", "--json")))
	c.t.Logf("a server that lost its disk was one of three again after %s", time.Since(began).Round(100*time.Millisecond))
	c.unchanged()
	c.verified()
	c.quorate()
}

// quorate has a checkup find three servers of each program, with nothing to say of any quorum: by Crumpet, and over SSH
// without it.
func (c *labCluster) quorate() {
	c.t.Helper()
	for _, look := range []func() (string, error){
		func() (string, error) { return c.crumpet("", "cluster", "status", "--json") },
		func() (string, error) { return c.run("status", "--file", "cluster.hcl", "--json") },
	} {
		out, failed := look()
		var is paas.Checkup
		if err := json.Unmarshal([]byte(out), &is); err != nil {
			c.t.Fatalf("status: %v, %v", failed, err)
		}
		ill := slices.DeleteFunc(is.Findings, func(f paas.PlatformFinding) bool {
			return f.Subject != paas.OfQuorum && f.Severity != paas.Critical
		})
		if len(ill) > 0 || len(is.Quorums) != 3 || slices.ContainsFunc(is.Quorums, func(q paas.Quorum) bool { return len(q.Servers) != len(labServers) }) {
			c.t.Errorf("status finds %+v; the quorums are %+v", ill, is.Quorums)
		}
	}
}

func (c *labCluster) destroyed() {
	c.t.Helper()
	c.ok("destroy", "--yes")
	if left := c.programsRun(); left != "" {
		c.t.Errorf("after destroy there run:\n%s", left)
	}
}

// programsRun are the cluster's programs on all hosts: process ids, when they began, and names.
func (c *labCluster) programsRun() string {
	c.t.Helper()
	var all strings.Builder
	for _, h := range c.lab.Hosts() {
		out, err := h.Console(`ps -eo pid,lstart,comm --no-headers | grep -E ' (consul|nomad|vault|bao|crumpet|fabio)' || true`)
		if err != nil {
			c.t.Fatal(err)
		}
		for line := range strings.Lines(out) {
			fmt.Fprintf(&all, "%s %s", h.Name, line)
		}
	}
	return all.String()
}

// killed makes the cluster by ups that are killed: one in each step, at any moment of it. The last one completes.
func (c *labCluster) killed() {
	c.t.Helper()
	seen := map[string]bool{}
	for range 60 {
		step, err := c.upKilled(seen)
		if err != nil {
			c.t.Fatal(err)
		}
		if step == "" {
			c.t.Logf("up was killed in each of %d steps, and then completed", len(seen))
			return
		}
		seen[step] = true
	}
	c.t.Errorf("up did not complete; it was killed in %v", seen)
}

// upKilled runs up and kills it in the first step with something to do that is not in seen, which it names; "" when it
// completed.
func (c *labCluster) upKilled(seen map[string]bool) (string, error) {
	ctx, cancel := context.WithTimeout(c.t.Context(), 15*time.Minute)
	defer cancel()
	cmd := c.command(ctx, "up", "--json")
	var faults buffer
	cmd.Stderr = &faults
	out, err := cmd.StdoutPipe()
	if err != nil {
		return "", err
	}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	var lines []string
	in := ""
	for s := bufio.NewScanner(out); s.Scan(); {
		lines = append(lines, s.Text())
		var e stepEvent
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			return "", fmt.Errorf("%w in %s", err, s.Text())
		}
		if e.State != "began" || seen[e.Step] {
			continue
		}
		in = e.Step
		time.Sleep(time.Duration(rand.Int64N(int64(1500 * time.Millisecond))))
		if err := cmd.Process.Signal(syscall.SIGKILL); err != nil {
			return "", err
		}
		_, _ = io.Copy(io.Discard, out) // what it wrote in between
		break
	}
	err = cmd.Wait()
	if in != "" {
		return in, nil
	}
	if err != nil {
		return "", fmt.Errorf("up after kills in %v: %w\n%s\n%s", slices.Sorted(maps.Keys(seen)), err, strings.Join(lines, "\n"), faults.String())
	}
	return "", nil
}
