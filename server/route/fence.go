package route

import (
	"fmt"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	fenceService = "crumpet-fence"
	// fenceTarget is never connected to: no client asks for the fence's host.
	fenceTarget = "http://127.0.0.1:9/"
	maxVersion  = 128
)

func fenceLine(ref paas.AppRef, version string) (string, error) {
	if problem := paas.CheckName("team", ref.Team, paas.MaxTeam); problem != "" {
		return "", fmt.Errorf("rule: %s", problem)
	}
	if problem := paas.CheckName("app", ref.App, paas.MaxApp); problem != "" {
		return "", fmt.Errorf("rule: %s", problem)
	}
	if !validVersion(version) {
		return "", fmt.Errorf("rule of app %s: version %q is not 1 to %d letters, digits, dots, dashes and underscores", ref, version, maxVersion)
	}
	return fmt.Sprintf("route add %s %s/%s/%s %s", fenceService, paas.FenceHost, ref, version, fenceTarget), nil
}

func validVersion(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}
	return s != "" && len(s) <= maxVersion
}

// FenceOf gives the version of each app's rule that stands in a router's table.
func FenceOf(table paas.RouterTable) map[paas.AppRef]string {
	versions := map[paas.AppRef]string{}
	for _, e := range table.Entries {
		if e.Service != fenceService || e.Host != paas.FenceHost {
			continue
		}
		part := strings.Split(strings.Trim(e.Path, "/"), "/")
		if len(part) == 3 && validVersion(part[2]) {
			versions[paas.AppRef{Team: part[0], App: part[1]}] = part[2]
		}
	}
	return versions
}

// Seen gives the version of an app's rule that stands in every table, or "" if they differ, one has
// none, or there is no table.
func Seen(tables []paas.RouterTable, ref paas.AppRef) string {
	seen := ""
	for i, t := range tables {
		version := FenceOf(t)[ref]
		if version == "" || (i > 0 && version != seen) {
			return ""
		}
		seen = version
	}
	return seen
}

// FenceVersion gives the version that the text of a rule will show, or "" if it has no fence.
func FenceVersion(text string) string {
	commands, err := Parse(text)
	if err != nil {
		return ""
	}
	for _, c := range commands {
		src, found := strings.CutPrefix(c.Src, paas.FenceHost+"/")
		if c.Verb == VerbAdd && c.Service == fenceService && found {
			return src[strings.LastIndexByte(src, '/')+1:]
		}
	}
	return ""
}

// Shape says what the text of a rule does beside showing its fence.
type Shape struct {
	Hides  bool // takes services out of the tables
	Shares bool // gives services a share
}

// ShapeOf reads the text of a rule. One that routers can't read does nothing.
func ShapeOf(text string) (s Shape) {
	commands, err := Parse(text)
	if err != nil {
		return Shape{}
	}
	for _, c := range commands {
		s.Hides = s.Hides || c.Verb == VerbDel
		s.Shares = s.Shares || c.Verb == VerbWeight
	}
	return s
}
