package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// Instances has single instances replaced. Codes: not_found, unavailable.
type Instances interface {
	// Replace has the scheduler stop an instance and start another in its place, at once. The one that stops
	// leaves the routers first.
	Replace(ctx context.Context, team, id string) error
}

// restartInstance has one instance replaced. It leaves the routers before it is told to stop, so requests go on to the
// others; where there are no others, they would go nowhere until its successor serves.
func (a *API) restartInstance(ctx context.Context, in *struct {
	AppScope
	Instance string `path:"instance" doc:"Number, id or the beginning of the id of the instance."`
	Process  string `query:"process" doc:"The process of the instance, where a number is of several."`
	Force    bool   `query:"force" doc:"Also the only one that serves, though requests fail meanwhile."`
},
) (*reply[wire.Instance], error) {
	s, err := a.snapshot(ctx, &in.AppScope)
	if err != nil {
		return nil, err
	}
	i, err := oneInstance(s, in.Instance, in.Process)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(s.Deployments, func(d paas.Deployment) bool { return d.State != paas.DeploymentPending }) {
		return nil, paas.Errorf(paas.Conflict, "A deployment of app %q is under way, and decides which instances there are. Wait for its end, or see `crumpet status %s`.", s.App.Name, s.App.Name)
	}
	others := 0
	for _, other := range s.Instances {
		if other.ID != i.ID && other.Process == i.Process && other.Serving() {
			others++
		}
	}
	if others == 0 && i.Serving() && !in.Force {
		meanwhile := "nothing of it would run"
		if p, ok := s.Releases[i.Release].Spec.Process(i.Process); ok && len(p.Routes) > 0 {
			meanwhile = "requests would fail"
		}
		return nil, paas.Errorf(paas.Conflict, "%s is the only instance of process %q that serves: until another does, %s. `crumpet restart %s` replaces it without a gap; --force does as you say.",
			nameOf(i), i.Process, meanwhile, s.App.Name)
	}
	by := caller(ctx)
	err = a.Tell(ctx, paas.Event{
		Time: time.Now(), Team: s.App.Team, App: s.App.Name, Kind: paas.EventAppChanged, Release: i.Release, Instance: i.ID, Process: i.Process, By: by,
		Message: fmt.Sprintf("%s restarts %s: another instance takes its place", by, nameOf(i)),
	})
	if err != nil {
		return nil, err
	}
	if err := a.Instances.Replace(ctx, s.App.Team, i.ID); err != nil {
		return nil, err
	}
	return &reply[wire.Instance]{http.StatusAccepted, presentInstance(i)}, nil
}

// nameOf is how people know an instance.
func nameOf(i paas.Instance) string { return fmt.Sprintf("%s[%d]", i.Process, i.Index) }

// meant gives those instances, of the ones that may be meant, that a name and a process name. A bare number
// is that of the main process, where it has such an instance and no process is said.
func meant(s paas.Snapshot, name, process string, may func(paas.Instance) bool) []paas.Instance {
	var fit, ofMain []paas.Instance
	main := s.Releases[s.App.Release].Spec.MainProcess()
	for _, i := range s.Instances {
		if !may(i) || !i.Named(name) || process != "" && i.Process != process {
			continue
		}
		if fit = append(fit, i); i.Process == main {
			ofMain = append(ofMain, i)
		}
	}
	if _, number := paas.InstanceNumber(name); number && process == "" && len(ofMain) > 0 {
		return ofMain
	}
	return fit
}

// oneInstance finds the one instance that is meant, among those that run.
func oneInstance(s paas.Snapshot, name, process string) (paas.Instance, error) {
	fit := meant(s, name, process, func(i paas.Instance) bool { return !i.State.Ended() && i.State != paas.InstanceStopping })
	switch len(fit) {
	case 0:
		return paas.Instance{}, paas.Errorf(paas.NotFound, "App %q has no instance %s that runs. `crumpet status %s` shows those there are.", s.App.Name, name, s.App.Name)
	case 1:
		return fit[0], nil
	}
	return paas.Instance{}, paas.Errorf(paas.Invalid, "App %q has %d instances that %s may mean. Give an id, or say --process.", s.App.Name, len(fit), name)
}
