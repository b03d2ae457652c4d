package integration_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What the proof of the policies rests on, without the programs: TestPolicies has those.

func TestEveryGrantOfAPolicyIsTakenAwayOnce(t *testing.T) {
	t.Parallel()
	text := `namespace "*" {
  capabilities = [
    # Why.
    "list-jobs",
    "read-job",
  ]
}
namespace "own" {
  capabilities = [
    "read-job",
  ]
}
node { policy = "write" }
operator = "read"
path "a/*" {
  capabilities = ["create", "update"]
}`
	var got []string
	for _, c := range cutsOf(text) {
		var changed []string
		for i, line := range strings.Split(c.text, "\n") {
			if was := strings.Split(text, "\n")[i]; line != was {
				changed = append(changed, strings.TrimSpace(line))
			}
		}
		got = append(got, fmt.Sprintf("%d %s -> %s", c.line, c.grant, strings.Join(changed, "|")))
	}
	want := []string{
		`4 namespace "*": list-jobs -> `, `5 namespace "*": read-job -> `,
		`10 namespace "own": read-job -> "deny",`, // alone in its list
		`13 node: write -> `, `13 node: write, not read only -> node { policy = "read" }`,
		`14 operator: read -> `,
		`16 path "a/*": create -> capabilities = ["update"]`, `16 path "a/*": update -> capabilities = ["create"]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestARefusalIsSeenWhateverItsStatus(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path    string
		status  int
		body    string
		refused bool
	}{
		"a list":                         {"/v1/jobs", http.StatusOK, `[{}]`, false},
		"forbidden":                      {"/v1/jobs", http.StatusForbidden, "Permission denied", true},
		"a stranger":                     {"/v1/catalog/nodes", http.StatusInternalServerError, "rpc error: Permission denied", true},
		"Consul's key, to be read":       {"/v1/operator/keyring", http.StatusInternalServerError, "Reading keyring denied by ACLs", true},
		"Consul's key, to be written":    {"/v1/operator/keyring", http.StatusInternalServerError, "Modifying keyring denied due to ACLs", true},
		"no leader":                      {"/v1/kv/a", http.StatusInternalServerError, "No cluster leader", false},
		"a sealed Vault":                 {"/v1/crumpet/data/a", http.StatusServiceUnavailable, `{"errors":["Vault is sealed"]}`, false},
		"events":                         {"/v1/event/stream?namespace=*", http.StatusOK, "{}\n", false},
		"events, ended without a word":   {"/v1/event/stream?namespace=*", http.StatusOK, "", true},
		"a file that is empty, streamed": {"/v1/client/fs/stream/a?path=b", http.StatusOK, "", false},
	} {
		program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		}))
		g := &guarded{plane: &plane{dev: &dev{t: t}, at: map[string]string{"nomad": strings.TrimPrefix(program.URL, "http://")}}, record: newRecord()}
		who := of("server", "nomad")
		answer, err := http.Get(g.proxy(who, "nomad") + c.path)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		// The answer is here before the record of it.
		g.eventually(time.Second, func() bool {
			g.record.mu.Lock()
			defer g.record.mu.Unlock()
			return len(g.record.refused) > 0 || len(g.record.count) > 0 && !strings.Contains(c.path, "stream")
		})
		g.record.mu.Lock()
		refused := len(g.record.refused) > 0
		g.record.mu.Unlock()
		if refused != c.refused {
			t.Errorf("%s: the record has it as refused: %t", name, refused)
		}
		if o := g.again(call{actor: who, method: http.MethodGet, path: c.path}, "token"); o.refused != c.refused {
			t.Errorf("%s: made again it is %+v", name, o)
		}
		program.Close()
	}
}
