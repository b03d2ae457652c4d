package brokertest_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
)

func TestAnswersComeInTheirOrderAndRequestsAreKept(t *testing.T) {
	t.Parallel()
	b := brokertest.New()
	b.On(brokertest.Provision, brokertest.JSON(202, `{"operation":"t"}`), brokertest.With("Retry-After", "3", brokertest.Raw(503, "", "busy")))
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	var got []string
	for _, path := range []string{"/v2/service_instances/a%2Fb?x=1", "/v2/service_instances/c", "/v2/service_instances/d", "/v2/service_instances/a/b/c"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, server.URL+path, strings.NewReader("hello"))
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, resp.Status[:3]+" "+resp.Header.Get("Content-Type")+resp.Header.Get("Retry-After")+" "+string(body))
	}
	want := []string{`202 application/json {"operation":"t"}`, "503 3 busy", "503 3 busy", `501 application/json {"description":"no script"}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	asked := b.Asked()
	if len(asked) != 4 || asked[0].Kind != brokertest.Provision || asked[0].URI != "/v2/service_instances/a%2Fb?x=1" || asked[0].Body != "hello" {
		t.Errorf("asked: %+v", asked)
	}
	if last := b.Last(); last.Kind == brokertest.Provision || last.Method != http.MethodPut {
		t.Errorf("last: %+v", last)
	}
}
