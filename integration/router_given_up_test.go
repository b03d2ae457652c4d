package integration_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// routerGivenUp takes the routers' program away while one runs and kills it, so that Nomad can't start it and gives it up.
// A checkup says on which node and why. Once the program is back the router comes back by itself, which is told.
func (b *bare) routerGivenUp(host, page string) {
	b.t.Helper()
	way := b.info.Addr
	b.info.Addr = "http://" + b.leaderAddress() // past the router
	defer func() { b.info.Addr = way }()

	program, aside := filepath.Join(b.folder(), "fabio-1.7.3"), filepath.Join(b.dir, "fabio-aside")
	if err := os.Rename(program, aside); err != nil {
		b.t.Fatal(err)
	}
	ran := b.running("fabio")
	if len(ran) != 1 {
		b.t.Fatalf("routers that run: %v", ran)
	}
	b.manage("nomad", http.MethodPut, "/v1/client/allocation/"+ran[0]+"/signal", map[string]string{"Signal": "SIGKILL", "Task": "fabio"}, nil)
	b.until(time.Minute, "Nomad has given up the router", func() bool {
		all := b.allocs("fabio")
		return len(b.running("fabio")) == 0 && slices.ContainsFunc(all, func(a platformAlloc) bool { return a.ID == ran[0] && a.ClientStatus == "failed" })
	})
	gone := time.Now()
	var found paas.PlatformFinding
	b.until(time.Minute, "a checkup finds the router that was given up", func() (ok bool) {
		found, ok = b.findsGivenUp()
		return ok
	})
	b.t.Logf("found after %.1f s: %s: %s Next: %s (%s)", time.Since(gone).Seconds(), found.Thing, found.Found, found.Next, found.Hint)
	if found.Severity != paas.Critical || !strings.Contains(found.Next, ran[0]) || !strings.Contains(found.Found, "fabio-1.7.3") {
		b.t.Errorf("the finding does not say what Nomad says: %+v", found)
	}

	if err := os.Rename(aside, program); err != nil {
		b.t.Fatal(err)
	}
	back := time.Now()
	b.until(2*time.Minute, "the router is back by itself", func() bool {
		code, text := b.page(host, "/")
		return code == http.StatusOK && text == page
	})
	b.t.Logf("a router that Nomad had given up was away for %.1f s, %.1f s of them after its program was back", time.Since(gone).Seconds(), time.Since(back).Seconds())
	b.until(30*time.Second, "no checkup finds it", func() bool { _, is := b.findsGivenUp(); return !is })
	if told := b.ok("", "events", "--since", "5m"); !strings.Contains(told, "was given up by Nomad, which tries it again (attempt 1)") {
		b.t.Errorf("no event tells of it:\n%s", told)
	}
}

// findsGivenUp asks a checkup for a router that was given up.
func (b *bare) findsGivenUp() (found paas.PlatformFinding, is bool) {
	b.t.Helper()
	r := b.cli("", "cluster", "status", "--json") // 1 where something is critical
	var c paas.Checkup
	if err := json.Unmarshal([]byte(r.out), &c); err != nil {
		b.t.Fatalf("crumpet cluster status: %v: %s", err, r)
	}
	i := slices.IndexFunc(c.Findings, func(f paas.PlatformFinding) bool {
		return f.Subject == paas.OfRouter && strings.Contains(f.Found, "given up")
	})
	if i < 0 {
		return paas.PlatformFinding{}, false
	}
	return c.Findings[i], true
}

// leaderAddress is where the server that leads serves, past every router.
func (b *bare) leaderAddress() (address string) {
	b.t.Helper()
	var list struct{ Items []paas.Server }
	b.json(&list, "", "servers")
	i := slices.IndexFunc(list.Items, func(s paas.Server) bool { return s.State == paas.ServerLeader })
	if i < 0 {
		b.t.Fatalf("no server leads: %+v", list.Items)
	}
	return list.Items[i].Address
}
