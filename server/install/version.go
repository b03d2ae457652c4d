package install

import (
	"fmt"
	"strconv"
	"strings"
)

// downgrade says why a version can't take the place of the one that runs: an older program does not start on the store of
// a newer one. "" where it can, or where that is not known; a new server that can't start then shows it, before any old
// one is touched. schema is that of the wanted version, 0 where it is not known.
func downgrade(runs, had, wanted string, schema int64) string {
	before, err := strconv.ParseInt(had, 10, 64)
	if err != nil || schema == 0 || schema >= before {
		return ""
	}
	return fmt.Sprintf("Crumpet %s has brought the store to version %d, and %s knows versions up to %d only: it would not start. Install %s or newer; or restore a backup that was made before.",
		runs, before, wanted, schema, runs)
}

// major and minor are the first two numbers of a version, 0 where there is none.
func major(version string) int { return part(version, 0) }
func minor(version string) int { return part(version, 1) }

func part(version string, n int) int {
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if n >= len(parts) {
		return 0
	}
	digits := strings.IndexFunc(parts[n], func(r rune) bool { return r < '0' || r > '9' })
	if digits >= 0 {
		parts[n] = parts[n][:digits]
	}
	number, _ := strconv.Atoi(parts[n]) // 0 for what is no number
	return number
}
