package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newPushCmd(s *session) *cobra.Command {
	push := &push{s: s}
	cmd := &cobra.Command{
		Use:   "push [DIR]",
		Short: "Build an app from source and roll it out",
		Long: `Packs the source in DIR (the current folder unless said), sends what the server lacks, builds it
there, and walks the app to the new release: new instances serve before old ones go. It ends when every
instance is healthy and every route answers, or when the release before serves again.

What .gitignore and .crumpetignore name is left out.`,
		Example: `  crumpet push
  crumpet push ./api --team shop
  crumpet push --json | jq -r '.urls[]'`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if push.wait && push.supersede {
				return usagef("--wait and --supersede say opposite things: leave one out")
			}
			push.dir = "."
			if len(args) > 0 {
				push.dir = args[0]
			}
			return push.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&push.force, "force", false, "walk even if nothing changed")
	flags.BoolVar(&push.supersede, "supersede", false, "end a deployment that is under way")
	flags.BoolVar(&push.wait, "wait", false, "queue behind a deployment that is under way")
	flags.BoolVar(&push.asJSON, "json", false, "print one JSON object at the end")
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return withApp(s, cmd)
}

// push is one run of the command.
type push struct {
	s                      *session
	dir                    string
	force, supersede, wait bool
	asJSON                 bool

	c      *client.Client
	p      *progress
	after  int64 // the last event seen
	spec   paas.Spec
	text   []byte // of the spec
	result pushed
}

// pushed is the JSON of push, also of one that failed.
type pushed struct {
	App        string               `json:"app"`
	Team       string               `json:"team"`
	Release    int                  `json:"release"`
	Deployment string               `json:"deployment"`
	Status     paas.DeploymentState `json:"status"`
	Reason     string               `json:"reason,omitempty"`
	URLs       []string             `json:"urls"`
	Timings    timings              `json:"timings"`
}

// timings are how long each part took, in milliseconds: the first four by this machine's clock, the
// others by the server's.
type timings struct {
	Pack     int64 `json:"pack"`
	Upload   int64 `json:"upload"`
	Build    int64 `json:"build"`
	Release  int64 `json:"release"`
	Plan     int64 `json:"plan"`
	Register int64 `json:"register"`
	Healthy  int64 `json:"healthy"`
	Routed   int64 `json:"routed"`
	Total    int64 `json:"total"`
}

func (u *push) run(ctx context.Context) error {
	began := time.Now()
	u.p = newProgress(u.s, u.asJSON)
	defer u.p.close()
	u.result = pushed{Team: u.s.teamName(), App: u.s.app, Status: paas.DeploymentFailed, URLs: []string{}}
	err := u.steps(ctx)
	u.p.close()
	u.result.Timings.Total = time.Since(began).Milliseconds()

	var usage *usageError
	if !u.asJSON || errors.As(err, &usage) {
		return err
	}
	var said *saidError
	if err != nil && !errors.As(err, &said) {
		u.s.fail(err)
		err = &saidError{err}
	}
	if err != nil && u.result.Reason == "" {
		u.result.Reason = reasonFor(err)
	}
	return errors.Join(u.s.printJSON(u.result), err)
}

// reasonFor is the sentence of a failure; several faults are counted, and stand on stderr.
func reasonFor(err error) string {
	if said, ok := errors.AsType[*saidError](err); ok {
		err = said.error
	}
	if known, ok := errors.AsType[*paas.Error](err); ok {
		return ended(known.Message)
	}
	return ended(err.Error())
}

// steps are those of a push, each with its own failure.
func (u *push) steps(ctx context.Context) error {
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
	digest, err := u.send(ctx)
	if err != nil {
		return err
	}
	job, err := u.build(ctx, digest)
	if err != nil {
		return err
	}
	answer, err := u.release(ctx, job)
	if err != nil {
		return err
	}
	return u.walk(ctx, answer)
}

// read parses the spec before anything is sent: a fault in it is known in milliseconds.
func (u *push) read() error {
	path := filepath.Join(u.dir, spec.FileName)
	parsed, text, diags := spec.ParseFile(path)
	if parsed == nil {
		u.s.showDiagnostics(path, text, diags)
		return &saidError{spec.Err(diags)}
	}
	if u.s.app != "" && u.s.app != parsed.App {
		return usagef("--app names %q, but %s is of app %q", u.s.app, path, parsed.App)
	}
	u.spec, u.text, u.result.App = *parsed, text, parsed.App
	return nil
}

// send packs the source and uploads what the server lacks, and gives the source's digest.
func (u *push) send(ctx context.Context) (string, error) {
	began := time.Now()
	u.p.begin("Packing")
	source, err := client.Pack(ctx, u.dir, client.PackConfig{Cache: client.DigestCache()})
	if err != nil {
		return "", err
	}
	took := time.Since(began)
	u.result.Timings.Pack = took.Milliseconds()
	u.p.end("Packed", fmt.Sprintf("%s, %s", count(len(source.Files), "file"), bytesText(source.Bytes())), took)

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
	took = time.Since(began)
	u.result.Timings.Upload = took.Milliseconds()
	u.p.end("Uploaded", note, took)
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
func (u *push) build(ctx context.Context, digest string) (paas.BuildJob, error) {
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
	took := time.Since(began)
	u.result.Timings.Build = took.Milliseconds()
	if job.State == paas.BuildFailed {
		return job, paas.Errorf(paas.Invalid, "%s", ended(job.Reason))
	}
	u.p.end("Built", fmt.Sprintf("artifact %s", job.Artifact[:min(12, len(job.Artifact))]), took)
	return job, nil
}

func (u *push) release(ctx context.Context, job paas.BuildJob) (wire.Deployed, error) {
	began := time.Now()
	u.p.begin("Releasing")
	answer, err := u.c.CreateRelease(ctx, u.spec.App, wire.CreateRelease{
		Spec: string(u.text), Filename: spec.FileName, Artifact: job.Artifact, Runtime: job.Runtime,
		Force: u.force, Supersede: u.supersede, Wait: u.wait,
	})
	if err != nil {
		return answer, err
	}
	took := time.Since(began)
	u.result.Timings.Release = took.Milliseconds()
	u.result.Release, u.result.URLs = answer.Release.Number, answer.URLs
	if answer.Changed {
		u.p.end("Released", fmt.Sprintf("release %d", answer.Release.Number), took)
	}
	return answer, nil
}

// walk follows the deployment to its end.
func (u *push) walk(ctx context.Context, answer wire.Deployed) error {
	if answer.Deployment == nil {
		u.result.Status = paas.DeploymentHealthy
		u.p.done("nothing changed: release %d is serving", answer.Release.Number)
		u.showURLs()
		return nil
	}
	f := &follower{s: u.s, c: u.c, p: u.p, deployment: *answer.Deployment}
	u.result.Deployment = f.deployment.ID
	err := f.run(ctx, u.after)
	d := f.deployment
	u.result.Status, u.result.Reason = d.State, d.Reason
	u.time(d)
	u.p.close()
	switch {
	case err != nil:
		return u.s.left(ctx, err, d)
	case d.State != paas.DeploymentHealthy:
		return f.explain(ctx)
	}
	u.p.done("Release %d of %s is serving.", d.Release, d.App)
	u.showURLs()
	return nil
}

// time takes the parts of a deployment from the server's clock.
func (u *push) time(d paas.Deployment) {
	last := d.CreatedAt
	for _, part := range []struct {
		at *time.Time
		ms *int64
	}{
		{d.PlannedAt, &u.result.Timings.Plan},
		{d.RegisteredAt, &u.result.Timings.Register},
		{d.HealthyAt, &u.result.Timings.Healthy},
		{d.RoutedAt, &u.result.Timings.Routed},
	} {
		if part.at == nil {
			return
		}
		*part.ms = max(0, part.at.Sub(last).Milliseconds())
		last = *part.at
	}
}

func (u *push) showURLs() {
	for _, url := range slices.Compact(u.result.URLs) {
		u.p.print("  %s", url)
	}
}
