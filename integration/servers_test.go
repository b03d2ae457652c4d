package integration_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// sessionTTL is that of the leader's session in Consul: a takeover is to be quicker.
const sessionTTL = 10 * time.Second

// TestServers: servers on one PostgreSQL. While an app walks to its next release, under load, the leader is
// killed; on a later walk it is stopped for longer than its session lives, and goes on. Another takes over
// within the TTL, the walk ends well, no request fails, nothing is done twice, and whoever follows the events
// gets each once, at whichever server.
func TestServers(t *testing.T) {
	t.Parallel()
	n := 2
	if proving {
		n = 3
	}
	s := startSeveral(t, n)
	leader := s.leader()
	events := s.follow(append([]*one{leader}, slices.DeleteFunc(slices.Clone(s.all), func(o *one) bool { return o == leader })...)...)
	s.use(s.follower(leader))
	app := newHello(t, s.dev)
	s.ok(app, "push")
	s.follows(leader)

	rate, _ := size()
	l := startLoad(t, s.info.Router, "hello.localhost", rate, 60_000)
	killed := leader
	leader = s.walkThrough(app, leader, "killed", func() { s.kill(killed) })
	s.startOne(killed) // it comes back, and follows
	s.ready(killed)
	if again := s.leader(); again != leader {
		t.Errorf("%s leads after %s came back, want %s", again.name, killed.name, leader.name)
	}
	stopped := leader
	s.use(s.follower(leader))
	leader = s.walkThrough(app, leader, "stopped", func() { s.signal(stopped, syscall.SIGSTOP) })
	if proving {
		time.Sleep(2*sessionTTL + 5*time.Second) // longer than any session of its own lives
	}
	s.signal(stopped, syscall.SIGCONT)
	s.until(time.Minute, "the one that was stopped follows", func() bool {
		_, body := s.get("http://"+stopped.addr+"/readyz", "")
		return strings.Contains(body, `"role":"follower"`)
	})
	if again := s.leader(); again != leader {
		t.Errorf("%s leads after %s went on, want %s", again.name, stopped.name, leader.name)
	}
	l.end(t)

	s.told(events, app)
	for _, o := range s.all {
		s.use(o)
		if st := s.status("hello"); st.Release != 3 || st.Status != "running" && st.Status != "healthy" {
			t.Errorf("%s says %+v, want release 3, running", o.name, st)
		}
	}
	if out := s.ok(app, "servers"); strings.Count(out, "follower") != n-1 || strings.Count(out, "leader") != 1 {
		t.Errorf("crumpet servers, when all are well:\n%s", out)
	}
	s.withoutDatabase(app)
	s.startAgain(s.leader())
	s.leave(s.leader())
}

// startAgain kills the leader and starts it again at once, before its check can fail, as a supervisor does.
func (s *several) startAgain(leader *one) {
	s.t.Helper()
	before := s.epoch()
	s.kill(leader)
	s.startOne(leader)
	began := time.Now()
	s.until(time.Minute, "somebody leads anew", func() bool { return s.epoch() > before })
	took := time.Since(began)
	s.t.Logf("%s was killed and started again at once; %s led after %.1f s", leader.name, s.leader().name, took.Seconds())
	if took > sessionTTL {
		s.t.Errorf("nobody led for %.1f s: the lock of the killed process was waited for", took.Seconds())
	}
	s.ready(leader)
}

// epoch is the number of the lead, 0 while nobody leads.
func (s *several) epoch() int64 {
	for _, o := range s.all {
		for _, told := range s.list(o) {
			if told.State == paas.ServerLeader {
				return told.Epoch
			}
		}
	}
	return 0
}

// withoutDatabase takes the database away for a moment, as its restart does: what runs goes on serving, and
// the servers go on by themselves.
func (s *several) withoutDatabase(app string) {
	s.t.Helper()
	l := startLoad(s.t, s.info.Router, "hello.localhost", 50, 60_000)
	if err := s.database.Halt(); err != nil {
		s.t.Fatal(err)
	}
	s.until(time.Minute, "a server says that it lacks its store", func() bool {
		code, body := s.get("http://"+s.all[0].addr+"/readyz", "")
		return code == http.StatusServiceUnavailable && strings.Contains(body, "database")
	})
	if err := s.database.Restart(); err != nil {
		s.t.Fatal(err)
	}
	began := time.Now()
	s.leader()
	s.ok(app, "scale", "web=3")
	s.t.Logf("the database was away; an app was scaled %.1f s after its return", time.Since(began).Seconds())
	s.until(time.Minute, "three instances serve", func() bool { return running(s.status("hello")) >= 4 }) // with the worker
	l.end(s.t)
}

// leave ends a leader as an operator does: another leads at once, and nobody lists the one that has gone.
func (s *several) leave(leader *one) {
	s.t.Helper()
	registered := func() int {
		_, body := s.get(s.info.Consul+"/v1/catalog/service/crumpet-several", "")
		return strings.Count(body, `"ServiceID"`)
	}
	if n := registered(); n != len(s.all) {
		s.t.Errorf("%d servers are registered in Consul, want %d", n, len(s.all))
	}
	s.stopOne(leader)
	began := time.Now()
	next := s.leader(leader)
	s.t.Logf("%s was told to end; %s led after %.1f s", leader.name, next.name, time.Since(began).Seconds())
	s.until(time.Minute, "Consul knows the others only", func() bool { return registered() == len(s.all)-1 })
	for _, told := range s.list(next) {
		if told.Name == leader.name {
			s.t.Errorf("the one that has gone is listed: %+v", told)
		}
	}
}

// walkThrough pushes a change by way of a follower, has harm done to the leader in the middle of the walk,
// and waits until another leads and the push has ended. It gives the new leader.
func (s *several) walkThrough(app string, leader *one, word string, harm func()) *one {
	s.t.Helper()
	edit(s.t, filepath.Join(app, "page.html"), "</h1>", " "+word+"</h1>")
	push := s.command(s.t.Context(), app, "push")
	var out buffer
	push.Stdout, push.Stderr = &out, &out
	if err := push.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.until(2*time.Minute, "the walk has begun", func() bool {
		return strings.Contains(out.String(), "Registered") || strings.Contains(out.String(), "step ")
	})
	harm()
	began := time.Now()
	next := s.leader(leader)
	took := time.Since(began)
	s.t.Logf("%s was %s in the middle of a walk; %s led after %.1f s", leader.name, word, next.name, took.Seconds())
	if took > sessionTTL {
		s.t.Errorf("the takeover took %.1f s, more than the session's TTL of %s", took.Seconds(), sessionTTL)
	}
	if err := push.Wait(); err != nil {
		s.t.Errorf("push while the leader was %s: %v\n%s", word, err, &out)
	}
	if _, page := s.page("hello.localhost", "/"); !strings.Contains(page, word+"</h1>") {
		s.t.Errorf("the new text is not served:\n%s", page)
	}
	return next
}

// follows checks that followers say so, and serve what they did not take in: the artifact that was pushed to
// another.
func (s *several) follows(leader *one) {
	s.t.Helper()
	var job struct {
		TaskGroups []struct {
			Tasks []struct {
				Artifacts []struct{ GetterSource string }
			}
		}
	}
	s.askNomad("/v1/job/hello.blue", &job)
	if len(job.TaskGroups) == 0 {
		s.askNomad("/v1/job/hello.green", &job)
	}
	source := job.TaskGroups[0].Tasks[0].Artifacts[0].GetterSource
	_, path, ok := strings.Cut(source, "/v1/artifacts/")
	if !ok {
		s.t.Fatalf("the task fetches %q", source)
	}
	path, _, _ = strings.Cut(path, "&archive")
	sizes := map[int]bool{}
	for _, o := range s.all {
		code, body := s.get("http://"+o.addr+"/v1/artifacts/"+path, "")
		if code != 200 {
			s.t.Errorf("%s answers %d for the artifact", o.name, code)
		}
		sizes[len(body)] = true
		role := paas.ServerFollower
		if o == leader {
			role = paas.ServerLeader
		}
		if _, body := s.get("http://"+o.addr+"/readyz", ""); !strings.Contains(body, `"role":"`+role+`"`) {
			s.t.Errorf("%s is ready as %s, want %s", o.name, body, role)
		}
	}
	if len(sizes) != 1 {
		s.t.Errorf("the servers give artifacts of sizes %v", sizes)
	}
}

// told checks what a reader of the events has seen: ids that only grow, each of the things that happened
// once, and nothing that the store does not hold, or more.
func (s *several) told(r *reader, app string) {
	s.t.Helper()
	kept := s.history()
	last := kept[len(kept)-1].ID
	s.until(time.Minute, "the reader has caught up", func() bool {
		events, _ := r.seen()
		return len(events) > 0 && events[len(events)-1].ID >= last
	})
	r.stop()
	events, streams := r.seen()
	s.t.Logf("%d events read in %d streams", len(events), streams)
	if streams < 2 {
		s.t.Error("the reader's stream never broke: nothing was resumed")
	}
	once := []paas.EventKind{paas.EventReleaseCreated, paas.EventDeploymentEnded, paas.EventBuildEnded}
	count := map[string]int{}
	for i, e := range events {
		if i > 0 && e.ID <= events[i-1].ID {
			s.t.Errorf("event %d came after %d", e.ID, events[i-1].ID)
		}
		if slices.Contains(once, e.Kind) {
			count[fmt.Sprintf("%s %d %s%s", e.Kind, e.Release, e.Deployment, e.Build)]++
		}
	}
	kinds := map[string]int{}
	for what, n := range count {
		kind, _, _ := strings.Cut(what, " ")
		kinds[kind]++
		if n != 1 {
			s.t.Errorf("%q was told %d times", what, n)
		}
	}
	if kinds[string(paas.EventReleaseCreated)] != 3 || kinds[string(paas.EventDeploymentEnded)] != 3 || kinds[string(paas.EventBuildEnded)] != 3 {
		s.t.Errorf("releases, deployments and builds that were told of: %v, want 3 of each", kinds)
	}
	ids := map[int64]bool{}
	for _, e := range events {
		ids[e.ID] = true
	}
	missed := 0
	for _, e := range kept {
		if !ids[e.ID] {
			missed++
		}
	}
	if missed > 0 {
		s.t.Errorf("%d of %d events were not read", missed, len(kept))
	}
	var releases struct{ Items []struct{ Number int } }
	s.json(&releases, app, "releases", "hello")
	if len(releases.Items) != 3 {
		s.t.Errorf("%d releases, want 3", len(releases.Items))
	}
}

// history is every event that the store holds.
func (s *several) history() []paas.Event {
	s.t.Helper()
	fresh := s.follow(s.follower())
	defer fresh.stop()
	var events []paas.Event
	s.until(time.Minute, "the events come to rest", func() bool {
		before := len(events)
		time.Sleep(time.Second)
		events, _ = fresh.seen()
		return len(events) > 0 && len(events) == before
	})
	return events
}
