package vault

import (
	"net/http"
	"path"
	"strings"
)

// elsewhere leads a caller whose path is not clean to the one that is, as Vault does: what the policies are asked for is
// never a path with dots or two slashes. Dots and slashes that are encoded stay; see relative.
func elsewhere(w http.ResponseWriter, r *http.Request) bool {
	asked := r.URL.EscapedPath()
	clean := path.Clean(asked)
	if strings.HasSuffix(asked, "/") && clean != "/" {
		clean += "/"
	}
	if clean == asked {
		return false
	}
	if r.URL.RawQuery != "" {
		clean += "?" + r.URL.RawQuery
	}
	http.Redirect(w, r, clean, http.StatusTemporaryRedirect)
	return true
}

// relative refuses a key with two dots in it, however it was written: Vault's storage takes none.
func relative(key string) error {
	if strings.Contains(key, "..") {
		return failf(http.StatusBadRequest, "relative paths not supported")
	}
	return nil
}
