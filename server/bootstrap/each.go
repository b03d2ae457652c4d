package bootstrap

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Each does something on machines, on all at once, and waits for all. Its error names the machines that failed,
// under the code of the first.
func (w *World) Each(ctx context.Context, machines []fleet.Machine, do func(ctx context.Context, m fleet.Machine, h Host) error) error {
	_, err := w.Changes(ctx, machines, func(ctx context.Context, m fleet.Machine, h Host) ([]Change, error) {
		return nil, do(ctx, m, h)
	})
	return err
}

// Changes gathers what plan finds on machines, in their order; the machine's name is filled in.
func (w *World) Changes(ctx context.Context, machines []fleet.Machine, plan func(ctx context.Context, m fleet.Machine, h Host) ([]Change, error)) ([]Change, error) {
	found := make([][]Change, len(machines))
	failed := make([]error, len(machines))
	var all sync.WaitGroup
	for i, m := range machines {
		h, ok := w.Hosts[m.Name]
		if !ok {
			failed[i] = paas.Errorf(paas.Internal, "Machine %q has no connection.", m.Name)
			continue
		}
		all.Go(func() {
			changes, err := plan(ctx, m, h)
			for i := range changes {
				changes[i].Machine = m.Name
			}
			found[i], failed[i] = changes, onMachine(m.Name, err)
		})
	}
	all.Wait()
	return slices.Concat(found...), errors.Join(failed...)
}

// onMachine names the machine of an error.
func onMachine(name string, err error) error {
	if err == nil {
		return nil
	}
	return paas.Wrap(paas.CodeOf(err), err, "%s: %s", name, sentence(err))
}

// sentence is what an error says to an operator: here also the text of one that is no paas.Error, because it
// comes from a machine or a program of the operator's own.
func sentence(err error) string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // this one, not one below it
		text := ""
		for i, e := range joined.Unwrap() {
			if i > 0 {
				text += "\n"
			}
			text += sentence(e)
		}
		return text
	}
	if e, ok := errors.AsType[*paas.Error](err); ok {
		return e.Message
	}
	return err.Error()
}
