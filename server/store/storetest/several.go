package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// leadBoundary has leaders follow each other in the middle of big writes: a write of the one before is
// there when the next lead begins, or it is refused. It never comes after.
func leadBoundary(_ *testing.T, f *fixture) {
	f.save(newApp(shop))
	for round := range 8 {
		epoch, err := f.Lead(f.ctx)
		f.must(err)
		o := paas.Observation{Events: []paas.Event{event(shop, fmt.Sprint("round ", round))}}
		for n := range 100 {
			o.Instances = append(o.Instances, instance(shop, fmt.Sprint(n), 1, paas.InstanceRunning))
		}
		written := make(chan error, 1)
		go func() { written <- f.Observe(f.ctx, epoch, o) }()
		time.Sleep(time.Duration(round) * 4 * time.Millisecond) // whatever is under way then
		_, err = f.Lead(f.ctx)
		f.must(err)
		before, err := f.LastEvent(f.ctx)
		f.must(err)
		err = <-written
		after, lastErr := f.LastEvent(f.ctx)
		f.must(lastErr)
		if err != nil {
			f.code(err, paas.Conflict)
		}
		if after != before {
			f.Fatalf("a write of the leader before came after the lead had begun (its error: %v)", err)
		}
	}
}

// leaderFenced has a past leader write what only leaders write.
func leaderFenced(_ *testing.T, f *fixture) {
	past, err := f.Lead(f.ctx)
	f.must(err)
	f.must(f.Leads(f.ctx, past))
	now, err := f.Lead(f.ctx)
	f.must(err)
	f.code(f.Leads(f.ctx, past), paas.Conflict)
	f.must(f.Leads(f.ctx, now))
	job := paas.BuildJob{ID: "b", Team: "default", App: "shop", State: paas.BuildDone, CreatedAt: moment}
	f.code(f.PutBuildAs(f.ctx, past, job, event(shop, "built")), paas.Conflict)
	f.code(f.EmitAs(f.ctx, past, event(shop, "line")), paas.Conflict)
	_, err = f.Build(f.ctx, "b")
	f.code(err, paas.NotFound)
	last, err := f.LastEvent(f.ctx)
	f.must(err)
	f.equal("last event", last, int64(0))
	f.must(f.PutBuildAs(f.ctx, now, job, event(shop, "built")))
	f.must(f.EmitAs(f.ctx, now, event(shop, "line")))
}

// crossing has writers meet the same rows in opposite orders: each write is whole, and none is lost.
func crossing(_ *testing.T, f *fixture) {
	const rows, rounds = 40, 4
	for round := range rounds {
		var wait sync.WaitGroup
		for writer := range 2 {
			wait.Go(func() {
				var list []paas.Instance
				for n := range rows {
					i := instance(shop, fmt.Sprint(n), round+1, paas.InstanceRunning)
					i.Node = fmt.Sprint("n", writer)
					list = append(list, i)
				}
				if writer == 1 {
					slices.Reverse(list)
				}
				if err := f.Observe(f.ctx, 0, paas.Observation{Instances: list, Events: []paas.Event{event(shop, "seen")}}); err != nil {
					f.Errorf("Observe: %v", err)
				}
			})
		}
		wait.Wait()
		instances, _, _, _, err := f.Facts(f.ctx)
		f.must(err)
		nodes := map[string]int{}
		for _, i := range instances {
			nodes[i.Node]++
		}
		if len(instances) != rows || len(nodes) != 1 {
			f.Fatalf("%d instances of writers %v: two writes were mixed", len(instances), nodes)
		}
	}
	events, err := f.Events(f.ctx, paas.EventFilter{})
	f.must(err)
	f.equal("events", len(events), 2*rounds)
}

func serversListed(_ *testing.T, f *fixture) {
	one := paas.Server{
		ID: "a", Name: "north", Address: "10.0.0.1:4780", Version: "v1", StartedAt: noon, SeenAt: noon.Add(time.Minute),
	}
	two, old := one, one
	two.ID, two.Name = "b", "east"
	old.ID, old.SeenAt = "c", noon.Add(-2*time.Hour)
	for _, s := range []paas.Server{old, one, two} {
		f.must(f.PutServer(f.ctx, s))
	}
	states := func() string {
		list, err := f.Servers(f.ctx)
		f.must(err)
		words := make([]string, 0, len(list))
		for _, s := range list {
			words = append(words, s.Name+" "+s.State)
		}
		return strings.Join(words, ", ")
	}
	f.equal("before anybody leads, without the one long gone", states(), "east follower, north follower")
	epoch, err := f.Lead(f.ctx)
	f.must(err)
	one.Epoch, one.LedAt = epoch, &one.SeenAt
	f.must(f.PutServer(f.ctx, one))
	f.equal("one leads", states(), "east follower, north leader")
	list, err := f.Servers(f.ctx)
	f.must(err)
	one.State, one.Store, one.StartedAt, one.SeenAt = paas.ServerLeader, list[1].Store, moment, moment.Add(time.Minute)
	one.LedAt = &one.SeenAt
	f.equal("server", list[1], one)
	two.Epoch, err = f.Lead(f.ctx)
	f.must(err)
	f.must(f.PutServer(f.ctx, two))
	f.equal("two has followed", states(), "east leader, north follower")
	f.must(f.DropServer(f.ctx, "b"))
	f.equal("two has left", states(), "north follower")
}

func firstToken(_ *testing.T, f *fixture) {
	var added atomic.Int32
	var wait sync.WaitGroup
	for n := range 8 {
		wait.Go(func() {
			ok, err := f.FirstToken(f.ctx, paas.Token{ID: fmt.Sprint(n), Hash: fmt.Sprint("h", n), Name: "root", CreatedAt: moment})
			if err != nil {
				f.Errorf("FirstToken: %v", err)
			}
			if ok {
				added.Add(1)
			}
		})
	}
	wait.Wait()
	all, err := f.Tokens(f.ctx)
	f.must(err)
	if added.Load() != 1 || len(all) != 1 {
		f.Errorf("%d of 8 were told that theirs is the first, and %d are kept; want 1", added.Load(), len(all))
	}
}

func blobs(_ *testing.T, f *fixture) {
	big := bytes.Repeat([]byte("0123456789abcdef\x00\xff'\\"), 150_000) // of 3 MB, which is no whole number of pieces
	exact := bytes.Repeat([]byte("x"), 2<<20)
	for digest, content := range map[string][]byte{"big": big, "exact": exact, "small": []byte("s"), "empty": nil} {
		f.must(f.PutBlob(f.ctx, digest, int64(len(content)), bytes.NewReader(content)))
		f.must(f.PutBlob(f.ctx, digest, int64(len(content)), bytes.NewReader(content))) // again is nothing new
	}
	f.restart()
	for digest, content := range map[string][]byte{"big": big, "exact": exact, "small": []byte("s"), "empty": {}} {
		r, size, err := f.OpenBlob(f.ctx, digest)
		f.must(err)
		got, err := io.ReadAll(r)
		f.must(err)
		f.must(r.Close())
		if size != int64(len(content)) || !bytes.Equal(got, content) {
			f.Errorf("%s: %d bytes read of %d, want %d", digest, len(got), size, len(content))
		}
	}
	missing, err := f.MissingBlobs(f.ctx, []string{"x", "big", "y", "x"})
	f.must(err)
	f.equal("missing", missing, []string{"x", "y"})
	_, err = f.BlobSize(f.ctx, "x")
	f.code(err, paas.NotFound)
	_, _, err = f.OpenBlob(f.ctx, "x")
	f.code(err, paas.NotFound)
	if f.PutBlob(f.ctx, "broken", 3<<20, &failing{left: 2 << 20}) == nil {
		f.Error("a content that can't be read to its end was kept")
	}
	_, err = f.BlobSize(f.ctx, "broken")
	f.code(err, paas.NotFound)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			if err := f.PutBlob(f.ctx, "raced", int64(len(big)), bytes.NewReader(big)); err != nil {
				f.Errorf("PutBlob: %v", err)
			}
		})
	}
	wait.Wait()
	r, _, err := f.OpenBlob(f.ctx, "raced")
	f.must(err)
	got, err := io.ReadAll(r)
	f.must(err)
	f.equal("one of several writers' blob", bytes.Equal(got, big), true)
}

// failing is a content whose disk breaks.
type failing struct{ left int }

func (r *failing) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errors.New("disk broke")
	}
	n := min(len(p), r.left)
	r.left -= n
	return n, nil
}

func (r *failing) Seek(int64, int) (int64, error) { return 0, nil }
