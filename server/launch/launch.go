package launch

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
	"github.com/crumpet-paas/crumpet/templates"
)

// Store keeps launches. Code for what is not there: not_found; of what takes an epoch: conflict when another
// server leads.
type Store interface {
	Snapshot(ctx context.Context, ref paas.AppRef) (paas.Snapshot, error)
	Release(ctx context.Context, ref paas.AppRef, number int) (paas.Release, error)
	PutLaunch(ctx context.Context, epoch int64, l paas.Launch, events ...paas.Event) error
	Launch(ctx context.Context, ref paas.AppRef) (paas.Launch, error)
	OpenLaunches(ctx context.Context) ([]paas.Launch, error)
}

// Builds turns sources into artifacts.
type Builds interface {
	// Submit begins a build of files whose contents are blobs, or gives the one under way. Codes: invalid, quota.
	Submit(ctx context.Context, ref paas.AppRef, settings paas.Build, files []paas.File) (paas.BuildJob, error)
	Build(ctx context.Context, id string) (paas.BuildJob, error)
}

// Blobs keeps bytes by digest.
type Blobs interface {
	Put(ctx context.Context, r io.Reader) (digest string, size int64, err error)
}

// Deployer makes releases.
type Deployer interface {
	Plan(ctx context.Context, req paas.DeployRequest) (paas.Plan, error)
	Deploy(ctx context.Context, req paas.DeployRequest) (paas.DeployResult, error)
}

// Config is what Launches work with; all but Log and Now are required.
type Config struct {
	Store    Store
	Builds   Builds
	Blobs    Blobs
	Deployer Deployer
	Log      *slog.Logger
	Now      func() time.Time // time.Now by default
}

// Launches makes apps of templates.
type Launches struct {
	cfg  Config
	log  *slog.Logger
	wake chan struct{} // holds one signal: a build may have ended
}

// New makes Launches; Run goes on with what was begun.
func New(cfg Config) *Launches {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Launches{cfg: cfg, log: cfg.Log.With("component", "launch"), wake: make(chan struct{}, 1)}
}

// Wake says that a build may have ended. It never blocks.
func (l *Launches) Wake() {
	select {
	case l.wake <- struct{}{}:
	default: // Run is about to look anyway
	}
}

// Templates lists the templates by name.
func (l *Launches) Templates() []paas.Template { return templates.All() }

// Launched gives the last launch of an app. Code: not_found.
func (l *Launches) Launched(ctx context.Context, ref paas.AppRef) (paas.Launch, error) {
	return l.cfg.Store.Launch(ctx, ref)
}

// noArtifact stands for the artifact that is still to be built, where a release is only planned.
var noArtifact = strings.Repeat("0", 64)

// Launch begins an app: its build, whose end leads to its first release. What can be refused is refused now, and
// not after the build. Codes: not_found (the template), conflict (there is such an app, or it is launched from
// another template), those of a push.
func (l *Launches) Launch(ctx context.Context, r paas.LaunchRequest) (paas.Launch, error) {
	files, err := templates.Render(r.Template, r.Ref.App)
	if err != nil {
		return paas.Launch{}, err
	}
	_, err = l.cfg.Store.Snapshot(ctx, r.Ref)
	if err == nil {
		return paas.Launch{}, paas.Errorf(paas.Conflict, "Team %q has an app %q already. Choose another name, or push to that one.", r.Ref.Team, r.Ref.App)
	}
	if paas.CodeOf(err) != paas.NotFound {
		return paas.Launch{}, err
	}
	before, err := l.cfg.Store.Launch(ctx, r.Ref)
	switch {
	case err == nil && before.State == paas.LaunchBuilding && before.Template == r.Template:
		return before, nil
	case err == nil && before.State == paas.LaunchBuilding:
		return paas.Launch{}, paas.Errorf(paas.Conflict, "App %q is on its way from the template %q already. Wait for that, or choose another name.", r.Ref.App, before.Template)
	case err != nil && paas.CodeOf(err) != paas.NotFound:
		return paas.Launch{}, err
	}
	request, err := request(r.Ref, r.Template, r.By, files)
	if err != nil {
		return paas.Launch{}, err
	}
	request.Artifact, request.Sight = noArtifact, r.Sight
	if _, err := l.cfg.Deployer.Plan(ctx, request); err != nil {
		return paas.Launch{}, err
	}
	job, err := l.build(ctx, r.Ref, request.Spec.Build, files)
	if err != nil {
		return paas.Launch{}, err
	}
	launch := paas.Launch{
		Team: r.Ref.Team, App: r.Ref.App, Template: r.Template, Build: job.ID, State: paas.LaunchBuilding, CreatedAt: l.cfg.Now().UTC(), CreatedBy: r.By,
	}
	err = l.cfg.Store.PutLaunch(ctx, 0, launch, l.event(launch, fmt.Sprintf("%s makes the app of the template %s", r.By, r.Template)))
	l.Wake() // the build may be one that was done before
	return launch, err
}

// build puts the files of a source where a push would, and begins the build.
func (l *Launches) build(ctx context.Context, ref paas.AppRef, settings paas.Build, files []templates.File) (paas.BuildJob, error) {
	var source []paas.File
	for _, f := range files {
		digest, size, err := l.cfg.Blobs.Put(ctx, bytes.NewReader(f.Text))
		if err != nil {
			return paas.BuildJob{}, err
		}
		source = append(source, paas.File{Path: f.Path, Mode: templates.Mode, Size: size, Digest: digest})
	}
	return l.cfg.Builds.Submit(ctx, ref, settings, source)
}

// request is the push of a rendered template, without its artifact.
func request(ref paas.AppRef, template, by string, files []templates.File) (paas.DeployRequest, error) {
	for _, f := range files {
		if f.Path != spec.FileName {
			continue
		}
		parsed, diags := spec.ParseWith(f.Text, spec.Options{Filename: spec.FileName})
		if parsed == nil {
			return paas.DeployRequest{}, spec.Err(diags)
		}
		return paas.DeployRequest{
			Team: ref.Team, App: ref.App, Spec: *parsed, Source: &paas.SpecText{Filename: spec.FileName, Text: string(f.Text)}, By: by, Note: "Made of the template " + template + ".",
		}, nil
	}
	return paas.DeployRequest{}, paas.Errorf(paas.Internal, "The template %q has no %s.", template, spec.FileName)
}

func (l *Launches) event(launch paas.Launch, message string) paas.Event {
	return paas.Event{
		Time: l.cfg.Now().UTC(), Team: launch.Team, App: launch.App, Kind: paas.EventAppChanged, Build: launch.Build, Release: launch.Release, By: launch.CreatedBy, Message: message,
	}
}
