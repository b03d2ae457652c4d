package logs

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// streams of a task.
var streams = []string{"stdout", "stderr"}

const (
	readTimeout = 30 * time.Second // of one file, when it is not followed
	endedMost   = 2                // instances of a process shown when none runs
)

// Nomad reads what tasks wrote: from tail bytes before the end on, to the end or, with follow, until
// ctx ends or the reader is closed. Code for a task that never started, and for an allocation that
// Nomad has forgotten: not_found.
type Nomad interface {
	Logs(ctx context.Context, alloc, task, stream string, follow bool, tail int64) (io.ReadCloser, error)
}

// Store knows the instances. Code for an app that is not there: not_found.
type Store interface {
	Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error)
	Facts(ctx context.Context) ([]paas.Instance, []paas.RouteFact, []paas.RouterFact, []paas.JobFact, error)
}

// Config is what Logs works with.
type Config struct {
	Nomad  Nomad
	Store  Store
	Log    *slog.Logger
	Reread time.Duration // how often new instances are looked for; 1 s by default
}

// Logs reads what instances write.
type Logs struct {
	cfg Config
	log *slog.Logger
}

// New makes a Logs.
func New(cfg Config) *Logs {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Reread == 0 {
		cfg.Reread = time.Second
	}
	return &Logs{cfg: cfg, log: cfg.Log.With("component", "logs")}
}

// Logs calls emit, from the caller's goroutine, with the last lines of each instance asked for, and
// with Follow with what follows until ctx ends, or until the one instance asked for has ended. An
// error of emit ends it. Codes: not_found, unavailable.
func (l *Logs) Logs(ctx context.Context, q paas.LogQuery, emit func(paas.LogLine) error) error {
	instances, err := l.instances(ctx, q, time.Time{})
	if err != nil {
		return err
	}
	if q.Follow {
		return l.follow(ctx, q, instances, emit)
	}
	for _, i := range instances {
		lines, err := l.Tail(ctx, i.ID, i.Process, q.Lines)
		if err != nil && paas.CodeOf(err) != paas.NotFound { // it never started, or Nomad forgot it
			return err
		}
		for _, line := range lines {
			if err := emit(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// Tail gives the last n lines of each stream of an instance, which may have ended. Codes: not_found,
// unavailable.
func (l *Logs) Tail(ctx context.Context, alloc, process string, n int) ([]paas.LogLine, error) {
	var lines []paas.LogLine
	for _, stream := range streams {
		texts, err := l.tail(ctx, alloc, process, stream, n)
		if err != nil {
			return lines, err
		}
		for _, t := range texts {
			lines = append(lines, paas.LogLine{Instance: alloc, Process: process, Stream: stream, Text: t})
		}
	}
	return lines, nil
}

func (l *Logs) tail(ctx context.Context, alloc, process, stream string, n int) ([]string, error) {
	if n <= 0 {
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	tail := tailOf(n)
	r, err := l.cfg.Nomad.Logs(ctx, alloc, taskOf(process), stream, false, tail)
	if err != nil {
		return nil, err
	}
	defer func() { _ = r.Close() }()
	kept := last{n: n + 1} // one more, as the first may be cut
	s := splitter{put: kept.put}
	read, err := io.Copy(&s, r)
	if err != nil {
		return nil, paas.Wrap(paas.Unavailable, err, "The output of instance %s broke off. Try again.", short(alloc))
	}
	s.flush()
	return trim(kept.kept, n, read >= tail), nil
}

// trim leaves the last n of lines; the first one is cut if the tail did not reach the file's
// beginning.
func trim(lines []string, n int, cut bool) []string {
	if cut && len(lines) > 0 && len(lines) <= n {
		lines = lines[1:]
	}
	return lines[max(0, len(lines)-n):]
}

// instances gives the instances asked for as they are now, ordered for reading: those that have not
// ended, and where a process has none, the last that did, as they say why. A run of a task or cron is
// shown as an instance of a process of its name, a sidecar as an instance of PROCESS/SIDECAR. Runs that
// have ended are left out unless asked for by name, or ended after since.
func (l *Logs) instances(ctx context.Context, q paas.LogQuery, since time.Time) ([]paas.Instance, error) {
	snapshot, err := l.cfg.Store.Snapshot(ctx, q.Ref)
	if err != nil {
		return nil, err
	}
	all, _, _, _, err := l.cfg.Store.Facts(ctx)
	if err != nil {
		return nil, fmt.Errorf("read instances of %s: %w", q.Ref, err)
	}
	all = slices.DeleteFunc(all, func(i paas.Instance) bool { return i.Ref() != q.Ref })
	all = append(all, sidecars(all, snapshot)...)
	all = append(all, runs(q, snapshot, since)...)
	all = slices.DeleteFunc(all, func(i paas.Instance) bool { return !asked(q, i) })
	slices.SortFunc(all, func(a, b paas.Instance) int {
		return cmp.Or(strings.Compare(a.Process, b.Process), b.CreatedAt.Compare(a.CreatedAt), strings.Compare(a.ID, b.ID))
	})
	if q.Instance != "" {
		if len(all) == 0 {
			return nil, paas.Errorf(paas.NotFound, "App %q has no instance %q. `crumpet status %s` lists them.", q.Ref.App, q.Instance, q.Ref.App)
		}
		return all, nil
	}
	if q.Process != "" && len(all) == 0 {
		if names := processes(snapshot); len(names) > 0 && !slices.Contains(names, q.Process) {
			return nil, paas.Errorf(paas.NotFound, "App %q has no process %q; it has %s.", q.Ref.App, q.Process, strings.Join(names, ", "))
		}
	}
	running, ended := map[string]bool{}, map[string]int{}
	for _, i := range all {
		running[i.Process] = running[i.Process] || !i.State.Ended()
	}
	return slices.DeleteFunc(all, func(i paas.Instance) bool {
		if !i.State.Ended() {
			return false
		}
		ended[i.Process]++
		return running[i.Process] || ended[i.Process] > endedMost
	}), nil
}

// processes names what writes in every release that the app has to do with now.
func processes(snapshot paas.Snapshot) []string {
	names := map[string]bool{}
	for _, release := range snapshot.Releases {
		for _, p := range release.Spec.Processes {
			names[p.Name] = true
			for _, s := range p.Sidecars {
				names[p.Name+"/"+s.Name] = true
			}
		}
		for _, t := range release.Spec.Tasks {
			names[t.Name] = true
		}
		for _, c := range release.Spec.Crons {
			names[c.Name] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// sidecars gives the instances' sidecars as instances of their own.
func sidecars(all []paas.Instance, snapshot paas.Snapshot) []paas.Instance {
	var beside []paas.Instance
	for _, i := range all {
		process, _ := snapshot.Releases[i.Release].Spec.Process(i.Process)
		for _, s := range process.Sidecars {
			one := i
			one.Process = i.Process + "/" + s.Name
			beside = append(beside, one)
		}
	}
	return beside
}

// taskOf is the name that Nomad knows a process or a sidecar by.
func taskOf(process string) string { return process[strings.LastIndex(process, "/")+1:] }

// runs gives the runs of tasks and crons as instances.
func runs(q paas.LogQuery, snapshot paas.Snapshot, since time.Time) []paas.Instance {
	var list []paas.Instance
	for _, r := range snapshot.Runs {
		old := r.State.Ended() && (since.IsZero() || r.EndedAt == nil || r.EndedAt.Before(since))
		if !r.Placed() || (old && q.Process == "" && q.Instance == "") {
			continue
		}
		i := paas.Instance{ID: r.ID, Team: r.Team, App: r.App, Process: r.Name, Release: r.Release, State: paas.InstanceRunning, CreatedAt: r.CreatedAt}
		switch r.State {
		case paas.RunPending:
			i.State = paas.InstancePending
		case paas.RunComplete, paas.RunKilled:
			i.State = paas.InstanceComplete
		case paas.RunFailed:
			i.State = paas.InstanceFailed
		case paas.RunRunning:
		}
		list = append(list, i)
	}
	return list
}

// asked says whether an instance is meant; a process is meant with its sidecars.
func asked(q paas.LogQuery, i paas.Instance) bool {
	process := q.Process == "" || i.Process == q.Process || strings.HasPrefix(i.Process, q.Process+"/")
	return process && strings.HasPrefix(i.ID, q.Instance)
}

// short is the form of an instance's id that people are shown.
func short(id string) string { return id[:min(8, len(id))] }
