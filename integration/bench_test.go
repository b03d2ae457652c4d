package integration_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	consulapi "github.com/hashicorp/consul/api"
	nomadapi "github.com/hashicorp/nomad/api"
)

const (
	benchRounds    = 7
	benchInstances = 3
	benchSurge     = 1 // what Crumpet uses for three instances
)

// BenchmarkPushAgainstNomad measures, alternating in one run on one real Nomad, the time from the
// command to the moment when every instance is new and passing in Consul:
//
//   - crumpet push of an app whose artifact is built, with one changed environment value;
//   - nomad job run of the same job, with Nomad's own update block: max_parallel = surge, the same
//     min_healthy_time, health by checks.
//
// The old instances' shutdown is left out of both. It reports the medians and their ratio.
func BenchmarkPushAgainstNomad(b *testing.B) {
	if _, err := exec.LookPath("nomad"); err != nil {
		b.Skip("nomad is not on PATH: nothing to compare with")
	}
	if _, err := exec.LookPath("consul"); err != nil {
		b.Skip("consul is not on PATH: Nomad's own deployments need it")
	}
	was := stack
	stack = "auto"
	b.Cleanup(func() { stack = was })
	d := startDev(b)
	app := filepath.Join(b.TempDir(), "bench")
	sick(b, app, `NUMBER = "zero"`, fmt.Sprintf("instances = %d", benchInstances))
	edit(b, filepath.Join(app, "crumpet.hcl"), `app "sick"`, `app "bench"`)
	d.ok(app, "push")
	p := newPeer(b, d)
	p.run(b, "zero")

	for b.Loop() {
		var ours, theirs []time.Duration
		for round := range benchRounds {
			number := fmt.Sprint("round", round)
			ours = append(ours, timePush(b, d, p, app, number))
			theirs = append(theirs, p.run(b, number))
			b.Logf("round %d: crumpet push %.2f s, nomad job run %.2f s", round+1, ours[round].Seconds(), theirs[round].Seconds())
		}
		mine, other := median(ours), median(theirs)
		b.ReportMetric(mine.Seconds(), "crumpet-s")
		b.ReportMetric(other.Seconds(), "nomad-s")
		b.ReportMetric(mine.Seconds()/other.Seconds(), "ratio")
		b.Logf("medians of %d rounds, nomad %s: crumpet push %.2f s, nomad job run %.2f s, ratio %.3f",
			benchRounds, d.info.Stack["nomad"], mine.Seconds(), other.Seconds(), mine.Seconds()/other.Seconds())
	}
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// timePush changes one value, pushes, and gives the time until every instance of the slot walked to
// passes.
func timePush(b *testing.B, d *dev, p *peer, app, number string) time.Duration {
	b.Helper()
	spec := filepath.Join(app, "crumpet.hcl")
	text, err := os.ReadFile(spec)
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), `NUMBER = "`)
	value, _, _ := strings.Cut(rest, `"`)
	edit(b, spec, `NUMBER = "`+value+`"`, `NUMBER = "`+number+`"`)
	to := map[string]string{"blue": "green", "green": "blue"}[d.status("bench").Slot]

	cmd := d.command(b.Context(), app, "push")
	var out buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	d.until(2*time.Minute, "the new slot passes", func() bool {
		return p.passing(b, "default--bench--web--"+to, nil) == benchInstances
	})
	took := time.Since(began)
	if err := cmd.Wait(); err != nil {
		b.Fatalf("push: %v\n%s", err, &out)
	}
	return took
}

// peer is the same job, run by Nomad's own deployments.
type peer struct {
	d      *dev
	job    map[string]any
	nomad  *nomadapi.Client
	consul *consulapi.Client
}

const peerJob = "peer"

func newPeer(b *testing.B, d *dev) *peer {
	b.Helper()
	nomad, err := nomadapi.NewClient(&nomadapi.Config{Address: d.info.Nomad})
	if err != nil {
		b.Fatal(err)
	}
	consul, err := consulapi.NewClient(&consulapi.Config{Address: d.info.Consul})
	if err != nil {
		b.Fatal(err)
	}
	job, _, err := nomad.Jobs().Info("bench.blue", nil)
	if err != nil {
		b.Fatal(err)
	}
	id := peerJob
	job.ID, job.Name = &id, &id
	group := job.TaskGroups[0]
	surge, health := benchSurge, "checks"
	group.Update = &nomadapi.UpdateStrategy{
		MaxParallel: &surge, HealthCheck: &health, MinHealthyTime: group.Migrate.MinHealthyTime,
		HealthyDeadline: group.Migrate.HealthyDeadline,
	}
	job.Update = nil
	// Nomad starts a replacement only when the instance it replaces has ended: without this delay the
	// old ones' shutdown costs the peer next to nothing, as theirs is left out of our time too.
	none := time.Duration(0)
	group.ShutdownDelay = &none
	group.Services[0].Name = peerJob
	group.Services[0].Tags = []string{"urlprefix-peer.localhost/"}
	var tree map[string]any
	text, err := json.Marshal(job)
	if err == nil {
		err = json.Unmarshal(text, &tree)
	}
	if err != nil {
		b.Fatal(err)
	}
	return &peer{d: d, job: tree, nomad: nomad, consul: consul}
}

// run runs the job with another environment value and gives the time until every instance is of the
// new version and passes.
func (p *peer) run(b *testing.B, number string) time.Duration {
	b.Helper()
	task := p.job["TaskGroups"].([]any)[0].(map[string]any)["Tasks"].([]any)[0].(map[string]any)
	task["Env"].(map[string]any)["NUMBER"] = number
	text, err := json.Marshal(map[string]any{"Job": p.job})
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "peer.json")
	write(b, file, string(text))
	cmd := exec.CommandContext(b.Context(), "nomad", "job", "run", "-json", "-address", p.d.info.Nomad, file)
	var out buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p.d.until(2*time.Minute, "the peer's instances are new and pass", func() bool {
		fresh := p.fresh(b, number)
		return len(fresh) == benchInstances && p.passing(b, peerJob, fresh) == benchInstances
	})
	took := time.Since(began)
	if err := cmd.Wait(); err != nil {
		b.Fatalf("nomad job run: %v\n%s", err, &out)
	}
	return took
}

// fresh gives the allocations of the newest version of the peer that are to run, if that is the one
// with this number.
func (p *peer) fresh(b *testing.B, number string) map[string]bool {
	b.Helper()
	job, _, err := p.nomad.Jobs().Info(peerJob, nil)
	if err != nil || job.TaskGroups[0].Tasks[0].Env["NUMBER"] != number {
		return nil // not registered yet
	}
	list, _, err := p.nomad.Jobs().Allocations(peerJob, false, nil)
	if err != nil {
		b.Fatal(err)
	}
	ids := map[string]bool{}
	for _, a := range list {
		if a.JobVersion == *job.Version && a.DesiredStatus == "run" {
			ids[a.ID] = true
		}
	}
	return ids
}

// passing counts the instances of a service that pass every check, among the allocations given, if any
// are.
func (p *peer) passing(b *testing.B, service string, among map[string]bool) int {
	b.Helper()
	entries, _, err := p.consul.Health().Service(url.PathEscape(service), "", true, nil)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for _, e := range entries {
		id := strings.TrimPrefix(e.Service.ID, "_nomad-task-")
		if among == nil || (len(id) >= 36 && among[id[:36]]) {
			n++
		}
	}
	return n
}
