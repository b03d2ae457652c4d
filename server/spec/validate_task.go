package spec

import (
	"fmt"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the same zones everywhere, also where the system has none

	"github.com/hashicorp/cronexpr"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	maxTimeout      = 7 * 24 * time.Hour
	maxTaskAttempts = 10
)

func validateTask(at place, t paas.Task, r report) {
	validateProgram(at, t.Program, owner{what: fmt.Sprintf("task %q", t.Name)}, nomadDisk, r)
	needCommand(at, "task", t.Name, t.Program, r)
	if !slices.Contains(phases, t.Phase) {
		r.say(at.attr("phase"), "Unknown value", "%s", unknownWord("phase of a task", string(t.Phase), phases))
	}
	validateAttempts(at, t.Attempts, t.Timeout, r)
}

func validateCron(at place, t paas.Cron, r report) {
	validateProgram(at, t.Program, owner{what: fmt.Sprintf("cron %q", t.Name)}, nomadDisk, r)
	needCommand(at, "cron", t.Name, t.Program, r)
	validateAttempts(at, t.Attempts, t.Timeout, r)
	validateSchedule(at.attr("schedule"), t, r)
	switch _, err := time.LoadLocation(t.TimeZone); {
	case t.TimeZone == "" || t.TimeZone == "Local":
		r.say(at.attr("time_zone"), "Bad time zone", "The time zone %q is another one on every machine. Write a name such as \"Europe/Berlin\", or \"UTC\".", t.TimeZone)
	case err != nil:
		r.say(at.attr("time_zone"), "Bad time zone", "There is no time zone %q. Write a name such as \"Europe/Berlin\", or \"UTC\".", t.TimeZone)
	}
}

func validateAttempts(at place, attempts int, timeout time.Duration, r report) {
	count(r, at.attr("attempts"), "number of attempts after a failure", "", attempts, 0, maxTaskAttempts)
	span(r, at.attr("timeout"), "timeout", timeout, time.Second, maxTimeout)
}

func validateSchedule(at place, t paas.Cron, r report) {
	fields := len(strings.Fields(t.Schedule))
	const form = "schedule = \"30 4 * * *\" for half past four each night: minute, hour, day of the month, month and day of the week"
	if t.Schedule == "" {
		r.missing(at, "Schedule missing", "The cron %q has no schedule. Write %s.", t.Name, form)
		return
	}
	when, err := parseSchedule(t.Schedule)
	switch {
	case err != nil && fields < 5 && !strings.HasPrefix(t.Schedule, "@"):
		r.say(at, "Bad schedule", "The schedule %q has %d of five parts. Write %s.", t.Schedule, fields, form)
	case err != nil:
		r.say(at, "Bad schedule", "The schedule %q can't be read: %s. Write %s.", t.Schedule, err, form)
	case when.Next(anyDay).IsZero():
		r.say(at, "Bad schedule", "The schedule %q never comes: there is no such day. Write %s.", t.Schedule, form)
	}
}

// anyDay is where the search for a schedule's next time begins: Validate has no clock.
var anyDay = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func parseSchedule(s string) (e *cronexpr.Expression, err error) {
	e, err = cronexpr.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%s", strings.TrimSuffix(err.Error(), "."))
	}
	return e, nil
}
