package conformance_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
	nomadapi "github.com/hashicorp/nomad/api"
)

const execCall = "nomad GET /v1/client/allocation/:id/exec?command&namespace&task&tty"

// exec runs a command beside a task, in Nomad's own frames, and says how it ended.
func (p *probe) exec(alloc, task, input string, command ...string) {
	text, err := json.Marshal(command)
	p.check(err)
	query := url.Values{"task": {task}, "tty": {"false"}, "command": {string(text)}, "namespace": {"default"}}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	conn, _, err := websocket.Dial(p.ctx, p.at["nomad"]+"/v1/client/allocation/"+alloc+"/exec?"+query.Encode(), &websocket.DialOptions{ //nolint:bodyclose // the library closes it
		HTTPClient: &http.Client{Transport: recorder{"nomad", &p.calls, transport}},
	})
	p.check(err)
	defer conn.CloseNow() //nolint:errcheck // all is said
	if input != "" {
		p.check(wsjson.Write(p.ctx, conn, &nomadapi.ExecStreamingInput{Stdin: &nomadapi.ExecStreamingIOOperation{Data: []byte(input)}}))
	}
	p.check(wsjson.Write(p.ctx, conn, &nomadapi.ExecStreamingInput{Stdin: &nomadapi.ExecStreamingIOOperation{Close: true}}))
	var stdout, stderr strings.Builder
	for {
		var frame nomadapi.ExecStreamingOutput
		err := wsjson.Read(p.ctx, conn, &frame)
		var closed websocket.CloseError
		switch {
		case errors.As(err, &closed):
			p.say("%s: closed with %d", strings.Join(command, " "), closed.Code)
			return
		case err != nil:
			p.fatal("%v", err)
		case frame.Stdout != nil:
			stdout.Write(frame.Stdout.Data)
		case frame.Stderr != nil:
			stderr.Write(frame.Stderr.Data)
		case frame.Exited:
			p.say("%s: exit %d, stdout %q, stderr %q", command[0], frame.Result.ExitCode, stdout.String(), stderr.String())
			return
		}
	}
}

var nomadExecRows = []row{
	{
		name:  "Nomad: a command runs beside a task, with its environment, input and exit code",
		calls: []string{execCall},
		want: `
			sh: exit 7, stdout "blue typed\n", stderr "wrong\n"
			cat: exit 0, stdout "to the end", stderr ""
			sh: exit 137, stdout "", stderr ""`,
		run: func(p *probe) {
			j := p.job(1, "idle")
			j.TaskGroups[0].Tasks[0].Env = map[string]string{"COLOR": "blue"}
			p.register(j)
			alloc := p.running(1)[0].ID
			p.exec(alloc, "web", "typed\n", "sh", "-c", `read line; echo "$COLOR $line"; echo wrong >&2; exit 7`)
			p.exec(alloc, "web", "to the end", "cat")
			p.exec(alloc, "web", "", "sh", "-c", "kill -9 $$")
		},
	},
	{
		name:  "Nomad: an allocation that is stopped is replaced at once",
		calls: []string{"nomad PUT /v1/allocation/:id/stop"},
		want: `
			the old one: stop complete "alloc is being migrated"
			the new one: run running, instead of the old true`,
		run: func(p *probe) {
			p.register(p.job(1, "idle"))
			old := p.running(1)[0].ID
			_, err := p.nomad.Allocations().Stop(&nomadapi.Allocation{ID: old}, p.read())
			p.check(err)
			var next *nomadapi.AllocationListStub
			p.until("another one runs", func() bool {
				for _, a := range p.allocs() {
					if a.ID != old && a.ClientStatus == "running" {
						next = a
					}
				}
				return next != nil
			})
			p.until("the old one has ended", func() bool {
				a, _, err := p.nomad.Allocations().Info(old, p.read())
				p.check(err)
				return a.ClientStatus == "complete"
			})
			a, _, err := p.nomad.Allocations().Info(old, p.read())
			p.check(err)
			p.say("the old one: %s %s %q", a.DesiredStatus, a.ClientStatus, a.DesiredDescription)
			p.say("the new one: %s %s, instead of the old %t", next.DesiredStatus, next.ClientStatus, a.NextAllocation == next.ID)
		},
	},
}
