package integration_test

import (
	"strings"
	"testing"
	"time"
)

// TestCrons: a cron fires on its schedule as long as its release serves.
func TestCrons(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	c := newCounter(t)
	app := t.TempDir()
	cron := func(schedule string) string {
		return `cron "report" {
    command  = ["./worker", "report"]
    schedule = "` + schedule + `"
  }`
	}
	const often, yearly = "*/2 * * * * * *", "0 0 1 1 *"

	writeWorker(t, app, c, "one", cron(often))
	d.ok(app, "push")
	d.until(time.Minute, "report has fired twice", func() bool { return c.count("report") >= 2 })
	type crons struct {
		Items []struct {
			Name       string
			Registered bool
			NextAt     *time.Time `json:"next_at"`
			Last       *struct{ Status, Reason string }
		}
	}
	var seen crons
	d.until(time.Minute, "a run of report is seen complete", func() bool {
		d.json(&seen, app, "crons")
		return len(seen.Items) == 1 && seen.Items[0].Last != nil && seen.Items[0].Last.Status == "complete"
	})
	if got := seen.Items[0]; !got.Registered || got.NextAt == nil || time.Until(*got.NextAt) > 5*time.Second {
		t.Errorf("crons: %+v", got)
	}
	if logs := d.ok(app, "logs", "--process", "report"); !strings.Contains(logs, "report ran with []") {
		t.Errorf("logs of report: %s", logs)
	}

	c.ends("report", 4)
	d.until(time.Minute, "a failure of report is seen", func() bool {
		d.json(&seen, app, "crons")
		return seen.Items[0].Last.Status == "failed" && strings.Contains(seen.Items[0].Last.Reason, "report exited with code 4")
	})
	c.ends("report", 0)

	// A firing that goes on can be stopped, as any run.
	c.hold("report", true)
	var going string
	d.until(time.Minute, "a firing goes on", func() bool {
		var list runs
		d.json(&list, app, "run", "--list", "report")
		for _, r := range list.Items {
			if r.Status == "running" {
				going = r.ID
			}
		}
		return going != ""
	})
	d.ok(app, "run", "--stop", going[:12])
	d.until(time.Minute, "the firing was stopped", func() bool {
		var list runs
		d.json(&list, app, "run", "--list", "report")
		for _, r := range list.Items {
			if r.ID == going && r.Status == "killed" {
				return strings.HasPrefix(r.Reason, "stopped by ")
			}
		}
		return false
	})
	c.hold("report", false)

	// Another schedule comes with the release that has it.
	writeWorker(t, app, c, "two", cron(yearly))
	d.ok(app, "push")
	quiet := func(what string) {
		t.Helper()
		d.until(time.Minute, "report no longer fires, as "+what, func() bool {
			before := c.count("report")
			time.Sleep(5 * time.Second) // it would have fired twice
			return c.count("report") == before
		})
	}
	quiet("it has another schedule")
	if out := d.ok(app, "run", "report", "--", "now"); out != `report ran with ["now"]`+"\n" {
		t.Errorf("run report wrote %s", out)
	}

	writeWorker(t, app, c, "two", cron(often))
	d.ok(app, "push")
	before := c.count("report")
	d.until(time.Minute, "report fires again", func() bool { return c.count("report") > before })
	d.ok(app, "stop")
	quiet("the app is stopped")
	d.ok(app, "start")
	before = c.count("report")
	d.until(time.Minute, "report fires again", func() bool { return c.count("report") > before })
	writeWorker(t, app, c, "two", "")
	d.ok(app, "push")
	quiet("the release has it no more")
	d.json(&seen, app, "crons")
	if len(seen.Items) != 0 {
		t.Errorf("crons of a release without any: %+v", seen)
	}
}
