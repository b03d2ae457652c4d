package paas

import (
	"fmt"
	"strings"
	"time"
)

// TeamChanged is the event of a change of a team, by somebody.
func TeamChanged(at time.Time, team, by, message string) Event {
	return Event{Time: at.UTC(), Team: team, Kind: EventTeamChanged, By: by, Message: message}
}

// UserChanged are the events of a change of a user, by somebody: that of no team, which admins see, and one for
// each team of the user's, whose members see it in their list.
func UserChanged(at time.Time, of []Member, by, message string) []Event {
	events := []Event{{Time: at.UTC(), Kind: EventUserChanged, By: by, Message: message}}
	for _, m := range of {
		events = append(events, TeamChanged(at, m.Team, by, message))
	}
	return events
}

// TellQuota says which bounds of a quota are others than before, "" for none.
func TellQuota(before, after TeamQuota) string {
	var parts []string
	for _, n := range []struct {
		what    string
		was, is int
		unit    string
	}{
		{"memory", before.Memory, after.Memory, " MB"},
		{"cpu", before.CPU, after.CPU, " MHz"},
		{"apps", before.Apps, after.Apps, ""},
		{"instances", before.Instances, after.Instances, ""},
		{"routes", before.Routes, after.Routes, ""},
		{"storage", before.Storage, after.Storage, " MB"},
	} {
		switch {
		case n.was == n.is:
		case n.is == 0:
			parts = append(parts, n.what+" without bound")
		default:
			parts = append(parts, fmt.Sprintf("%s %d%s", n.what, n.is, n.unit))
		}
	}
	return strings.Join(parts, ", ")
}

// TellMember says in one sentence what somebody did to a membership: before is nil for a new one, after for one
// that has ended. "" where nothing that is shown is another. One by a group of a provider is the group's doing.
func TellMember(by string, before, after *Member) string {
	switch {
	case before == nil && after == nil:
		return ""
	case after == nil:
		if provider, group, grouped := strings.Cut(before.Source, ":"); grouped {
			return fmt.Sprintf("%s is no longer in the team by group %s of %s", before.User, group, provider)
		}
		return fmt.Sprintf("%s took %s out of the team", by, before.User)
	case before != nil && before.Role == after.Role && before.Source == after.Source:
		return ""
	}
	if provider, group, grouped := strings.Cut(after.Source, ":"); grouped {
		by = fmt.Sprintf("group %s of %s", group, provider)
	}
	said := fmt.Sprintf("%s made %s a %s", by, after.User, after.Role)
	if before != nil && before.Role != after.Role {
		said += fmt.Sprintf(" instead of a %s", before.Role)
	}
	return said
}

// TellUser says in one sentence what somebody did to a user, "" where nothing that is shown is another.
func TellUser(by string, before, after User) string {
	var did []string
	add := func(differs bool, format string) {
		if differs {
			did = append(did, fmt.Sprintf(format, after.Name))
		}
	}
	add(before.Disabled && !after.Disabled, "enabled %s")
	add(!before.Disabled && after.Disabled, "disabled %s")
	add(!before.Admin && after.Admin, "made %s an admin")
	add(before.Admin && !after.Admin, "took the rights of an admin from %s")
	add(before.LockedUntil != nil && after.LockedUntil == nil, "unlocked %s")
	add(before.Password != after.Password, "set a new password of %s") // the word for it only
	add(before.FullName != after.FullName || before.Email != after.Email, "described %s anew")
	if len(did) == 0 {
		return ""
	}
	return by + " " + strings.Join(did, ", ")
}
