package agents

import (
	"strconv"
	"strings"

	"github.com/crumpet-paas/crumpet/server/fleet"
)

// atLeast says whether a program is of this version or newer. A version of which nothing is known is a current one.
func atLeast(p fleet.Program, major, minor int) bool {
	parts := strings.SplitN(strings.TrimPrefix(p.Version, "v"), ".", 3)
	if len(parts) < 2 {
		return true
	}
	has, err := strconv.Atoi(parts[0])
	if err != nil {
		return true
	}
	hasMinor, err := strconv.Atoi(parts[1])
	if err != nil {
		return true
	}
	return has > major || has == major && hasMinor >= minor
}
