package apitest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Token is the one that the platform knows.
const Token = "crumpet_0123456789012345678901234567890123456789"

// Fate is how a deployment or build ends.
type Fate struct {
	State  paas.DeploymentState // healthy unless said; running to leave it under way
	Reason string
	Build  string // why builds fail; "" and they don't
}

// Platform implements every interface that the API declares, in memory.
type Platform struct {
	mu          sync.Mutex // guards all below
	fate        Fate
	apps        map[paas.AppRef]paas.App
	releases    map[paas.AppRef][]paas.Release
	deployments map[paas.AppRef][]paas.Deployment
	instances   map[paas.AppRef][]paas.Instance
	events      []paas.Event
	builds      map[string]paas.BuildJob
	blobs       map[string][]byte
	lines       []paas.LogLine
	woken       map[chan struct{}]bool
	why         *paas.Why // nil and everything serves
	sides       map[string]paas.Side
	findings    []paas.PlatformFinding
	runs        []paas.Run // newest first
	runExit     int        // of runs that begin
	drains      map[string]paas.Drain
	changes     int                  // wishes heard
	listed      map[paas.AppRef]bool // apps that were named by Changed
	drift       []paas.Finding
	uploads     int                    // bytes of blobs taken in
	configs     map[paas.AppRef][]kept // versions of configurations, oldest first
	services    *Services
	volumes     []paas.FoundVolume
	Teams       *Teams
	launches    map[paas.AppRef]paas.Launch
	audited     []paas.Audited
}

// NewPlatform makes one without apps.
func NewPlatform() *Platform {
	p := &Platform{
		apps: map[paas.AppRef]paas.App{}, releases: map[paas.AppRef][]paas.Release{},
		deployments: map[paas.AppRef][]paas.Deployment{}, instances: map[paas.AppRef][]paas.Instance{},
		builds: map[string]paas.BuildJob{}, blobs: map[string][]byte{}, woken: map[chan struct{}]bool{}, drains: map[string]paas.Drain{},
		listed: map[paas.AppRef]bool{}, configs: map[paas.AppRef][]kept{}, launches: map[paas.AppRef]paas.Launch{},
	}
	p.services, p.Teams = newServices(p), NewTeams()
	return p
}

// Services are the platform's service instances, bindings and providers.
func (p *Platform) Services() *Services { return p.services }

// SetFate says how what begins from now on ends.
func (p *Platform) SetFate(f Fate) { p.locked(func() { p.fate = f }) }

// SetInstances says what is seen of an app.
func (p *Platform) SetInstances(ref paas.AppRef, list ...paas.Instance) {
	p.locked(func() { p.instances[ref] = list })
}

// SetLines says what the instances of every app have written.
func (p *Platform) SetLines(lines ...paas.LogLine) { p.locked(func() { p.lines = lines }) }

// PutBlob stores a blob, such as an artifact, and gives its digest.
func (p *Platform) PutBlob(content []byte) string {
	digest := digestOf(content)
	p.locked(func() { p.blobs[digest] = content })
	return digest
}

// Changes counts the wishes heard; Uploaded the bytes of blobs taken in.
func (p *Platform) Changes() (n int)  { p.locked(func() { n = p.changes }); return n }
func (p *Platform) Uploaded() (n int) { p.locked(func() { n = p.uploads }); return n }

// Emit adds events and wakes their readers.
func (p *Platform) Emit(events ...paas.Event) { p.locked(func() { p.emit(events...) }) }

// Finish ends the newest deployment of an app.
func (p *Platform) Finish(ref paas.AppRef, state paas.DeploymentState, reason string) {
	p.locked(func() {
		list := p.deployments[ref]
		p.finish(&list[len(list)-1], state, reason)
	})
}

func (p *Platform) locked(do func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	do()
}

func (p *Platform) emit(events ...paas.Event) {
	for _, e := range events {
		e.ID, e.Time = int64(len(p.events)+1), time.Now().UTC()
		p.events = append(p.events, e)
	}
	for ch := range p.woken {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Check implements api.Auth.
func (p *Platform) Check(_ context.Context, header string) (paas.Identity, error) {
	if header != "Bearer "+Token {
		return paas.Identity{}, paas.Errorf(paas.Unauthorized, "This call needs a token. Run `crumpet login`, or set CRUMPET_TOKEN.")
	}
	return paas.Identity{User: "tester", Kind: paas.Operator, Admin: true, Token: &paas.Token{Name: "tester", CreatedAt: time.Unix(0, 0).UTC()}}, nil
}

// CheckSession knows no session.
func (p *Platform) CheckSession(context.Context, string) (paas.Identity, error) {
	return paas.Identity{}, paas.Errorf(paas.Unauthorized, "This session has ended. Sign in again.")
}

// Used notes nothing.
func (p *Platform) Used(paas.Identity, string) {}

// Watch ends no stream.
func (p *Platform) Watch(ctx context.Context, _ paas.Identity, _ paas.Act) (watching context.Context, stop func()) {
	return context.WithCancel(ctx)
}

// May allows everything.
func (p *Platform) May(paas.Identity, paas.Act) error { return nil }

// Subscribe implements api.Hub.
func (p *Platform) Subscribe(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	p.locked(func() { p.woken[ch] = true })
	context.AfterFunc(ctx, func() { p.locked(func() { delete(p.woken, ch) }) })
	return ch
}

// Followed says how many follow events at this moment.
func (p *Platform) Followed() (n int) {
	p.locked(func() { n = len(p.woken) })
	return n
}

// Missing, Receive, Open implement api.Blobs and api.Artifacts.
func (p *Platform) Missing(_ context.Context, digests []string) (missing []string, err error) {
	p.locked(func() {
		for _, d := range digests {
			if _, ok := p.blobs[d]; !ok {
				missing = append(missing, d)
			}
		}
	})
	return missing, nil
}

func (p *Platform) Receive(_ context.Context, r io.Reader) (int, error) {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return 0, paas.Wrap(paas.Invalid, err, "The upload is not gzip.")
	}
	archive := tar.NewReader(unzipped)
	for stored := 0; ; stored++ {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return stored, nil
		}
		if err != nil {
			return stored, paas.Wrap(paas.Invalid, err, "The upload is not a tar archive.")
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			return stored, paas.Wrap(paas.Invalid, err, "The upload broke off.")
		}
		digest := digestOf(content)
		if header.Name != "sha256/"+digest {
			return stored, paas.Errorf(paas.Invalid, "The entry %q is not named by its digest.", header.Name)
		}
		p.locked(func() { p.blobs[digest] = content; p.uploads += len(content) })
	}
}

type content struct{ *bytes.Reader }

func (content) Close() error { return nil }

func (p *Platform) Open(_ context.Context, digest string) (r io.ReadSeekCloser, size int64, err error) {
	p.locked(func() {
		b, ok := p.blobs[digest]
		if !ok {
			err = paas.Errorf(paas.NotFound, "There is no artifact %s.", digest)
			return
		}
		r, size = content{bytes.NewReader(b)}, int64(len(b))
	})
	return r, size, err
}

// Logs implements api.Logs: one line a part.
func (p *Platform) Logs(ctx context.Context, q paas.LogQuery, emit func(paas.LogPart) error) error {
	var lines []paas.LogLine
	p.locked(func() { lines = slices.Clone(p.lines) })
	after := 0
	if q.After != "" {
		if _, err := fmt.Sscan(q.After, &after); err != nil || after > len(lines) {
			return paas.Errorf(paas.Invalid, "%q is no place in the logs.", q.After)
		}
	}
	for n, line := range lines[after:] {
		if q.Process != "" && q.Process != line.Process || !strings.HasPrefix(line.Instance, q.Instance) || q.Release != 0 && q.Release != line.Release ||
			len(q.Sources) > 0 && !slices.Contains(q.Sources, line.Source) || !strings.Contains(line.Text, q.Match) || line.Time.Before(q.Since) || !q.Until.IsZero() && line.Time.After(q.Until) {
			continue
		}
		part := paas.LogPart{Lines: []paas.LogLine{line}, After: fmt.Sprint(after + n + 1)}
		if err := emit(part); err != nil {
			return err
		}
		clear(part.Lines) // as the real one uses them again
	}
	if q.Follow && !p.over(q.Instance) {
		<-ctx.Done()
	}
	return nil
}

// Start and Build implement api.Builds.
func (p *Platform) StartBuild(job paas.BuildJob) (paas.BuildJob, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.blobs[job.Source]; !ok {
		return job, paas.Errorf(paas.Invalid, "The source %s is not on the server.", job.Source)
	}
	now := time.Now().UTC()
	job.ID, job.State = fmt.Sprintf("b%d", len(p.builds)+1), paas.BuildPending
	begun := job
	job.CreatedAt, job.StartedAt, job.EndedAt = now, &now, &now
	job.State, job.Artifact = paas.BuildDone, digestOf([]byte("artifact of "+job.Source))
	event := paas.Event{Team: job.Team, App: job.App, Build: job.ID}
	event.Kind, event.Message = paas.EventBuildLog, "go build ./..."
	p.emit(event)
	event.Kind, event.Message = paas.EventBuildEnded, "Build done."
	if p.fate.Build != "" {
		job.State, job.Artifact, job.Reason = paas.BuildFailed, "", p.fate.Build
		event.Message = p.fate.Build
	}
	p.builds[job.ID] = job
	p.emit(event)
	return begun, nil
}

func (p *Platform) Build(_ context.Context, id string) (paas.BuildJob, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if job, ok := p.builds[id]; ok {
		return job, nil
	}
	return paas.BuildJob{}, paas.Errorf(paas.NotFound, "There is no build %q.", id)
}

// builds adapts StartBuild to api.Builds: the name Start is the deployer's.
type builds struct{ *Platform }

func (b builds) Start(_ context.Context, job paas.BuildJob) (paas.BuildJob, error) {
	return b.StartBuild(job)
}

func lookup[T any](list []T, match func(T) bool, format string, args ...any) (T, error) {
	if i := slices.IndexFunc(list, match); i >= 0 {
		return list[i], nil
	}
	var zero T
	return zero, paas.Errorf(paas.NotFound, format, args...)
}

func newest[T any](list []T, limit int) []T {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list[:min(limit, len(list))]
}
