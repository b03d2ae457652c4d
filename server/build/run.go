package build

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	lookEvery = 30 * time.Second // at the queue, should a wake-up have been lost
	saveLimit = 10 * time.Second // for one write to the store
	retryWait = 5 * time.Second  // after the store has refused the end of a build
)

// Run works through the queue under the leader's epoch until ctx ends, then stops the builds under way and
// waits for them. They stay in the queue, as do those a killed server leaves, and begin anew.
func (b *Builds) Run(ctx context.Context, epoch int64) error {
	if err := os.RemoveAll(b.work()); err != nil { // of an earlier process
		return fmt.Errorf("clean folder for builds: %w", err)
	}
	var running sync.WaitGroup
	defer running.Wait()
	active := map[string]bool{}
	ended := make(chan string, b.Parallel) // a build never waits to say it has ended
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.wake:
		case <-timer.C:
		case id := <-ended:
			delete(active, id)
		}
		timer.Reset(lookEvery)
		jobs, err := b.Store.UnfinishedBuilds(ctx)
		if err != nil {
			if ctx.Err() == nil {
				b.Log.WarnContext(ctx, "queue not read", "err", err)
			}
			continue
		}
		for _, job := range jobs {
			if active[job.ID] || len(active) >= b.Parallel {
				continue
			}
			active[job.ID] = true
			running.Go(func() {
				b.run(ctx, epoch, job)
				ended <- job.ID
			})
		}
	}
}

func (b *Builds) work() string { return filepath.Join(b.Dir, "work") }

func (b *Builds) src(job paas.BuildJob) string { return filepath.Join(b.work(), job.ID, "src") }

// run builds one job and writes how it ended.
func (b *Builds) run(ctx context.Context, epoch int64, job paas.BuildJob) {
	log := b.Log.With("build", job.ID, "app", job.Ref().String())
	started := b.Now()
	job.State, job.StartedAt = paas.BuildRunning, &started
	if err := b.save(ctx, epoch, job, b.event(job, paas.EventBuildStarted, fmt.Sprintf("Building with %s", job.Build.Builder))); err != nil {
		log.WarnContext(ctx, "build not begun", "err", err)
		pause(ctx, retryWait)
		return
	}
	err := b.attempt(ctx, epoch, &job)
	if ctx.Err() != nil {
		return // the server ends: the build begins anew with the next one
	}
	ended := b.Now()
	job.EndedAt = &ended
	took := ended.Sub(started)
	event := b.event(job, paas.EventBuildEnded, fmt.Sprintf("Built in %.1f s", took.Seconds()))
	job.State, job.Reason = paas.BuildDone, ""
	if err != nil {
		job.State, job.Reason, job.Artifact, job.Runtime = paas.BuildFailed, paas.MessageOf(err), "", ""
		event.Message = job.Reason
		log.InfoContext(ctx, "build failed", "took_ms", took.Milliseconds(), "err", err)
	} else {
		log.InfoContext(ctx, "build done", "took_ms", took.Milliseconds(), "artifact", job.Artifact)
	}
	if err := b.save(ctx, epoch, job, event); err != nil {
		log.ErrorContext(ctx, "end of build not written", "err", err)
		pause(ctx, retryWait)
	}
}

func (b *Builds) save(ctx context.Context, epoch int64, job paas.BuildJob, event paas.Event) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveLimit)
	defer cancel()
	return b.Store.PutBuildAs(ctx, epoch, job, event)
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

var errTooLong = errors.New("build took too long")

// attempt runs the job's builder, which sets the job's artifact.
func (b *Builds) attempt(ctx context.Context, epoch int64, job *paas.BuildJob) error {
	ctx, cancel := context.WithTimeoutCause(ctx, b.Timeout, errTooLong)
	defer cancel()
	files, err := b.manifest(ctx, job.Source)
	if err != nil {
		return err
	}
	env, err := b.environment(ctx, job.Build.Builder)
	if err != nil {
		return err
	}
	out := newJournal(b.MaxLines, b.src(*job), env.secrets, func(m string) paas.Event { return b.event(*job, paas.EventBuildLog, m) })
	pumped := make(chan struct{})
	go func() {
		defer close(pumped)
		emit := func(ctx context.Context, events ...paas.Event) error { return b.Store.EmitAs(ctx, epoch, events...) }
		out.pump(ctx, emit, b.Log)
	}()
	switch t := newTree(files); job.Build.Builder {
	case paas.BuilderGo:
		err = b.golang(ctx, t, job, env, out)
	case paas.BuilderStatic:
		err = b.static(ctx, t, job, out)
	case paas.BuilderNone:
		err = b.none(ctx, t, job, out)
	}
	out.close()
	<-pumped
	if err != nil && errors.Is(context.Cause(ctx), errTooLong) {
		return paas.Wrap(paas.Invalid, err, "The build was ended after %s, the longest it may take.", b.Timeout)
	}
	return err
}
