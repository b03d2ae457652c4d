package bootstrap

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// Each does something on machines, on all at once, and waits for all. Its error names the machines that failed.
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
			failed[i] = onMachine(m.Name, paas.Errorf(paas.Internal, "There is no connection to machine %q.", m.Name))
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

// machineError is one of a machine.
type machineError struct {
	machine string
	err     error
}

func (e *machineError) Error() string { return e.machine + ": " + sentence(e.err) }
func (e *machineError) Unwrap() error { return e.err }

// onMachine names the machine of an error.
func onMachine(name string, err error) error {
	if err == nil {
		return nil
	}
	return &machineError{name, err}
}

// sentence is what an error says to an operator: here also the text of one that is no paas.Error, because it
// comes from a machine or a program of the operator's own.
func sentence(err error) string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // this one, not one below it
		var parts []string
		for _, e := range joined.Unwrap() {
			parts = append(parts, sentence(e))
		}
		return strings.Join(parts, "\n")
	}
	if e, ok := errors.AsType[*paas.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

// faults are what an error says of each machine; none for one that names no machine.
func faults(err error) []paas.Fault {
	switch e := err.(type) { //nolint:errorlint // level by level, so that no machine is left out
	case *machineError:
		return []paas.Fault{{Location: e.machine, Message: sentence(e.err)}}
	case interface{ Unwrap() []error }:
		var list []paas.Fault
		for _, one := range e.Unwrap() {
			some := faults(one)
			if len(some) == 0 {
				some = []paas.Fault{{Location: "cluster", Message: sentence(one)}}
			}
			list = append(list, some...)
		}
		return list
	case interface{ Unwrap() error }:
		return faults(e.Unwrap())
	}
	return nil
}
