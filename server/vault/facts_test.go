package vault_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/vault"
)

// raft is a Vault of three on raft. Its second server is at another loopback address, where nobody listens.
func raft(sealed, allowed bool, storage string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/sys/seal-status":
			_, _ = fmt.Fprintf(w, `{"type":"shamir","initialized":true,"sealed":%t,"version":"2.6.2","storage_type":%q}`, sealed, storage)
		case "/v1/sys/health":
			_, _ = fmt.Fprintf(w, `{"initialized":true,"sealed":%t,"server_time_utc":%d}`, sealed, time.Now().Add(-time.Hour).Unix())
		case "/v1/sys/storage/raft/autopilot/state":
			if !allowed {
				fail(w, http.StatusForbidden, "permission denied")
				return
			}
			_, _ = w.Write([]byte(`{"data":{"healthy":false,"leader":"v1","servers":{
 "v1":{"name":"v1","address":"127.0.0.1:8201","status":"leader","healthy":true,"version":"2.6.2"},
 "v2":{"name":"v2","address":"127.0.0.98:8201","status":"voter","healthy":false,"version":"2.6.2"},
 "v3":{"name":"v3","address":"127.0.0.1:8201","status":"non-voter","healthy":true}}}}`))
		default:
			fail(w, http.StatusNotFound, r.URL.Path)
		}
	}
}

func TestAQuorumOnRaftAsksEachServerForItsSeal(t *testing.T) {
	t.Parallel()
	q, err := client(t, raft(false, true, "raft"), vault.Config{}).Quorum(t.Context())
	if err != nil || len(q.Servers) != 3 || q.Leader != "v1" || q.Seal != "shamir" || q.Alone {
		t.Fatalf("quorum: %+v, %v", q, err)
	}
	one, two, three := q.Servers[0], q.Servers[1], q.Servers[2]
	if !one.Leader || !one.Voter || !one.Healthy || one.Sealed || one.Reason != "" {
		t.Errorf("one: %+v", one)
	}
	if two.Healthy || !two.Voter || !strings.Contains(two.Reason, "127.0.0.98") {
		t.Errorf("two: %+v", two)
	}
	if three.Voter || three.Version != "2.6.2" {
		t.Errorf("three: %+v", three)
	}
	if q.Skew == nil || *q.Skew > -59*time.Minute {
		t.Errorf("skew %v, want an hour behind", q.Skew)
	}
}

func TestAVaultThatIsSealedOrAloneIsAllThatIsKnown(t *testing.T) {
	t.Parallel()
	q, err := client(t, raft(true, true, "raft"), vault.Config{}).Quorum(t.Context())
	if err != nil || len(q.Servers) != 1 || !q.Servers[0].Sealed || q.Leader != "" || q.Spare() != -1 {
		t.Errorf("sealed: %+v, %v", q, err)
	}
	q, err = client(t, raft(false, false, "file"), vault.Config{}).Quorum(t.Context())
	if err != nil || !q.Alone || len(q.Servers) != 1 || !q.Servers[0].Leader || q.Spare() != 0 {
		t.Errorf("on a file: %+v, %v", q, err)
	}
	if _, err = client(t, raft(false, false, "raft"), vault.Config{}).Quorum(t.Context()); paas.CodeOf(err) != paas.Forbidden {
		t.Errorf("without the right to ask: %v", err)
	}
}
