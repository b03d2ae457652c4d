package api_test

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// execApp is an app with three instances, of which number 1 of release 1 serves, and its client.
func execApp(t *testing.T, edit func(*api.Config)) (*apitest.Platform, *client.Client) {
	t.Helper()
	p := apitest.NewPlatform()
	config := apitest.Config(t, p)
	if edit != nil {
		edit(&config)
	}
	server := apitest.Start(t, config)
	apitest.Call(t, "POST", server.URL+"/v1/apps/shop/releases", strings.NewReader(releaseBody(t, shopSpec, nil)))
	p.SetInstances(paas.AppRef{Team: "default", App: "shop"},
		paas.Instance{ID: "aaaa1111", Team: "default", App: "shop", Process: "web", Index: 0, Release: 1, State: paas.InstanceRunning, Health: paas.HealthCritical},
		paas.Instance{ID: "bbbb2222", Team: "default", App: "shop", Process: "web", Index: 1, Release: 1, State: paas.InstanceRunning, Health: paas.HealthHealthy},
		paas.Instance{ID: "00004444", Team: "default", App: "shop", Process: "worker", Index: 0, Release: 1, State: paas.InstanceRunning, Health: paas.HealthHealthy},
		paas.Instance{ID: "cccc3333", Team: "default", App: "shop", Process: "web", Index: 2, Release: 1, State: paas.InstanceFailed},
	)
	c, err := client.New(client.Config{Addr: server.URL, Token: apitest.Token})
	if err != nil {
		t.Fatal(err)
	}
	return p, c
}

func execEvents(t *testing.T, p *apitest.Platform) (said []string) {
	t.Helper()
	events, err := p.Events(t.Context(), paas.EventFilter{Team: "default", App: "shop", Kinds: []paas.EventKind{paas.EventExec}, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if e.By != "tester" || e.Instance == "" || e.Release != 1 {
			t.Errorf("event %+v", e)
		}
		said = append(said, e.Message)
	}
	return said
}

func TestACommandRunsWhereItIsMeantTo(t *testing.T) {
	t.Parallel()
	p, c := execApp(t, nil)
	for name, test := range map[string]struct {
		start wire.ExecStart
		out   string
		code  paas.Code
	}{
		"one that serves":    {wire.ExecStart{Command: []string{"echo", "hi"}}, "bbbb2222/web: hi\n", ""},
		"by number":          {wire.ExecStart{Instance: "0", Command: []string{"echo"}}, "aaaa1111/web: \n", ""},
		"as in tables":       {wire.ExecStart{Instance: "web.0", Command: []string{"echo"}}, "aaaa1111/web: \n", ""},
		"as in logs":         {wire.ExecStart{Instance: "worker[0]", Command: []string{"echo"}}, "00004444/worker: \n", ""},
		"of a process":       {wire.ExecStart{Instance: "0", Process: "worker", Command: []string{"echo"}}, "00004444/worker: \n", ""},
		"by id":              {wire.ExecStart{Instance: "aaaa", Command: []string{"echo"}}, "aaaa1111/web: \n", ""},
		"one that ended":     {wire.ExecStart{Instance: "2", Command: []string{"echo"}}, "", paas.NotFound},
		"no such instance":   {wire.ExecStart{Instance: "7", Command: []string{"echo"}}, "", paas.NotFound},
		"no such process":    {wire.ExecStart{Process: "db", Command: []string{"echo"}}, "", paas.NotFound},
		"no such sidecar":    {wire.ExecStart{Task: "proxy", Command: []string{"echo"}}, "", paas.Invalid},
		"no command":         {wire.ExecStart{}, "", paas.Invalid},
		"a zero byte":        {wire.ExecStart{Command: []string{"echo", "a\x00b"}}, "", paas.Invalid},
		"too many arguments": {wire.ExecStart{Command: make([]string, paas.MaxExecArgs+1)}, "", paas.Invalid},
		"too long":           {wire.ExecStart{Command: []string{"echo", strings.Repeat("x", paas.MaxExecBytes)}}, "", paas.Invalid},
		"no such program":    {wire.ExecStart{Command: []string{"nope"}}, "", paas.Invalid},
	} {
		var out, errOut bytes.Buffer
		end, err := c.Exec(t.Context(), "shop", test.start, client.ExecStreams{Out: &out, Err: &errOut})
		if got := paas.CodeOf(err); (err == nil) != (test.code == "") || (err != nil && got != test.code) || out.String() != test.out || end.Exit != 0 {
			t.Errorf("%s: %+v %v, %q", name, end, err, &out)
		}
	}
	if _, err := c.Exec(t.Context(), "nope", wire.ExecStart{Command: []string{"echo"}}, client.ExecStreams{Out: io.Discard, Err: io.Discard}); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("no such app: %v", err)
	}
	said := strings.Join(execEvents(t, p), "\n")
	if !strings.Contains(said, `tester runs "echo" with 1 argument in web[1]`) || !strings.Contains(said, `"echo" of tester in web[1] ended with code 0 after`) || strings.Contains(said, "hi") {
		t.Errorf("events:\n%s", said)
	}
}

func TestACommandTakesInputAndGivesItsCode(t *testing.T) {
	t.Parallel()
	_, c := execApp(t, nil)
	var out, errOut bytes.Buffer
	big := strings.Repeat("0123456789", 100_000)
	end, err := c.Exec(t.Context(), "shop", wire.ExecStart{Command: []string{"cat"}}, client.ExecStreams{In: strings.NewReader(big), Out: &out, Err: &errOut})
	if err != nil || end.Exit != 0 || end.Instance != "bbbb2222" || out.String() != big {
		t.Errorf("%+v %v, %d bytes", end, err, out.Len())
	}
	out.Reset()
	end, err = c.Exec(t.Context(), "shop", wire.ExecStart{Command: []string{"fail", "42"}}, client.ExecStreams{Out: &out, Err: &errOut})
	if err != nil || end.Exit != 42 || end.Reason != "" || errOut.String() != "it failed\n" {
		t.Errorf("%+v %v, %q", end, err, &errOut)
	}

	// A terminal's size, the changes of it, and Ctrl-C.
	out.Reset()
	in, typing := io.Pipe()
	sizes := make(chan paas.TerminalSize)
	go func() { // ends with the command
		sizes <- paas.TerminalSize{Rows: 50, Columns: 132}
		_, _ = typing.Write([]byte{3})
	}()
	end, err = c.Exec(t.Context(), "shop", wire.ExecStart{Command: []string{"size"}, TTY: true, Size: paas.TerminalSize{Rows: 24, Columns: 80}},
		client.ExecStreams{In: in, Out: &out, Err: &errOut, Sizes: sizes})
	if err != nil || end.Exit != 0 || !strings.HasPrefix(out.String(), "24x80 tty true\n50x132 tty true\n") {
		t.Errorf("%+v %v, %q", end, err, &out)
	}
}

func TestACommandEndsWithItsInstanceItsCallerOrSilence(t *testing.T) {
	t.Parallel()
	wait := wire.ExecStart{Command: []string{"wait"}}

	p, c := execApp(t, nil)
	begun := &firstWrite{do: func() {
		p.SetInstances(paas.AppRef{Team: "default", App: "shop"}, paas.Instance{ID: "bbbb2222", App: "shop", Process: "web", State: paas.InstanceComplete})
		p.Emit(paas.Event{Team: "default", App: "shop"}) // wakes
	}}
	end, err := c.Exec(t.Context(), "shop", wait, client.ExecStreams{Out: begun, Err: io.Discard})
	if err != nil || end.Exit == 0 || end.Reason != "its instance ended." {
		t.Errorf("instance ended: %+v %v", end, err)
	}

	_, c = execApp(t, func(config *api.Config) { config.ExecIdle = 200 * time.Millisecond })
	end, err = c.Exec(t.Context(), "shop", wait, client.ExecStreams{In: nothing{t.Context()}, Out: io.Discard, Err: io.Discard})
	if err != nil || end.Exit == 0 || end.Reason != "nothing was typed or written for 200ms." {
		t.Errorf("silence: %+v %v", end, err)
	}

	p, c = execApp(t, nil)
	ctx, leave := context.WithCancel(t.Context())
	_, err = c.Exec(ctx, "shop", wait, client.ExecStreams{In: nothing{ctx}, Out: &firstWrite{do: leave}, Err: io.Discard})
	if err == nil {
		t.Error("the caller left, and was told nothing")
	}
	told := ""
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline) && !strings.Contains(told, "caller has left"); time.Sleep(20 * time.Millisecond) {
		told = strings.Join(execEvents(t, p), "\n")
	}
	if !strings.Contains(told, `"wait" of tester in web[1] was ended as its caller has left after`) {
		t.Errorf("events:\n%s", told)
	}
}

// What can't be told of is not done.
func TestNoCommandRunsUntold(t *testing.T) {
	t.Parallel()
	_, c := execApp(t, func(config *api.Config) {
		config.Tell = func(context.Context, ...paas.Event) error { return paas.Errorf(paas.Unavailable, "The store is away.") }
	})
	var out bytes.Buffer
	if _, err := c.Exec(t.Context(), "shop", wire.ExecStart{Command: []string{"echo", "hi"}}, client.ExecStreams{Out: &out, Err: io.Discard}); paas.CodeOf(err) != paas.Unavailable || out.Len() > 0 {
		t.Errorf("%v %q", err, &out)
	}
}

type firstWrite struct {
	do   func()
	done bool
}

func (w *firstWrite) Write(p []byte) (int, error) {
	if len(p) > 0 && !w.done {
		w.done = true
		w.do()
	}
	return len(p), nil
}

// nothing is an input at which nobody types.
type nothing struct{ ctx context.Context }

func (n nothing) Read([]byte) (int, error) {
	<-n.ctx.Done()
	return 0, io.EOF
}
