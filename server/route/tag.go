package route

import (
	"os"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// ParseTag reads a service tag as Fabio does: src is HOST/PATH or :PORT, opts what follows the first
// space; ok is false for a tag that makes no route. Fabio lowers the host, and replaces $NAME by the
// empty text for every name but DC.
func ParseTag(tag string) (src, opts string, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(tag), paas.TagPrefix)
	if !ok {
		return "", "", false
	}
	src, opts, _ = strings.Cut(strings.TrimSpace(rest), " ")
	host, path, found := strings.Cut(src, "/")
	if strings.HasPrefix(src, ":") || !found {
		return src, opts, true
	}
	empty := func(string) string { return "" }
	return strings.ToLower(os.Expand(host, empty)) + "/" + os.Expand(path, empty), opts, true
}
