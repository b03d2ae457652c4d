package fabio_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/fabio"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestSettingsAreThoseOfEveryRouter(t *testing.T) {
	t.Parallel()
	well := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/api/config":
			_, _ = w.Write([]byte(`{"UI":{"Access":"rw"},"Proxy":{"Strategy":"rr","DialTimeout":30000000000},"GlobMatchingDisabled":true,
 "Registry":{"Consul":{"KVPath":"/fabio/config","ServiceMonitors":1,"ChecksRequired":"one"}}}`))
		case "/api/version":
			_, _ = w.Write([]byte("1.7.3\n"))
		default:
			t.Errorf("asked for %s", r.URL.Path)
		}
	})
	silent := server(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) })
	list, err := client(t, fabio.Config{Addresses: []string{well, silent}}).Settings(t.Context())
	if err != nil || len(list) != 2 {
		t.Fatalf("settings: %+v, %v", list, err)
	}
	for _, got := range list {
		if got.Address != well && !strings.Contains(got.Reason, "does not show its configuration") {
			t.Errorf("silent: %+v", got)
		}
		want := paas.RouterSettings{
			Address: well, Version: "1.7.3", Access: "rw", Strategy: "rr", NoGlob: true, KVPath: "/fabio/config", Monitors: 1, Checks: "one", DialTimeout: 30 * time.Second,
		}
		if diff := cmp.Diff(want, got); got.Address == well && diff != "" {
			t.Errorf("settings (-want +got):\n%s", diff)
		}
	}
}
