package deploy

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Once asks for a task or cron of the live release to be run now, once. Args are appended to its
// command as they are. A command runs with what a process has, but for its ports. Codes: invalid for a name that the release has not, not_found, conflict for an
// app that is stopped or never served, quota with too many runs under way.
func (d *Deployer) Once(ctx context.Context, r paas.RunRequest) (paas.Run, error) {
	var row paas.Side
	err := d.serving(ctx, r.Ref, func(snap paas.Snapshot, rel paas.Release) (paas.Change, bool, error) {
		if snap.App.Stopped {
			return paas.Change{}, false, paas.Errorf(paas.Conflict, "App %q is stopped. Start it with `crumpet start %s`.", r.Ref.App, r.Ref.App)
		}
		name, args, what, err := toRun(rel, r)
		if err != nil {
			return paas.Change{}, false, err
		}
		if n := underWay(snap); n >= MostRuns {
			return paas.Change{}, false, paas.Errorf(paas.Quota, "App %q has %d runs under way, and may have no more. `crumpet run --list` shows them.", r.Ref.App, n)
		}
		row = paas.Side{
			Team: r.Ref.Team, App: r.Ref.App, Kind: paas.JobRun, Name: name, Release: rel.Number, Args: slices.Clone(args), By: r.By,
			Job: paas.SideJob{App: r.Ref.App, Kind: paas.JobRun, Name: d.newID()}.String(), CreatedAt: d.now(),
		}
		change := changeOf(snap)
		change.Sides = []paas.Side{row}
		change.Events = []paas.Event{{
			Time: row.CreatedAt, Team: row.Team, App: row.App, Kind: paas.EventRunState, Release: row.Release, Process: row.Name, By: row.By,
			Message: fmt.Sprintf("run of %s asked for by %s", what, row.By),
		}}
		return change, true, d.written(snap, &change)
	})
	return row.Seen(nil), err
}

// toRun finds what is to be run, and says it in words: of a command only the program, as arguments may hold secrets.
func toRun(rel paas.Release, r paas.RunRequest) (name string, args []string, what string, err error) {
	if len(r.Command) == 0 {
		_, process := rel.Spec.Process(r.Name)
		if _, ok := rel.Spec.Once(r.Name); !ok || process {
			return "", nil, "", noTask(rel, r.Name)
		}
		return r.Name, r.Args, r.Name, nil
	}
	if err := paas.ValidCommand(r.Command); err != nil {
		return "", nil, "", err
	}
	name = cmp.Or(r.Name, rel.Spec.MainProcess())
	if _, ok := rel.Spec.Process(name); !ok {
		var names []string
		for _, p := range rel.Spec.Processes {
			names = append(names, p.Name)
		}
		message := fmt.Sprintf("Release %d of app %q has no process %q to run the command as; it has %s.", rel.Number, rel.App, name, strings.Join(names, ", "))
		if name == "" {
			message = fmt.Sprintf("App %q has several processes, and none is web. Say as which one the command is to run: %s.", rel.App, strings.Join(names, ", "))
		}
		return "", nil, "", &paas.Error{Code: paas.Invalid, Message: message, Faults: []paas.Fault{{Location: "process", Message: message}}}
	}
	return name, r.Command, paas.CommandText(r.Command) + " as " + name, nil
}

func noTask(rel paas.Release, name string) error {
	var names []string
	for _, t := range rel.Spec.Tasks {
		names = append(names, t.Name)
	}
	for _, c := range rel.Spec.Crons {
		names = append(names, c.Name)
	}
	has := "none"
	if len(names) > 0 {
		has = strings.Join(names, ", ")
	}
	message := fmt.Sprintf("Release %d of app %q has no task or cron %q; it has %s.", rel.Number, rel.App, name, has)
	return &paas.Error{Code: paas.Invalid, Message: message, Faults: []paas.Fault{{Location: "task", Message: message}}}
}

// underWay counts the runs on demand that have not ended.
func underWay(snap paas.Snapshot) int {
	n := 0
	for _, row := range snap.Sides {
		if row.Kind == paas.JobRun && !row.Seen(snap.Runs).State.Ended() {
			n++
		}
	}
	return n
}

// EndRun stops a run, whatever job it is of. job is the id of its job in Nomad, of a firing of a cron
// its own. One that has ended is left alone. Code not_found for a run that is not known.
func (d *Deployer) EndRun(ctx context.Context, ref paas.AppRef, job, by string) error {
	return d.existing(ctx, ref, func(snap paas.Snapshot) (paas.Change, bool, error) {
		row, wished := snap.Sides[job]
		i := slices.IndexFunc(snap.Runs, func(r paas.Run) bool { return r.Job == job })
		switch {
		case !wished && i < 0:
			return paas.Change{}, false, paas.Errorf(paas.NotFound, "App %q has no such run. `crumpet run --list` shows those there are.", ref.App)
		case !wished:
			run := snap.Runs[i]
			row = paas.Side{
				Team: run.Team, App: run.App, Job: run.Job, Kind: run.Kind, Name: run.Name, Release: run.Release,
				CreatedAt: d.now(), Index: 1, Stands: true,
			}
		}
		if row.Stop != "" || row.Seen(snap.Runs).State.Ended() {
			return paas.Change{}, false, nil
		}
		row.Stop = "stopped by " + by
		change := changeOf(snap)
		change.Sides = []paas.Side{row}
		return change, true, nil
	})
}
