package server_test

import (
	"net"
	"testing"

	"github.com/crumpet-paas/crumpet/server"
	"github.com/crumpet-paas/crumpet/server/config"
)

func TestConsulIsToldWhereAServerIsReachedAndProbed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		listen         net.IP
		consul         string
		address, probe string
	}{
		"one address":                        {net.IPv4(10, 0, 0, 9), "http://127.0.0.1:8500", "10.0.0.9", "http://10.0.0.9:4780/healthz"},
		"loopback":                           {net.IPv4(127, 0, 0, 1), "http://127.0.0.1:8500", "127.0.0.1", "http://127.0.0.1:4780/healthz"},
		"everywhere, beside its agent":       {net.IPv4zero, "http://127.0.0.1:8500", "", "http://127.0.0.1:4780/healthz"},
		"everywhere, as IPv6 has it":         {net.IPv6zero, "http://127.0.0.1:8500", "", "http://127.0.0.1:4780/healthz"},
		"everywhere, and nobody knows where": {net.IPv4zero, "http://consul.invalid:8500", "", "http://127.0.0.1:4780/healthz"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config.Default()
			cfg.Consul.Address, cfg.Consul.Tags = test.consul, []string{"urlprefix-/v1/artifacts/"}
			me := server.ServiceOf(t.Context(), cfg, &net.TCPAddr{IP: test.listen, Port: 4780})
			if me.Address != test.address || me.Port != 4780 || me.Probe != test.probe {
				t.Errorf("reached at %q:%d, probed at %s", me.Address, me.Port, me.Probe)
			}
			if me.ID != "crumpet-a1" || me.Name != "crumpet" || len(me.Tags) != 1 || me.Meta["name"] != "north" {
				t.Errorf("it is %+v", me)
			}
		})
	}
}
