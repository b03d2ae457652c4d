package bootstrap

import (
	"time"

	"github.com/crumpet-paas/crumpet/server/fleet"
)

// What the tests try out for real, in a shell.
const (
	FactsScript     = factsScript
	InstalledScript = installedScript
)

// The scripts and readers of the first steps.
var (
	LinkScript    = linkScript
	VersionScript = versionScript
	Says          = says
)

// Reach and Programs are the first two steps.
func Reach() Step    { return reach{} }
func Programs() Step { return programs{} }

// Judge reads what factsScript printed and judges it.
func Judge(text []byte, f fleet.Fleet, m fleet.Machine, mine bool) (now time.Time, faults, warnings []string, err error) {
	is, err := readFacts(text)
	if err != nil {
		return time.Time{}, nil, nil, err
	}
	faults, warnings = is.judge(f, m, mine)
	return is.now, faults, warnings, nil
}
