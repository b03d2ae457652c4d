package apitest

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Exec implements api.Commands. It knows a few commands: echo, fail CODE, cat (to the end of its input), size (of each
// terminal it is told of, until Ctrl-C), and wait, which ends with ctx only.
func (p *Platform) Exec(ctx context.Context, r paas.ExecRequest, in <-chan paas.ExecInput, out func(stderr bool, data []byte) error) (int, error) {
	say := func(format string, args ...any) error { return out(false, fmt.Appendf(nil, format, args...)) }
	switch r.Command[0] {
	case "echo":
		return 0, say("%s/%s: %s\n", r.Instance, r.Task, strings.Join(r.Command[1:], " "))
	case "fail":
		code, err := strconv.Atoi(r.Command[1])
		if err != nil {
			return 0, err
		}
		return code, out(true, []byte("it failed\n"))
	case "wait":
		if err := say("waiting\n"); err != nil {
			return 0, err
		}
		for {
			select {
			case <-ctx.Done():
				return 0, ctx.Err()
			case <-in:
			}
		}
	case "cat", "size":
		for {
			select {
			case <-ctx.Done():
				return 0, ctx.Err()
			case next := <-in:
				err := out(false, next.Data)
				if r.Command[0] == "size" {
					err = say("%dx%d tty %t\n", next.Size.Rows, next.Size.Columns, r.TTY)
				}
				if err != nil || next.EOF || string(next.Data) == "\x03" {
					return 0, err
				}
			}
		}
	}
	return 0, paas.Errorf(paas.Invalid, "There is no program %q where the instance runs.", r.Command[0])
}

// Replace implements api.Instances: the instance is complete at once, and its successor serves.
func (p *Platform) Replace(_ context.Context, team, id string) error {
	found := false
	p.locked(func() {
		for ref, list := range p.instances {
			for i, old := range list {
				if ref.Team != team || old.ID != id {
					continue
				}
				next := old
				next.ID, next.Previous, next.State, next.Health = id+"-next", id, paas.InstanceRunning, paas.HealthHealthy
				list[i].State = paas.InstanceComplete
				p.instances[ref] = append(list, next)
				found = true
				return
			}
		}
	})
	if !found {
		return paas.Errorf(paas.NotFound, "There is no instance %s.", id)
	}
	return nil
}
