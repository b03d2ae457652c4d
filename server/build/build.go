package build

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Store keeps builds and their events. Code of Build and DoneBuild for none: not_found; of what takes an
// epoch: conflict when another server leads.
type Store interface {
	PutBuild(ctx context.Context, job paas.BuildJob, events ...paas.Event) error
	PutBuildAs(ctx context.Context, epoch int64, job paas.BuildJob, events ...paas.Event) error
	Build(ctx context.Context, id string) (paas.BuildJob, error)
	DoneBuild(ctx context.Context, source string, settings paas.Build) (paas.BuildJob, error)
	UnfinishedBuilds(ctx context.Context) ([]paas.BuildJob, error)
	EmitAs(ctx context.Context, epoch int64, events ...paas.Event) error
}

// Blobs keeps bytes by digest. Codes: not_found; invalid from PutAs for another content; quota.
type Blobs interface {
	Missing(ctx context.Context, digests []string) ([]string, error)
	Size(ctx context.Context, digest string) (int64, error)
	Open(ctx context.Context, digest string) (io.ReadSeekCloser, int64, error)
	Put(ctx context.Context, r io.Reader) (digest string, size int64, err error)
	PutAs(ctx context.Context, digest string, r io.Reader) error
}

// Config says what Builds works with. Store, Blobs and Dir are required.
type Config struct {
	Store Store
	Blobs Blobs
	// Dir is the folder for builds under way and for the index of runtimes.
	Dir string
	// Cache is the folder of the Go toolchain's caches; DIR/cache/go unless set.
	Cache string
	// Executable is the crumpet program that serves static sites on the nodes.
	Executable string
	// Go is the program go, found on PATH unless it is a path. Default "go".
	Go string
	// OS and Arch are those of the nodes; the server's own unless set.
	OS, Arch string
	// Environ is the server's environment, of which a few settings reach the toolchain; that of the
	// process unless set.
	Environ []string
	// Parallel is how many builds run side by side; default 1.
	Parallel int
	// Timeout ends a build; default 10 minutes.
	Timeout time.Duration
	// MaxBytes and MaxFiles bound a source; default 1 GiB and 10,000.
	MaxBytes int64
	MaxFiles int
	// MaxArtifactFiles bounds an artifact: Nomad's clients refuse to unpack an archive of
	// decompression_file_count_limit entries, 4096 unless the operator changed it. Default 4095.
	MaxArtifactFiles int
	// MaxLines bounds the lines of output kept of one build; default 1,000.
	MaxLines int
	Now      func() time.Time
	NewID    func() string
	Log      *slog.Logger
}

// Builds is the queue of builds and what it needs to run them.
type Builds struct {
	Config
	wake chan struct{} // has room for one: "look at the queue"

	runtimeMu sync.Mutex // one artifact of the executable is made at a time
}

// New makes the queue; Run works through it.
func New(cfg Config) (*Builds, error) {
	if cfg.Cache == "" {
		cfg.Cache = filepath.Join(cfg.Dir, "cache", "go")
	}
	orDefault(&cfg.Go, "go")
	orDefault(&cfg.OS, runtime.GOOS)
	orDefault(&cfg.Arch, runtime.GOARCH)
	orDefault(&cfg.Parallel, 1)
	orDefault(&cfg.Timeout, 10*time.Minute)
	orDefault(&cfg.MaxBytes, 1<<30)
	orDefault(&cfg.MaxFiles, 10_000)
	orDefault(&cfg.MaxArtifactFiles, 4095)
	orDefault(&cfg.MaxLines, 1000)
	if cfg.Environ == nil {
		cfg.Environ = os.Environ()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.NewID == nil {
		cfg.NewID = newID
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Log = cfg.Log.With("component", "build")
	for _, dir := range []*string{&cfg.Dir, &cfg.Cache} {
		absolute, err := filepath.Abs(*dir) // the toolchain demands it of its caches
		if err != nil {
			return nil, paas.Wrap(paas.Internal, err, "The folder for builds, %s, can't be used.", *dir)
		}
		*dir = absolute
		if err := os.MkdirAll(absolute, 0o700); err != nil {
			return nil, paas.Wrap(paas.Internal, err, "The folder for builds, %s, can't be made.", absolute)
		}
	}
	return &Builds{Config: cfg, wake: make(chan struct{}, 1)}, nil
}

func orDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func newID() string {
	b := make([]byte, 8)
	_, _ = rand.Read(b) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b)
}

// Missing gives those of the digests that have to be sent. Code: invalid.
func (b *Builds) Missing(ctx context.Context, digests []string) ([]string, error) {
	return b.Blobs.Missing(ctx, digests)
}

// Build gives one build. Code: not_found.
func (b *Builds) Build(ctx context.Context, id string) (paas.BuildJob, error) {
	return b.Store.Build(ctx, id)
}

// Start queues the build of a source whose manifest is the blob job.Source; of job it reads Team, App,
// Build and Source. It is Submit otherwise.
func (b *Builds) Start(ctx context.Context, job paas.BuildJob) (paas.BuildJob, error) {
	files, err := b.manifest(ctx, job.Source)
	if paas.CodeOf(err) == paas.NotFound {
		return paas.BuildJob{}, paas.Errorf(paas.Invalid, "The manifest %s of the source is not on the server. Push again.", job.Source)
	}
	if err != nil {
		return paas.BuildJob{}, err
	}
	return b.Submit(ctx, job.Ref(), job.Build, files)
}

// Submit queues the build of a source whose files' contents are blobs. A source that was built with
// the same settings before gives a build that is done at once; one that is in the queue for the same
// app gives that build. Code invalid with every fault of the manifest; quota.
func (b *Builds) Submit(ctx context.Context, ref paas.AppRef, settings paas.Build, files []paas.File) (paas.BuildJob, error) {
	settings, err := normal(settings)
	if err != nil {
		return paas.BuildJob{}, err
	}
	files = payload(files)
	if err := b.checkFiles(ctx, files); err != nil {
		return paas.BuildJob{}, err
	}
	manifest, err := json.Marshal(files)
	if err != nil {
		return paas.BuildJob{}, paas.Wrap(paas.Internal, err, "The manifest of the source can't be kept.")
	}
	source, _, err := b.Blobs.Put(ctx, bytes.NewReader(manifest))
	if err != nil {
		return paas.BuildJob{}, err
	}
	if job, ok, err := b.queued(ctx, ref, source, settings); ok || err != nil {
		return job, err
	}
	job := paas.BuildJob{
		ID: b.NewID(), Team: ref.Team, App: ref.App, Build: settings, Source: source,
		State: paas.BuildPending, CreatedAt: b.Now(),
	}
	done, err := b.reuse(ctx, &job)
	if err != nil {
		return paas.BuildJob{}, err
	}
	if done {
		return job, b.Store.PutBuild(ctx, job, b.event(job, paas.EventBuildEnded, "This source was built before: taking its artifact"))
	}
	if err := b.Store.PutBuild(ctx, job); err != nil {
		return paas.BuildJob{}, err
	}
	b.Wake()
	return job, nil
}

// Wake says that there may be a new build in the queue: another server may have put it there.
func (b *Builds) Wake() {
	select {
	case b.wake <- struct{}{}:
	default: // Run is about to look anyway
	}
}

// queued finds a build of the same thing that has not ended: a push that lost its connection and is
// made again joins it.
func (b *Builds) queued(ctx context.Context, ref paas.AppRef, source string, settings paas.Build) (paas.BuildJob, bool, error) {
	jobs, err := b.Store.UnfinishedBuilds(ctx)
	if err != nil {
		return paas.BuildJob{}, false, err
	}
	for _, job := range jobs {
		if job.Ref() == ref && job.Source == source && job.Build == settings {
			return job, true, nil
		}
	}
	return paas.BuildJob{}, false, nil
}

// reuse ends the job with the artifact of an earlier build, if there is one.
func (b *Builds) reuse(ctx context.Context, job *paas.BuildJob) (bool, error) {
	earlier, err := b.Store.DoneBuild(ctx, job.Source, job.Build)
	if paas.CodeOf(err) == paas.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	missing, err := b.Blobs.Missing(ctx, []string{earlier.Artifact})
	if err != nil || len(missing) > 0 {
		return false, err
	}
	if job.Build.Builder == paas.BuilderStatic { // of this crumpet, not of the one that served then
		if job.Runtime, err = b.runtime(ctx); err != nil {
			return false, err
		}
	}
	now := b.Now()
	job.State, job.Artifact, job.StartedAt, job.EndedAt = paas.BuildDone, earlier.Artifact, &now, &now
	return true, nil
}

func (b *Builds) event(job paas.BuildJob, kind paas.EventKind, message string) paas.Event {
	return paas.Event{Time: b.Now(), Team: job.Team, App: job.App, Kind: kind, Build: job.ID, Message: message}
}

// normal checks the settings and writes them in one way, so that equal ones are equal.
func normal(s paas.Build) (paas.Build, error) {
	switch s.Builder {
	case paas.BuilderGo:
		if s.Main != "" && !validMain(s.Main) {
			return s, paas.Errorf(paas.Invalid, "main = %q does not name a package below the source, such as ./cmd/x.", s.Main)
		}
		s.Dir = ""
	case paas.BuilderStatic, paas.BuilderNone:
		if s.Dir == "" {
			s.Dir = "."
		}
		s.Dir = path.Clean(s.Dir)
		if !filepath.IsLocal(s.Dir) || strings.ContainsRune(s.Dir, '\\') {
			return s, paas.Errorf(paas.Invalid, "dir = %q does not name a folder of the source.", s.Dir)
		}
		s.Main = ""
	default:
		return s, paas.Errorf(paas.Invalid, "There is no builder %q. The builders are go, static and none.", s.Builder)
	}
	return s, nil
}

// validMain admits ./cmd/x and example.com/x/cmd/y: nothing that go takes for a flag, a file, many
// packages or a folder above.
func validMain(main string) bool {
	if strings.HasPrefix(main, "-") || strings.HasPrefix(main, "/") || strings.HasSuffix(main, ".go") ||
		strings.Contains(main, "...") || strings.ContainsAny(main, "@\\ \t\n\x00") {
		return false
	}
	return filepath.IsLocal(main)
}
