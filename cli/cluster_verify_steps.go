package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/spec"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// leftAfter is how old a canary is that no run can still be about.
const leftAfter = time.Hour

// checkTeam makes the team, and takes away what a run that was killed has left.
func (v *verify) checkTeam(ctx context.Context) (string, error) {
	_, err := v.c.CreateTeam(ctx, wire.CreateTeam{Name: verifyTeam, Description: "Canaries of crumpet cluster verify. It is empty between two runs."})
	if err != nil && paas.CodeOf(err) != paas.Conflict {
		return "", err
	}
	apps, err := v.c.Apps(ctx, client.AppsQuery{})
	if err != nil {
		return "", err
	}
	left := 0
	for _, app := range apps.Items {
		if time.Since(app.CreatedAt) < leftAfter {
			continue // another run's
		}
		if left++; v.destroy(ctx, app.App) != nil {
			return "", paas.Errorf(paas.Conflict, "App %q, which an earlier run left, can't be destroyed.", app.App)
		}
	}
	if left > 0 {
		return "The team is there; " + count(left, "canary") + " of an earlier run destroyed.", nil
	}
	return "The team is there.", nil
}

// checkPush packs, builds and releases the canary, and waits until it serves.
func (v *verify) checkPush(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "crumpet-verify-")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary folder
	text, err := v.source(dir)
	if err != nil {
		return "", err
	}
	packed, err := client.Pack(ctx, dir, client.PackConfig{})
	if err != nil {
		return "", err
	}
	missing, err := v.c.Missing(ctx, packed.Digests())
	if err == nil && len(missing) > 0 {
		_, err = v.c.Upload(ctx, func(w io.Writer) error { return packed.Bundle(w, missing) })
	}
	if err != nil {
		return "", err
	}
	job, err := v.c.CreateBuild(ctx, v.app, wire.CreateBuild{Source: packed.Digest(), Builder: "static", Dir: "public"})
	if err != nil {
		return "", err
	}
	err = poll(ctx, func() (bool, error) {
		if job.State != paas.BuildDone && job.State != paas.BuildFailed {
			job, err = v.c.Build(ctx, job.ID)
		}
		return job.State == paas.BuildDone || job.State == paas.BuildFailed, err
	})
	if err != nil {
		return "", err
	}
	if job.State == paas.BuildFailed {
		return "", paas.Errorf(paas.Conflict, "The build failed: %s", job.Reason)
	}
	// This request is not broken off with the run: destroy must find the app that comes of it.
	sent, cancel := context.WithTimeout(context.WithoutCancel(ctx), v.within)
	defer cancel()
	answer, err := v.c.CreateRelease(sent, v.app, wire.CreateRelease{
		Source: wire.Source{Spec: text, Filename: spec.FileName}, Artifact: job.Artifact, Runtime: job.Runtime, Note: "crumpet cluster verify",
	})
	if err != nil {
		return "", err
	}
	if err := v.walk(ctx, answer); err != nil {
		return "", err
	}
	return "Release 1 serves with two instances.", nil
}

// source writes the canary's files into a folder, and gives its spec.
func (v *verify) source(dir string) (text string, err error) {
	err = fs.WalkDir(canaryFiles, "canary", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		to := filepath.Join(dir, strings.TrimPrefix(path, "canary"))
		if d.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		content, err := canaryFiles.ReadFile(path)
		if filepath.Base(path) == spec.FileName {
			text = strings.Replace(string(content), `app "canary"`, `app "`+v.app+`"`, 1)
			content = []byte(text)
		}
		if err != nil {
			return err
		}
		return os.WriteFile(to, content, 0o644)
	})
	return text, err
}

// walk waits for the end of a deployment, which must be a good one.
func (v *verify) walk(ctx context.Context, answer wire.Deployed) error {
	if answer.Deployment == nil {
		return paas.Errorf(paas.Conflict, "Release %d made no deployment.", answer.Release.Number)
	}
	d := *answer.Deployment
	err := poll(ctx, func() (over bool, err error) {
		d, err = v.c.Deployment(ctx, v.app, d.ID)
		return d.State.Ended(), err
	})
	if err == nil && d.State != paas.DeploymentHealthy {
		return paas.Errorf(paas.Conflict, "Deployment %s of release %d is %s: %s", d.ID, d.Release, d.State, d.Reason)
	}
	return err
}

// checkRoute asks the canary through every router.
func (v *verify) checkRoute(ctx context.Context) (string, error) {
	var route wire.Route
	err := poll(ctx, func() (bool, error) { // Crumpet's own word: it is in the table of every router, and answers
		status, err := v.c.Status(ctx, v.app)
		if err != nil || len(status.Routes) == 0 {
			return false, err
		}
		route = status.Routes[0]
		return route.State == paas.RouteAnswering, nil
	})
	if err != nil {
		return "", err
	}
	v.host, v.url = route.Host, route.URL
	if _, err := url.Parse(v.url); err != nil {
		return "", err
	}
	at, unreached, err := v.routers(ctx)
	if err != nil {
		return "", err
	}
	for _, router := range at {
		if _, err := v.ask(ctx, router, ""); err != nil {
			return "", err
		}
	}
	found := fmt.Sprintf("%s answers through %s.", v.host, strings.Join(at, " and "))
	if len(at) == 0 {
		if _, err := v.ask(ctx, "", ""); err != nil {
			return "", err
		}
		found = v.url + " answers."
	}
	if len(unreached) > 0 {
		found += fmt.Sprintf(" %s can't be reached from here; the table of each has the route.", strings.Join(unreached, " and "))
	}
	return found, nil
}

// checkSecret gives the canary a secret and asks whether it has it.
func (v *verify) checkSecret(ctx context.Context) (string, error) {
	answer, err := v.ask(ctx, v.any(ctx), "")
	if err != nil {
		return "", err
	}
	if answer.Secret != "" {
		return "", paas.Errorf(paas.Conflict, "The canary has a secret that nobody gave it.")
	}
	done, err := v.c.ChangeConfig(ctx, v.app, wire.ChangeConfig{
		Set: []wire.ConfigValue{{Name: canarySecret, Value: wire.Value(v.secret), Kind: paas.ConfigSecret}}, Note: "crumpet cluster verify",
	})
	if err != nil {
		return "", err
	}
	if done.Deployed == nil {
		return "", paas.Errorf(paas.Conflict, "The secret was kept, and not deployed.")
	}
	if err := v.walk(ctx, *done.Deployed); err != nil {
		return "", err
	}
	return "The canary reads what was set, through Vault, as release " + fmt.Sprint(done.Deployed.Release.Number) + ".", v.until(ctx, digestOf(v.secret))
}

// until waits until instances answer with that digest of their secret: a walk that has ended leaves old instances a
// moment for what they have begun.
func (v *verify) until(ctx context.Context, digest string) error {
	said := canaryAnswer{Secret: "?"}
	limited, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	err := poll(limited, func() (yes bool, err error) {
		said, err = v.ask(limited, v.any(limited), "")
		return said.Secret == digest, err
	})
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return paas.Errorf(paas.Conflict, "The canary answers with another secret than the one that it should have.")
	}
	return err
}

// checkLog follows the log until a line comes that a request made.
func (v *verify) checkLog(ctx context.Context) (string, error) {
	mark := v.app + "-" + fmt.Sprint(time.Now().UnixNano())
	following, stop := context.WithCancel(ctx)
	asking := make(chan error, 1)
	go func() {
		defer stop() // a canary that does not answer writes nothing either
		asking <- poll(following, func() (bool, error) {
			_, err := v.ask(following, v.any(following), mark)
			return false, err
		})
	}()
	var err error
	seen := ""
	for line, heard := range v.c.Logs(following, v.app, client.LogQuery{Process: "web", Match: regexp.QuoteMeta(mark), Lines: 10, Follow: true}) {
		if err = heard; err != nil || strings.Contains(line.Text, mark) {
			seen = line.Instance
			break
		}
	}
	stop()
	asked := <-asking
	switch _, answered := errors.AsType[*paas.Error](asked); {
	case seen != "":
	case answered:
		return "", asked
	case err != nil:
		return "", err
	default:
		return "", paas.Errorf(paas.Unavailable, "No line came.")
	}
	return "A line of instance " + short(seen) + " was followed.", nil
}

// checkReschedule stops an instance and waits until another serves in its place, under requests.
func (v *verify) checkReschedule(ctx context.Context) (string, error) {
	began := time.Now()
	status, err := v.c.Status(ctx, v.app)
	if err != nil {
		return "", err
	}
	i := slices.IndexFunc(status.Instances, func(i wire.Instance) bool { return i.State == paas.InstanceRunning && i.Health == paas.HealthHealthy })
	if i < 0 {
		return "", paas.Errorf(paas.Conflict, "No instance is healthy.")
	}
	old := status.Instances[i]
	if _, err := v.c.RestartInstance(ctx, v.app, old.ID, "", false); err != nil {
		return "", err
	}
	asked := 0
	err = poll(ctx, func() (bool, error) {
		asked++
		if _, err := v.ask(ctx, v.any(ctx), ""); err != nil {
			return false, err
		}
		status, err := v.c.Status(ctx, v.app)
		healthy := 0
		for _, i := range status.Instances {
			if i.ID != old.ID && i.State == paas.InstanceRunning && i.Health == paas.HealthHealthy {
				healthy++
			}
		}
		return healthy >= 2, err
	})
	return fmt.Sprintf("Instance %s was stopped, and two are healthy again after %s; %s meanwhile, none failed.", short(old.ID), seconds(time.Since(began)), count(asked, "request")), err
}

// checkRollback restores release 1, which knows no secret.
func (v *verify) checkRollback(ctx context.Context) (string, error) {
	answer, err := v.c.Rollback(ctx, v.app, wire.Rollback{Release: 1, Note: "crumpet cluster verify"})
	if err != nil {
		return "", err
	}
	if err := v.walk(ctx, answer); err != nil {
		return "", err
	}
	return "Release 1 is back, and knows no secret.", v.until(ctx, "")
}

// destroy takes an app away; none is as well.
func (v *verify) destroy(ctx context.Context, app string) error {
	if _, err := v.c.Destroy(ctx, app); err != nil {
		if paas.CodeOf(err) == paas.NotFound {
			return nil
		}
		return err
	}
	return poll(ctx, func() (bool, error) {
		_, err := v.c.App(ctx, app)
		if paas.CodeOf(err) == paas.NotFound {
			return true, nil
		}
		return false, err
	})
}

// checkDestroy takes the canary away, and the team unless another run is at work in it.
func (v *verify) checkDestroy(ctx context.Context) (string, error) {
	if err := v.destroy(ctx, v.app); err != nil {
		return "", err
	}
	hosts, err := v.c.Hosts(ctx)
	if err != nil {
		return "", err
	}
	for _, h := range hosts.Items {
		if h.Team == verifyTeam && strings.HasPrefix(h.Host, v.app) {
			if _, err := v.c.ReleaseHost(ctx, h.Host); err != nil && paas.CodeOf(err) != paas.NotFound {
				return "", err
			}
		}
	}
	apps, err := v.c.Apps(ctx, client.AppsQuery{})
	if err != nil {
		return "", err
	}
	if len(apps.Items) > 0 {
		return "The canary is gone; another run is at work in the team.", nil
	}
	if _, err := v.c.DeleteTeam(ctx, verifyTeam); err != nil && paas.CodeOf(err) != paas.NotFound {
		return "", err
	}
	return "The canary and its team are gone.", nil
}

// checkNothingLeft asks whether anything of the canary stands on the cluster.
func (v *verify) checkNothingLeft(ctx context.Context) (string, error) {
	drift, err := v.c.Drift(ctx, "")
	if err != nil {
		return "", err
	}
	for _, f := range drift.Items {
		if strings.Contains(f.Thing+f.Found, v.app) {
			return "", paas.Errorf(paas.Conflict, "%s: %s", f.Thing, f.Found)
		}
	}
	return "Nomad, Consul and the routers know nothing of it.", nil
}
