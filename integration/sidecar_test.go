package integration_test

import (
	"strings"
	"testing"
	"time"
)

const beside = `process "queue" {
    command      = ["./worker", "queue"]
    startup      = "8s"
    kill_timeout = "1s"
    restart {
      delay = "1s"
    }
    health {
      liveness {
        exec     = ["./worker", "alive"]
        interval = "1s"
        failures = 2
      }
    }
    sidecar "proxy" {
      command = ["./worker", "proxy"]
    }
  }`

// TestSidecars: a program beside another has its own output and its own failures, and a process without
// a port is asked from inside whether it is alive.
func TestSidecars(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	c := newCounter(t)
	app := t.TempDir()
	c.hold("queue", true)
	c.hold("proxy", true)
	writeWorker(t, app, c, "one", beside)
	d.ok(app, "push")
	queue := func() (state, health, reason string) {
		for _, i := range d.status("worker").Instances {
			if i.Process == "queue" && i.State != "complete" {
				return i.State, i.Health, i.Reason
			}
		}
		return "", "", ""
	}
	if state, health, reason := queue(); state != "running" || health != "healthy" || reason != "" {
		t.Errorf("queue is %s and %s: %s", state, health, reason)
	}
	if c.count("alive") == 0 {
		t.Error("nobody asked whether queue is alive")
	}

	c.ends("proxy", 7)
	c.hold("proxy", false)
	d.until(time.Minute, "the sidecar's failure is seen", func() bool {
		_, _, reason := queue()
		return strings.HasPrefix(reason, "sidecar proxy of queue exited") && strings.HasSuffix(reason, "with code 7")
	})
	if logs := d.ok(app, "logs", "--process", "queue/proxy"); !strings.Contains(logs, "queue/proxy[") || !strings.Contains(logs, "proxy ran with []") {
		t.Errorf("logs of the sidecar: %s", logs)
	}
	c.hold("proxy", true)

	started := c.count("queue")
	c.ends("alive", 1)
	d.until(2*time.Minute, "the probe's failure is seen", func() bool {
		_, _, reason := queue()
		return strings.HasPrefix(reason, "the liveness probe of queue fails: ")
	})
	d.until(2*time.Minute, "queue was started again", func() bool { return c.count("queue") > started })
	c.ends("alive", 0)
	d.until(2*time.Minute, "queue is healthy again", func() bool { _, health, _ := queue(); return health == "healthy" })
}
