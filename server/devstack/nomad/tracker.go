package nomad

import (
	"fmt"
	"math/rand/v2"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"
)

// tracker counts a task's restarts against its policy, as Nomad's does.
type tracker struct {
	onSuccess bool      // an exit with 0 is followed by a restart
	begun     time.Time // of the present interval
	count     int
}

// verdict is what comes after an exit or a failed start.
type verdict struct {
	restart bool
	done    bool // the task has ended well
	delay   time.Duration
	reason  string
}

func newTracker(onSuccess bool, now time.Time) *tracker {
	return &tracker{onSuccess: onSuccess, begun: now}
}

// exited judges an exit. Asked is a restart by a user, which costs no attempt.
func (t *tracker) exited(p *nomadapi.RestartPolicy, success, asked bool, now time.Time) verdict {
	switch {
	case asked:
		return verdict{restart: true}
	case success && !t.onSuccess:
		return verdict{done: true}
	}
	return t.judge(p, true, now)
}

// judge decides after an exit, or after a start that failed.
func (t *tracker) judge(p *nomadapi.RestartPolicy, recoverable bool, now time.Time) verdict {
	if p == nil || p.Attempts == nil || *p.Attempts == 0 {
		return verdict{reason: "Policy allows no restarts"}
	}
	if end := t.begun.Add(*p.Interval); now.After(end) {
		t.count, t.begun = 0, now
	}
	t.count++
	if !recoverable {
		return verdict{reason: "Error was unrecoverable"}
	}
	if t.count <= *p.Attempts {
		return verdict{restart: true, delay: jitter(*p.Delay), reason: withinPolicy}
	}
	if *p.Mode == "fail" {
		return verdict{reason: fmt.Sprintf(`Exceeded allowed attempts %d in interval %v and mode is "fail"`, *p.Attempts, *p.Interval)}
	}
	return verdict{restart: true, delay: t.begun.Add(*p.Interval).Sub(now), reason: "Exceeded allowed attempts, applying a delay"}
}

// jitter adds up to a quarter.
func jitter(d time.Duration) time.Duration {
	d = max(d, 1)
	return d + time.Duration(float64(rand.Int64N(int64(d)))*0.25)
}
