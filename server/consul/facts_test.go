package consul_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestAQuorumHasItsServersAndTheAgentsBesideThem(t *testing.T) {
	t.Parallel()
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/operator/autopilot/health":
			w.WriteHeader(http.StatusTooManyRequests) // so Consul says that one is not healthy
			_, _ = w.Write([]byte(`{"Healthy":false,"Servers":[
 {"Name":"b","Address":"10.0.0.2:8300","Version":"1.8.7","Voter":true,"Healthy":false},
 {"Name":"a","Address":"10.0.0.1:8300","Version":"1.8.7","Leader":true,"Voter":true,"Healthy":true}]}`))
		case "/v1/agent/members":
			_, _ = w.Write([]byte(`[{"Name":"a","Addr":"10.0.0.1","Status":1,"Tags":{"role":"consul","build":"1.8.7:"}},
 {"Name":"n","Addr":"10.0.1.1","Status":4,"Tags":{"role":"node","build":"1.8.9:abc"}}]`))
		default:
			t.Errorf("asked for %s", r.URL.Path)
		}
	})
	q, err := c.Quorum(t.Context())
	want := paas.Quorum{
		Program: "consul", Leader: "a", Version: "1.8.7",
		Servers: []paas.QuorumServer{
			{Name: "a", Address: "10.0.0.1:8300", Version: "1.8.7", Leader: true, Voter: true, Healthy: true},
			{Name: "b", Address: "10.0.0.2:8300", Version: "1.8.7", Voter: true},
		},
		Members: []paas.QuorumServer{{Name: "n", Address: "10.0.1.1", Version: "1.8.9"}},
	}
	if diff := cmp.Diff(want, q); diff != "" || err != nil {
		t.Errorf("quorum (-want +got), %v:\n%s", err, diff)
	}
}

func TestServingIsWhatRoutersWouldRouteTo(t *testing.T) {
	t.Parallel()
	const web = "acme--shop--web--blue"
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/v1/health/state/any":
			_, _ = w.Write([]byte(`[
 {"Node":"n1","CheckID":"serfHealth","Status":"passing"},
 {"Node":"n2","CheckID":"serfHealth","Status":"critical"},
 {"Node":"n1","CheckID":"c1","ServiceID":"s1","ServiceName":"` + web + `","Status":"passing"},
 {"Node":"n1","CheckID":"c2","ServiceID":"s2","ServiceName":"` + web + `","Status":"passing"},
 {"Node":"n1","CheckID":"c3","ServiceID":"s2","ServiceName":"` + web + `","Status":"warning"},
 {"Node":"n2","CheckID":"c4","ServiceID":"s3","ServiceName":"` + web + `","Status":"passing"},
 {"Node":"n1","CheckID":"c5","ServiceID":"s9","ServiceName":"redis","Status":"passing"}]`))
		case "/v1/catalog/service/" + web:
			_, _ = w.Write([]byte(`[
 {"Node":"n1","Address":"10.0.1.1","ServiceID":"s1","ServiceAddress":"","ServicePort":20001,"ServiceTags":["urlprefix-shop.localhost/"]},
 {"Node":"n1","Address":"10.0.1.1","ServiceID":"s2","ServicePort":20002,"ServiceTags":["urlprefix-shop.localhost/"]},
 {"Node":"n2","Address":"10.0.1.2","ServiceID":"s3","ServicePort":20003,"ServiceTags":[]},
 {"Node":"n1","Address":"10.0.1.1","ServiceID":"s4","ServicePort":20004,"ServiceTags":[]}]`))
		default:
			t.Errorf("asked for %s", r.URL.Path)
		}
	})
	got, err := c.Serving(t.Context())
	if diff := cmp.Diff([]paas.Serving{{Service: web, Address: "10.0.1.1:20001", Routed: true}}, got); diff != "" || err != nil {
		t.Errorf("serving (-want +got), %v:\n%s", err, diff)
	}
}
