package conformance_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/http"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	consulapi "github.com/hashicorp/consul/api"
	nomadapi "github.com/hashicorp/nomad/api"
	vaultapi "github.com/hashicorp/vault/api"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// row is one line of the table: what is done through the official client, and what must be seen.
type row struct {
	name     string   // a sentence
	calls    []string // PART METHOD /path?parameters; the row makes each of them
	alone    bool     // disturbs the other rows
	twoNodes bool     // runs on a stack of two nodes, alone
	postgres bool     // needs a PostgreSQL, and is skipped where there is none
	want     string   // the lines it says, without the ids of this run
	run      func(p *probe)
}

// rowLimit bounds one row; the slowest waits for a reschedule.
const rowLimit = 60 * time.Second

// probe is one run of a row against one stack. Like a testing.T it is ended by check and fatal; unlike one
// it may fail without the test doing so, for a row that must find a liar.
type probe struct {
	*stack
	ctx    context.Context
	id     string // of this run: in the name of everything it makes
	nomad  *nomadapi.Client
	consul *consulapi.Client
	vault  *vaultapi.Client
	http   *http.Client // of the router and its admin API
	plain  *http.Client // of tasks; unrecorded

	postgres *pgtest.Cluster // for rows that need one

	calls    record
	lines    []string
	failure  string
	cleanups []func()
}

// try runs a row and gives what is wrong with it: nothing if it saw what it must.
func (r row) try(t *testing.T, s *stack) (wrong string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), rowLimit)
	defer cancel()
	p, err := newProbe(ctx, s)
	if err != nil {
		t.Fatal(err)
	}
	if r.postgres {
		p.postgres = pgtest.Start(t)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer p.cleanup()
		r.run(p)
	}()
	<-done
	if p.failure != "" {
		wrong = p.failure + "\n"
	}
	want := strings.Split(strings.TrimSpace(r.want), "\n")
	for i := range want {
		want[i] = strings.TrimSpace(want[i])
	}
	wrong += differences(want, p.lines)
	for _, c := range r.calls {
		if wrong == "" && !p.calls.has(c) {
			wrong += fmt.Sprintf("it names %q and does not call it; it calls\n  %s\n", c, strings.Join(p.calls.names(), "\n  "))
		}
	}
	return wrong
}

// differences shows the lines that are not the same, whole.
func differences(want, said []string) string {
	if slices.Equal(want, said) {
		return ""
	}
	var out strings.Builder
	for i := range max(len(want), len(said)) {
		switch {
		case i < len(want) && i < len(said) && want[i] == said[i]:
			continue
		case i < len(want):
			fmt.Fprintf(&out, "\n  want %s", want[i])
		}
		if i < len(said) {
			fmt.Fprintf(&out, "\n  said %s", said[i])
		}
	}
	return out.String()
}

func newProbe(ctx context.Context, s *stack) (*probe, error) {
	p := &probe{stack: s, ctx: ctx, id: "c" + randomHex()}
	transport := &http.Transport{}
	p.cleanups = append(p.cleanups, transport.CloseIdleConnections)
	client := func(part string) *http.Client {
		return &http.Client{
			Transport:     recorder{part, &p.calls, transport},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	p.http, p.plain = client("router"), &http.Client{Transport: transport}
	var err error
	if p.nomad, err = nomadapi.NewClient(&nomadapi.Config{Address: s.at["nomad"], HttpClient: client("nomad")}); err != nil {
		return nil, err
	}
	if p.consul, err = consulapi.NewClient(&consulapi.Config{Address: s.at["consul"], HttpClient: client("consul")}); err != nil {
		return nil, err
	}
	conf := vaultapi.DefaultConfig()
	if conf.Error != nil {
		return nil, conf.Error
	}
	conf.Address, conf.HttpClient, conf.MaxRetries = s.at["vault"], client("vault"), 0
	if p.vault, err = vaultapi.NewClient(conf); err != nil {
		return nil, err
	}
	p.vault.SetToken(s.vaultToken)
	return p, nil
}

func randomHex() string {
	b := make([]byte, 4)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// cleanup undoes what the row has made, newest first, also after the row's deadline.
func (p *probe) cleanup() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), 20*time.Second)
	defer cancel()
	p.ctx = ctx
	for _, undo := range slices.Backward(p.cleanups) {
		undo()
	}
}

// later calls undo when the row has ended.
func (p *probe) later(undo func()) { p.cleanups = append(p.cleanups, undo) }

var (
	uuid    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	address = regexp.MustCompile(`(127\.0\.0\.1|localhost):\d+`)
)

// say adds a line to what the row saw; ids, addresses and line ends are replaced.
func (p *probe) say(format string, args ...any) {
	line := strings.ReplaceAll(fmt.Sprintf(format, args...), p.id, "ID")
	line = address.ReplaceAllString(uuid.ReplaceAllString(line, "UUID"), "ADDR")
	p.lines = append(p.lines, strings.Join(strings.Fields(line), " "))
}

func (p *probe) fatal(format string, args ...any) {
	p.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func (p *probe) check(err error) {
	if err != nil {
		_, file, line, _ := runtime.Caller(1)
		p.fatal("%s:%d: %v", file[strings.LastIndexByte(file, '/')+1:], line, err)
	}
}

// until waits for something, at most half of the row's time.
func (p *probe) until(what string, ok func() bool) {
	for end := time.Now().Add(cmp.Or(p.patience, rowLimit/2)); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) || p.ctx.Err() != nil {
			p.fatal("waited in vain until %s\n%s", what, p.story())
		}
	}
}
