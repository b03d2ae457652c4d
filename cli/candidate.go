package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// candidate is what a push or a plan is about: an app spec, and the artifact to run under it, built
// from the folder's source or carried over from another release.
type candidate struct {
	s     *session
	flags *specFlags
	dir   string // of the spec, and of the source
	from  string // APP or APP@N: whose artifact to carry over; "" to build

	c                 *client.Client
	p                 *progress
	after             int64 // the last event seen
	spec              paas.Spec
	source            wire.Source // of the spec
	artifact, runtime string
	commit            string // of the source in git; "" for none
	dirty             bool   // it has changes that the commit does not hold
	took              struct{ pack, upload, build time.Duration }
}

// in sets the folder from the command's arguments.
func (u *candidate) in(args []string) {
	u.dir = "."
	if len(args) > 0 {
		u.dir = args[0]
	}
}

// ready reads the spec and gets its artifact.
func (u *candidate) ready(ctx context.Context) error {
	if err := u.read(); err != nil {
		return err
	}
	var err error
	if u.c, err = u.s.client(); err != nil {
		return err
	}
	if u.after, err = u.c.LastEvent(ctx); err != nil {
		return err
	}
	if u.from != "" {
		return u.carry(ctx)
	}
	u.commit, u.dirty = gitCommit(ctx, u.dir)
	digest, err := u.send(ctx)
	if err != nil {
		return err
	}
	job, err := u.build(ctx, digest)
	u.artifact, u.runtime = job.Artifact, job.Runtime
	return err
}

// carry takes the artifact of another app's release, or of an earlier one of the same app.
func (u *candidate) carry(ctx context.Context) error {
	app, number, err := parseRelease(u.from)
	if err != nil {
		return err
	}
	if number == 0 {
		line, err := u.c.App(ctx, app)
		if err != nil {
			return err
		}
		if number = line.Release; number == 0 {
			return paas.Errorf(paas.Conflict, "App %q serves no release yet whose artifact could be carried over. Name one: --from %s@N.", app, app)
		}
	}
	release, err := u.c.Release(ctx, app, number)
	if err != nil {
		return err
	}
	if release.Spec.Build.Builder != u.spec.Build.Builder {
		return paas.Errorf(paas.Conflict, "Release %d of app %q was built by %q, but the spec of app %q has the builder %q: its artifact would not fit.",
			number, app, release.Spec.Build.Builder, u.spec.App, u.spec.Build.Builder)
	}
	u.artifact, u.runtime = release.Artifact, release.Runtime
	u.commit, u.dirty = release.Commit, release.Dirty
	u.p.end("Carried over", fmt.Sprintf("artifact %s of %s, release %d", release.ShortArtifact(), app, number), 0)
	return nil
}

// parseRelease reads APP or APP@N; 0 stands for the one that serves.
func parseRelease(text string) (app string, number int, err error) {
	app, digits, given := strings.Cut(text, "@")
	if problem := paas.CheckName("app", app, paas.MaxApp); problem != "" {
		return "", 0, usagef("%q names no release: write APP or APP@N. %s", text, problem)
	}
	if !given {
		return app, 0, nil
	}
	number, err = strconv.Atoi(digits)
	if err != nil || number < 1 {
		return "", 0, usagef("%q names no release: write APP@N with the number of a release, as `crumpet status` shows it", text)
	}
	return app, number, nil
}

// read parses the spec before anything is sent: a fault in it is known in milliseconds.
func (u *candidate) read() error {
	path := filepath.Join(u.dir, spec.FileName)
	options, err := u.flags.options(path)
	if err != nil {
		return err
	}
	parsed, text, diags := spec.ParseFile(path, options)
	if parsed == nil {
		u.s.showDiagnostics(path, text, diags)
		return &saidError{spec.Err(diags)}
	}
	if u.s.app != "" && u.s.app != parsed.App {
		return usagef("--app names %q, but %s is of app %q", u.s.app, path, parsed.App)
	}
	u.spec, u.source = *parsed, wireSource(text, options)
	return nil
}

// send packs the source and uploads what the server lacks, and gives the source's digest.
func (u *candidate) send(ctx context.Context) (string, error) {
	began := time.Now()
	u.p.begin("Packing")
	source, err := client.Pack(ctx, u.dir, client.PackConfig{Cache: client.DigestCache()})
	if err != nil {
		return "", err
	}
	u.took.pack = time.Since(began)
	u.p.end("Packed", fmt.Sprintf("%s, %s", count(len(source.Files), "file"), bytesText(source.Bytes())), u.took.pack)

	began = time.Now()
	u.p.begin("Uploading")
	missing, err := u.c.Missing(ctx, source.Digests())
	if err != nil {
		return "", err
	}
	note := "nothing to send"
	if len(missing) > 0 {
		sent := &meter{p: u.p}
		_, err := u.c.Upload(ctx, func(w io.Writer) error {
			sent.start(w)
			return source.Bundle(sent, missing)
		})
		if err != nil {
			return "", err
		}
		note = fmt.Sprintf("%s, %s", sentText(missing, source.Digest()), bytesText(sent.sent))
	}
	u.took.upload = time.Since(began)
	u.p.end("Uploaded", note, u.took.upload)
	return source.Digest(), nil
}

// sentText counts the files among the blobs that were sent. The list of the files is a blob too.
func sentText(sent []string, list string) string {
	files := len(sent)
	if slices.Contains(sent, list) {
		files--
	}
	if files == 0 {
		return "the list of files"
	}
	return count(files, "file")
}

// meter shows how much of an upload has gone.
type meter struct {
	p    *progress
	w    io.Writer
	sent int64
}

// start begins anew: an upload whose connection broke is sent again.
func (m *meter) start(w io.Writer) { m.w, m.sent = w, 0 }

func (m *meter) Write(b []byte) (int, error) {
	n, err := m.w.Write(b)
	m.sent += int64(n)
	m.p.say(bytesText(m.sent))
	return n, err
}

// build turns the source into an artifact and shows the builder's lines.
func (u *candidate) build(ctx context.Context, digest string) (paas.BuildJob, error) {
	began := time.Now()
	u.p.begin("Building")
	job, err := u.c.CreateBuild(ctx, u.spec.App, wire.CreateBuild{
		Source: digest, Builder: string(u.spec.Build.Builder), Main: u.spec.Build.Main, Dir: u.spec.Build.Dir,
	})
	if err != nil {
		return job, err
	}
	over := func() bool { return job.State == paas.BuildDone || job.State == paas.BuildFailed }
	hear := func(e paas.Event) bool {
		if e.Build != job.ID {
			return false
		}
		if e.Kind == paas.EventBuildLog {
			u.p.line("  | %s", e.Message)
			return false
		}
		return true
	}
	if !over() {
		err = await(ctx, u.c, u.spec.App, &u.after, hear, func() (bool, error) {
			job, err = u.c.Build(ctx, job.ID)
			return over(), err
		})
	}
	if ctx.Err() != nil {
		u.p.close()
		u.s.say("Build %s goes on without this command; nothing was released. Push again to go on from there.", job.ID)
		return job, &saidError{errors.New("interrupted")}
	}
	if err != nil {
		return job, err
	}
	u.took.build = time.Since(began)
	if job.State == paas.BuildFailed {
		return job, paas.Errorf(paas.Invalid, "%s", ended(job.Reason))
	}
	u.p.end("Built", fmt.Sprintf("artifact %s", job.Artifact[:min(12, len(job.Artifact))]), u.took.build)
	return job, nil
}
