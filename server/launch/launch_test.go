package launch_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/launch"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/templates"
)

var ref = paas.AppRef{Team: "red", App: "hello"}

// platform is everything a launch works with, in memory.
type platform struct {
	mu       sync.Mutex // guards all below
	launches map[paas.AppRef]paas.Launch
	releases map[paas.AppRef][]paas.Release
	builds   map[string]paas.BuildJob
	source   []paas.File
	blobs    map[string][]byte
	events   []paas.Event
	deploys  int
	refuse   error // of plans
	deploy   error // of deploys
	lose     bool  // the next end of a launch is not written
}

func newPlatform() *platform {
	return &platform{launches: map[paas.AppRef]paas.Launch{}, releases: map[paas.AppRef][]paas.Release{}, builds: map[string]paas.BuildJob{}, blobs: map[string][]byte{}}
}

func (p *platform) lock() func() { p.mu.Lock(); return p.mu.Unlock }

func (p *platform) Snapshot(_ context.Context, ref paas.AppRef) (paas.Snapshot, error) {
	defer p.lock()()
	if len(p.releases[ref]) == 0 {
		return paas.Snapshot{}, paas.Errorf(paas.NotFound, "no app")
	}
	return paas.Snapshot{App: paas.App{Team: ref.Team, Name: ref.App}}, nil
}

func (p *platform) Release(_ context.Context, ref paas.AppRef, number int) (paas.Release, error) {
	defer p.lock()()
	if number > len(p.releases[ref]) {
		return paas.Release{}, paas.Errorf(paas.NotFound, "no release")
	}
	return p.releases[ref][number-1], nil
}

func (p *platform) PutLaunch(_ context.Context, _ int64, l paas.Launch, events ...paas.Event) error {
	defer p.lock()()
	if p.lose && l.State != paas.LaunchBuilding {
		p.lose = false
		return paas.Errorf(paas.Unavailable, "The database does not answer.")
	}
	p.launches[l.Ref()] = l
	p.events = append(p.events, events...)
	return nil
}

func (p *platform) Launch(_ context.Context, ref paas.AppRef) (paas.Launch, error) {
	defer p.lock()()
	if l, ok := p.launches[ref]; ok {
		return l, nil
	}
	return paas.Launch{}, paas.Errorf(paas.NotFound, "no launch")
}

func (p *platform) OpenLaunches(context.Context) (open []paas.Launch, err error) {
	defer p.lock()()
	for _, l := range p.launches {
		if l.State == paas.LaunchBuilding {
			open = append(open, l)
		}
	}
	return open, nil
}

func (p *platform) Submit(_ context.Context, ref paas.AppRef, settings paas.Build, files []paas.File) (paas.BuildJob, error) {
	defer p.lock()()
	p.source = files
	job := paas.BuildJob{ID: "b1", Team: ref.Team, App: ref.App, Build: settings, State: paas.BuildPending}
	p.builds[job.ID] = job
	return job, nil
}

func (p *platform) Build(_ context.Context, id string) (paas.BuildJob, error) {
	defer p.lock()()
	if job, ok := p.builds[id]; ok {
		return job, nil
	}
	return paas.BuildJob{}, paas.Errorf(paas.NotFound, "no build")
}

// end ends the build.
func (p *platform) end(state paas.BuildState, reason string) {
	defer p.lock()()
	job := p.builds["b1"]
	job.State, job.Reason, job.Artifact = state, reason, "a"
	p.builds["b1"] = job
}

func (p *platform) Put(_ context.Context, r io.Reader) (string, int64, error) {
	text, err := io.ReadAll(r)
	sum := sha256.Sum256(text)
	digest := hex.EncodeToString(sum[:])
	defer p.lock()()
	p.blobs[digest] = text
	return digest, int64(len(text)), err
}

func (p *platform) Plan(context.Context, paas.DeployRequest) (paas.Plan, error) {
	defer p.lock()()
	return paas.Plan{}, p.refuse
}

func (p *platform) Deploy(_ context.Context, r paas.DeployRequest) (paas.DeployResult, error) {
	defer p.lock()()
	p.deploys++
	if err := p.deploy; err != nil {
		p.deploy = nil // once
		return paas.DeployResult{}, err
	}
	of := paas.AppRef{Team: r.Team, App: r.App}
	release := paas.Release{Team: r.Team, App: r.App, Number: len(p.releases[of]) + 1, Spec: r.Spec, Source: r.Source, Artifact: r.Artifact, CreatedBy: r.By, Note: r.Note}
	p.releases[of] = append(p.releases[of], release)
	return paas.DeployResult{Release: release, Changed: true}, nil
}

func (p *platform) open() *launch.Launches {
	return launch.New(launch.Config{Store: p, Builds: p, Blobs: p, Deployer: p})
}

// run has launches gone on with until the app's has ended.
func (p *platform) run(t *testing.T) paas.Launch {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	l := p.open()
	ended := make(chan error, 1)
	go func() { ended <- l.Run(ctx, 1) }()
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	for ctx.Err() == nil {
		if got, err := l.Launched(ctx, ref); err == nil && got.State != paas.LaunchBuilding {
			return got
		}
		l.Wake()
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("the launch does not end")
	return paas.Launch{}
}

var asked = paas.LaunchRequest{Ref: ref, Template: templates.GoWeb, By: "ann"}

func TestALaunchLeadsToTheReleaseOfAPush(t *testing.T) {
	t.Parallel()
	p := newPlatform()
	begun, err := p.open().Launch(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	if begun.State != paas.LaunchBuilding || begun.Build != "b1" || begun.CreatedBy != "ann" {
		t.Errorf("begun: %+v", begun)
	}
	// The source is what `crumpet init` writes.
	files, err := templates.Render(templates.GoWeb, ref.App)
	if err != nil {
		t.Fatal(err)
	}
	want, got := map[string]string{}, map[string]string{}
	for _, f := range files {
		want[f.Path] = string(f.Text)
	}
	for _, f := range p.source {
		got[f.Path] = string(p.blobs[f.Digest])
		if f.Mode != 0o644 || f.Size != int64(len(p.blobs[f.Digest])) {
			t.Errorf("%+v", f)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	p.end(paas.BuildDone, "")
	ended := p.run(t)
	if ended.State != paas.LaunchReleased || ended.Release != 1 || ended.EndedAt == nil {
		t.Errorf("ended: %+v", ended)
	}
	release := p.releases[ref][0]
	if release.Spec.App != "hello" || release.Artifact != "a" || release.CreatedBy != "ann" || release.Source.Text != want["crumpet.hcl"] || !strings.Contains(release.Note, "go-web") {
		t.Errorf("%+v", release)
	}
}

func TestALaunchThatComesToNothingSaysWhy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(p *platform)
		want  string
	}{
		"the build fails":   {func(p *platform) { p.end(paas.BuildFailed, "main.go:3: syntax error") }, "syntax error"},
		"the build is gone": {func(p *platform) { delete(p.builds, "b1") }, "gone"},
		"the release is refused": {func(p *platform) {
			p.end(paas.BuildDone, "")
			p.deploy = paas.Errorf(paas.Conflict, "Route hello.localhost/ belongs to app \"other\".")
		}, "belongs to"},
		"somebody was faster": {func(p *platform) {
			p.end(paas.BuildDone, "")
			p.releases[ref] = []paas.Release{{Artifact: "other", CreatedBy: "bob"}}
		}, "Somebody else"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform()
			if _, err := p.open().Launch(t.Context(), asked); err != nil {
				t.Fatal(err)
			}
			c.spoil(p)
			before := len(p.releases[ref])
			got := p.run(t)
			if got.State != paas.LaunchFailed || !strings.Contains(got.Reason, c.want) || got.EndedAt == nil || len(p.releases[ref]) != before {
				t.Errorf("%+v", got)
			}
			if last := p.events[len(p.events)-1]; !strings.Contains(last.Message, c.want) || last.Team != "red" || last.App != "hello" {
				t.Errorf("told: %+v", last)
			}
			again := asked
			if name != "somebody was faster" { // the name is free again
				if l, err := p.open().Launch(t.Context(), again); err != nil || l.State != paas.LaunchBuilding {
					t.Errorf("again: %+v, %v", l, err)
				}
			}
		})
	}
}

func TestAServerThatEndedAfterTheReleaseMakesNoOther(t *testing.T) {
	t.Parallel()
	p := newPlatform()
	if _, err := p.open().Launch(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	p.end(paas.BuildDone, "")
	p.lose = true
	if got := p.run(t); got.State != paas.LaunchReleased || got.Release != 1 || p.deploys != 1 || len(p.releases[ref]) != 1 {
		t.Errorf("%+v after %d deploys", got, p.deploys)
	}
}

func TestWhatDoesNotAnswerIsAskedAgain(t *testing.T) {
	t.Parallel()
	p := newPlatform()
	if _, err := p.open().Launch(t.Context(), asked); err != nil {
		t.Fatal(err)
	}
	p.end(paas.BuildDone, "")
	p.deploy = paas.Errorf(paas.Unavailable, "Vault does not answer.")
	if got := p.run(t); got.State != paas.LaunchReleased || p.deploys != 2 {
		t.Errorf("%+v after %d deploys", got, p.deploys)
	}
}

func TestWhatCanBeRefusedIsRefusedBeforeTheBuild(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil   func(p *platform)
		request paas.LaunchRequest
		want    paas.Code
	}{
		"an unknown template":    {func(*platform) {}, paas.LaunchRequest{Ref: ref, Template: "rails", By: "ann"}, paas.NotFound},
		"an app that is there":   {func(p *platform) { p.releases[ref] = make([]paas.Release, 1) }, asked, paas.Conflict},
		"a plan that is refused": {func(p *platform) { p.refuse = paas.Errorf(paas.OverQuota, "Too much.") }, asked, paas.OverQuota},
		"another template on its way": {func(p *platform) {
			p.launches[ref] = paas.Launch{Team: "red", App: "hello", Template: "static-site", State: paas.LaunchBuilding}
		}, asked, paas.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform()
			c.spoil(p)
			if _, err := p.open().Launch(t.Context(), c.request); paas.CodeOf(err) != c.want {
				t.Errorf("%v", err)
			}
			if len(p.blobs) > 0 || len(p.builds) > 0 {
				t.Errorf("%d blobs and %d builds are left", len(p.blobs), len(p.builds))
			}
		})
	}
	p := newPlatform()
	first, err := p.open().Launch(t.Context(), asked)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.open().Launch(t.Context(), asked); err != nil || !cmp.Equal(first, again) {
		t.Errorf("asked twice: %+v, %v", again, err)
	}
}
