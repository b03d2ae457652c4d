package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Commands runs commands beside the programs of instances. It reads in until ctx ends, and calls out from one
// goroutine. Codes: invalid (no such program), not_found (the task does not run), forbidden, unavailable.
type Commands interface {
	Exec(ctx context.Context, r paas.ExecRequest, in <-chan paas.ExecInput, out func(stderr bool, data []byte) error) (exitCode int, err error)
}

const (
	// maxExecs bounds the commands that run through one server at a time: each holds a few buffers.
	maxExecs = 100
	// execStartWithin is how long the first message may take.
	execStartWithin = 10 * time.Second
	// endingWithin is how long the command of an instance that ends may outlive the news of it, and the news it.
	endingWithin = 3 * time.Second
)

// Why a command was ended by the server.
var (
	errExecLeft  = errors.New("the caller is gone")
	errExecIdle  = errors.New("nothing was typed or written for too long")
	errExecEnded = errors.New("its instance ended")
)

// exec runs a command in an instance. That somebody does is written down before it begins, or it doesn't.
func (a *API) exec(c echo.Context) error {
	ref, err := refOf(c.QueryParam("team"), c.Param("app"))
	if err != nil {
		return err
	}
	if _, err := a.Store.Snapshot(c.Request().Context(), ref); err != nil {
		return err
	}
	if a.execs.Add(1) > maxExecs {
		a.execs.Add(-1)
		return paas.Errorf(paas.Quota, "This server runs %d commands already, and no more at a time. Try again when one has ended.", maxExecs)
	}
	defer a.execs.Add(-1)
	peer, err := a.accept(c)
	if err != nil {
		return nil //nolint:nilerr // it has been answered
	}
	defer peer.close()
	ctx := c.Request().Context()
	if err := a.execFor(ctx, peer, ref); err != nil {
		told := wire.ExecProblem(a.problemOf(ctx, err).Problem)
		if !callOf(ctx).note.written {
			if err := a.tellNow(ctx, told.Status); err != nil {
				a.Log.ErrorContext(ctx, "refused command not written to the audit", "app", ref.App, "by", caller(ctx), "err", err)
			}
		}
		_ = peer.write(ctx, &wire.ExecOut{Problem: &told}) // it may be gone; the event says the same
	}
	return nil
}

func (a *API) execFor(ctx context.Context, peer *execPeer, ref paas.AppRef) error {
	start, err := peer.start(ctx)
	if err != nil {
		return err
	}
	if err := paas.ValidCommand(start.Command); err != nil {
		return err
	}
	snap, err := a.Store.Snapshot(ctx, ref)
	if err != nil {
		return err
	}
	i, task, err := execPlace(snap, start)
	if err != nil {
		return err
	}
	by := caller(ctx)
	event := paas.Event{
		Time: time.Now(), Team: ref.Team, App: ref.App, Kind: paas.EventExec, Release: i.Release, Instance: i.ID, Process: i.Process, By: by,
	}
	where := fmt.Sprintf("%s[%d]", i.Process, i.Index)
	if task != i.Process {
		where += "/" + task
	}
	on := ""
	if start.TTY {
		on = ", on a terminal"
	}
	event.Message = fmt.Sprintf("%s runs %s in %s%s", by, paas.CommandText(start.Command), where, on)
	if err := a.Tell(ctx, event); err != nil {
		return err
	}
	noteAudit(ctx, i.ID, nil, map[string]string{"instance": where, "command": paas.CommandText(start.Command)})
	if err := a.tellNow(ctx, http.StatusSwitchingProtocols); err != nil {
		return paas.Wrap(paas.Unavailable, err, "The command can't be written to the audit now, so it is not run. Try again.")
	}
	began := time.Now()
	code, reason, err := a.runFor(ctx, peer, ref, i, paas.ExecRequest{Team: ref.Team, Instance: i.ID, Task: task, Command: start.Command, TTY: start.TTY}, start.Size)
	event.Time = time.Now()
	event.Message = fmt.Sprintf("%s of %s in %s %s after %s", paas.CommandText(start.Command[:1]), by, where, execEnd(code, reason, err), time.Since(began).Round(100*time.Millisecond))
	if telling := a.Tell(context.WithoutCancel(ctx), event); telling != nil {
		a.Log.Error("end of a command not told", "app", ref.App, "instance", i.ID, "by", by, "err", telling)
	}
	if err != nil {
		return err
	}
	return peer.write(ctx, &wire.ExecOut{Exit: &code, Reason: reason})
}

func execEnd(code int, reason string, err error) string {
	switch {
	case reason != "":
		return "was ended as " + strings.TrimSuffix(reason, ".")
	case err != nil:
		return "failed: " + strings.TrimSuffix(paas.MessageOf(err), ".")
	}
	return fmt.Sprintf("ended with code %d", code)
}

// runFor runs the command until it ends by itself, its caller leaves, its instance ends, or nobody says anything.
func (a *API) runFor(ctx context.Context, peer *execPeer, ref paas.AppRef, i paas.Instance, r paas.ExecRequest, size paas.TerminalSize) (code int, reason string, err error) {
	if err := peer.write(ctx, &wire.ExecOut{Instance: i.ID}); err != nil {
		return 0, "", err
	}
	session, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	in := make(chan paas.ExecInput)
	peer.serve(ctx, session, cancel, in, size, a.ExecIdle)
	watched := make(chan struct{})
	go func() { // ends with session, and is awaited
		defer close(watched)
		a.until(session, ref, i.ID, paas.InstanceState.Ended)
		if pause(session, endingWithin) {
			cancel(errExecEnded)
		}
	}()
	code, err = a.Commands.Exec(session, r, in, func(stderr bool, data []byte) error {
		peer.active()
		if stderr {
			return peer.write(ctx, &wire.ExecOut{Stderr: data})
		}
		return peer.write(ctx, &wire.ExecOut{Stdout: data})
	})
	cause := context.Cause(session)
	cancel(nil)
	<-watched
	refused := paas.CodeOf(err) == paas.Invalid || paas.CodeOf(err) == paas.Forbidden
	killed := code == exitKilled || (err != nil && !refused)
	switch {
	case errors.Is(cause, errExecIdle):
		reason = fmt.Sprintf("nothing was typed or written for %s.", a.ExecIdle)
	case errors.Is(cause, errExecLeft), errors.Is(err, errExecLeft):
		reason = "its caller has left."
	case errors.Is(cause, errExecEnded), killed && a.endsSoon(ctx, ref, i.ID):
		reason = "its instance ended."
	default:
		return code, "", err
	}
	return cmp.Or(code, exitEnded), reason, nil
}

const (
	exitEnded  = 255 // of a command that was ended and has no code of its own
	exitKilled = 137 // of one that SIGKILL ended
)

// endsSoon waits a moment for the news that an instance ends: they are slower than the end of its commands.
func (a *API) endsSoon(ctx context.Context, ref paas.AppRef, instance string) bool {
	limited, cancel := context.WithTimeout(ctx, endingWithin)
	defer cancel()
	a.until(limited, ref, instance, func(s paas.InstanceState) bool { return s.Ended() || s == paas.InstanceStopping })
	return limited.Err() == nil
}

// until returns when the state of an instance is so, when there is no such instance any more, or when ctx ends.
func (a *API) until(ctx context.Context, ref paas.AppRef, instance string, so func(paas.InstanceState) bool) {
	woken := a.Hub.Subscribe(ctx)
	for {
		snap, err := a.Store.Snapshot(ctx, ref)
		at := slices.IndexFunc(snap.Instances, func(i paas.Instance) bool { return i.ID == instance })
		switch {
		case err != nil && paas.CodeOf(err) == paas.NotFound, err == nil && at < 0:
			return
		case err == nil && so(snap.Instances[at].State):
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-woken:
		}
	}
}

// execPlace finds the instance and the task that are meant. Of several (both slots have a number 0) one that serves
// is taken, of the live release, with the lowest number.
func execPlace(s paas.Snapshot, start wire.ExecStart) (paas.Instance, string, error) {
	process := start.Process
	if process == "" && start.Instance == "" {
		process = s.Releases[s.App.Release].Spec.MainProcess()
	}
	fit := meant(s, start.Instance, process, func(i paas.Instance) bool { return i.State == paas.InstanceRunning })
	what := "instance " + start.Instance
	if start.Instance == "" {
		what = "instance"
	}
	if process != "" {
		what += " of process " + process
	}
	if len(fit) == 0 {
		return paas.Instance{}, "", paas.Errorf(paas.NotFound, "App %q has no %s that runs. `crumpet status %s` shows those there are.", s.App.Name, what, s.App.Name)
	}
	preferred := func(i paas.Instance) int {
		score := 0
		if i.Serving() {
			score -= 2
		}
		if i.Release == s.App.Release {
			score--
		}
		return score
	}
	i := slices.MinFunc(fit, func(a, b paas.Instance) int {
		return cmp.Or(cmp.Compare(preferred(a), preferred(b)), cmp.Compare(a.Index, b.Index), cmp.Compare(a.ID, b.ID))
	})
	task, err := execTask(s, i, start.Task)
	return i, task, err
}

func execTask(s paas.Snapshot, i paas.Instance, task string) (string, error) {
	if task == "" || task == i.Process {
		return i.Process, nil
	}
	names := []string{i.Process}
	for _, p := range s.Releases[i.Release].Spec.Processes {
		if p.Name != i.Process {
			continue
		}
		for _, sidecar := range p.Sidecars {
			names = append(names, sidecar.Name)
		}
	}
	if !slices.Contains(names, task) {
		return "", invalid("task", fmt.Sprintf("Process %q of release %d has no task %q; it has %s.", i.Process, i.Release, task, strings.Join(names, ", ")))
	}
	return task, nil
}

func describeExec(schemas huma.Registry, op *huma.Operation) {
	schemas.Schema(reflect.TypeFor[wire.ExecIn](), true, "")
	schemas.Schema(reflect.TypeFor[wire.ExecOut](), true, "")
	op.Description = "A WebSocket whose messages are JSON texts: an ExecIn each in, the first with start; an ExecOut each out, the last with exit or problem. " +
		"An event says who runs which program where; arguments are only counted."
	op.Parameters = []*huma.Param{pathParam("app", "The app."), teamParam}
	op.Responses["101"] = &huma.Response{Description: "The connection is a WebSocket from now on."}
}
