package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func from(address, token string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/v1/apps", nil)
	r.RemoteAddr = address + ":1234"
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return r
}

func TestLimitsCountEachCallerAndForget(t *testing.T) {
	t.Parallel()
	now := time.Unix(1000, 0)
	l := api.NewCounted(api.Limits{Rate: 1, Burst: 3, LoginRate: 1, LoginBurst: 2}, func() time.Time { return now })
	through := func(r *http.Request, login bool, n int) (passed int) {
		for range n {
			if l.Take(r, login) == 0 {
				passed++
			}
		}
		return passed
	}
	good, other := from("10.0.0.1", "good"), from("10.0.0.1", "other")
	l.Welcome(good, paas.Identity{Kind: paas.Person})
	l.Welcome(other, paas.Identity{Kind: paas.Operator})
	if n := through(good, false, 10); n != 3 {
		t.Errorf("of 10 calls of a token %d passed, want its burst of 3", n)
	}
	if n := through(other, false, 10); n != 10 {
		t.Errorf("of 10 calls of an operator's token %d passed: it has a limit of its own, and a higher one", n)
	}
	if wait := l.Take(good, false); wait <= 0 || wait > time.Second {
		t.Errorf("the next call waits %s, at one a second", wait)
	}
	// Whoever makes tokens up has the limit of the address.
	passed := 0
	for i := range 50 {
		passed += through(from("10.0.0.2", fmt.Sprint("made-up-", i)), false, 1)
	}
	if passed != 3 {
		t.Errorf("of 50 made-up tokens %d passed, want the address's burst of 3", passed)
	}
	if n := through(from("10.0.0.3", ""), true, 10); n != 2 {
		t.Errorf("of 10 sign-ins %d passed, want 2", n)
	}
	now = now.Add(2 * time.Second)
	if n := through(good, false, 10); n != 2 {
		t.Errorf("after 2 s %d calls passed, want 2", n)
	}

	// What is remembered is bounded, and ends.
	for i := range 30000 {
		l.Take(from(fmt.Sprintf("10.%d.%d.%d", 1+i/65536, i/256%256, i%256), ""), false)
	}
	if n := l.Known(); n > 20000 {
		t.Errorf("%d callers are remembered", n)
	}
	now = now.Add(10 * time.Minute)
	l.Take(good, false)
	if n := l.Known(); n > 2 {
		t.Errorf("after ten minutes of rest %d callers are remembered", n)
	}
}

// Where a call came from is the word of the proxies that the operator names, and of nobody else.
func TestWhereACallCameFrom(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("fd00::/64")}
	for _, tt := range []struct {
		name, connection, header, want string
		proxies                        []netip.Prefix
	}{
		{"no proxy", "192.0.2.1:9", "", "192.0.2.1", proxies},
		{"a header of its own", "192.0.2.1:9", "198.51.100.7", "192.0.2.1", proxies},
		{"nobody is named", "10.0.0.5:9", "198.51.100.7", "10.0.0.5", nil},
		{"nor is this machine", "127.0.0.1:9", "198.51.100.7", "127.0.0.1", proxies},
		{"by a proxy", "10.0.0.5:9", "198.51.100.7", "198.51.100.7", proxies},
		{"by two", "10.0.0.5:9", "198.51.100.7, 10.0.0.6", "198.51.100.7", proxies},
		{"with what the caller wrote before", "10.0.0.5:9", "203.0.113.1, 10.0.0.9, 198.51.100.7", "198.51.100.7", proxies},
		{"with no address", "10.0.0.5:9", "<script>", "10.0.0.5", proxies},
		{"IPv6", "[fd00::5]:9", "2001:db8::7", "2001:db8::7", proxies},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = tt.connection
		if tt.header != "" {
			r.Header.Set("X-Forwarded-For", tt.header)
		}
		if got := api.AddressOf(tt.proxies)(r); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
