package consul_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	consulapi "github.com/hashicorp/consul/api"
)

// TestGRPCCheckAsksForTheService: the frames are those of grpc.health.v1, written by hand on both sides.
func TestGRPCCheckAsksForTheService(t *testing.T) {
	t.Parallel()
	a := start(t, t.TempDir())
	var answer atomic.Value
	answer.Store([]byte{0, 0, 0, 0, 2, 8, 1})
	target := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		want := []byte{0, 0, 0, 0, 6, 10, 4, 's', 'h', 'o', 'p'}
		if err != nil || r.ProtoMajor != 2 || r.URL.Path != "/grpc.health.v1.Health/Check" || !bytes.Equal(body, want) {
			w.Header().Set("Grpc-Status", "3")
			w.Header().Set("Grpc-Message", "bad request")
			return
		}
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = w.Write(answer.Load().([]byte)) // who asked may have left
		w.Header().Set("Grpc-Status", "0")
	}))
	target.Config.Protocols = new(http.Protocols)
	target.Config.Protocols.SetUnencryptedHTTP2(true)
	target.Start()
	t.Cleanup(target.Close)
	address := target.Listener.Addr().String()
	for id, path := range map[string]string{"shop": "/shop", "other": "/other"} {
		check(t, a.Agent().CheckRegister(&consulapi.AgentCheckRegistration{ID: id, Name: id, AgentServiceCheck: consulapi.AgentServiceCheck{
			GRPC: address + path, Interval: "20ms", Timeout: "5s",
		}}))
	}
	becomes := func(id, status, output string) {
		t.Helper()
		eventually(t, id+" is "+status, func() bool {
			checks, err := a.Agent().Checks()
			check(t, err)
			return checks[id].Status == status && checks[id].Output == output && checks[id].Type == "grpc"
		})
	}
	becomes("shop", "passing", "gRPC check "+address+"/shop: success")
	becomes("other", "critical", "rpc error: code = Code(3) desc = bad request")
	answer.Store([]byte{0, 0, 0, 0, 2, 8, 2})
	becomes("shop", "critical", "gRPC application didn't report service healthy")
}
