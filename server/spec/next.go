package spec

import "time"

// Next gives when a cron with this schedule fires first after a moment, as Nomad will have it; ok is
// false for one that can't be read or never comes.
func Next(schedule, zone string, after time.Time) (at time.Time, ok bool) {
	location, err := time.LoadLocation(zone)
	if err != nil {
		return time.Time{}, false
	}
	when, err := parseSchedule(schedule)
	if err != nil {
		return time.Time{}, false
	}
	at = when.Next(after.In(location))
	return at, !at.IsZero()
}
