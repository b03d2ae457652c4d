package broker_test

import (
	"encoding/json"
	"maps"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/broker"
	"github.com/crumpet-paas/crumpet/server/broker/brokertest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// proofs are the tests of testdata/osb-2.17.md, by the names of its rows.
type proofs map[string]func(*testing.T)

// sentence is a row of testdata/osb-2.17.md.
type sentence struct{ section, name, quote string }

const fewestSentences = 205 // so that none goes by mistake

func TestConformance(t *testing.T) {
	t.Parallel()
	all := proofs{}
	for _, part := range []proofs{headerProofs, errorProofs, catalogProofs, pollProofs, instanceProofs, updateProofs, bindingProofs, deleteProofs, orphanProofs} {
		for name, proof := range part {
			if all[name] != nil {
				t.Errorf("two tests are called %q", name)
			}
			all[name] = proof
		}
	}
	rows := sentences(t)
	if len(rows) < fewestSentences {
		t.Errorf("%d sentences, want %d at least", len(rows), fewestSentences)
	}
	for _, row := range rows {
		proof := all[row.name]
		delete(all, row.name)
		if proof == nil {
			t.Errorf("%s: no test is called %q, or two rows are", row.section, row.name)
			continue
		}
		t.Run(row.section+"/"+row.name, func(t *testing.T) {
			t.Parallel()
			proof(t)
		})
	}
	if rest := slices.Sorted(maps.Keys(all)); len(rest) > 0 {
		t.Errorf("tests without a sentence: %q", rest)
	}
}

func TestConformanceQuotesAreThoseOfTheSpecification(t *testing.T) {
	t.Parallel()
	path := os.Getenv("OSB_SPEC")
	if path == "" {
		t.Skip("OSB_SPEC is not set to the spec.md of version 2.17, which is not part of this repository")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range sentences(t) {
		if !strings.Contains(section(string(text), row.section), words(row.quote)) {
			t.Errorf("%s does not say: %s", row.section, row.quote)
		}
	}
}

func sentences(t *testing.T) (rows []sentence) {
	t.Helper()
	text, err := os.ReadFile("testdata/osb-2.17.md")
	if err != nil {
		t.Fatal(err)
	}
	var row sentence
	for line := range strings.Lines(string(text)) {
		line = strings.TrimRight(line, "\n")
		if at := strings.TrimLeft(line, "#"); at != line {
			row = sentence{section: strings.TrimSpace(at)}
		} else if name, ok := strings.CutPrefix(line, "- "); ok {
			row.name = name
		} else if quote, ok := strings.CutPrefix(line, "  > "); ok {
			row.quote = quote
			rows = append(rows, row)
		}
	}
	return rows
}

func words(s string) string { return strings.Join(strings.Fields(s), " ") }

var heading = regexp.MustCompile(`^(#+) (.*)$`)

// section gives the text of all sections of a name, with those below them.
func section(text, name string) string {
	var found strings.Builder
	level := 0
	for line := range strings.Lines(text) {
		if m := heading.FindStringSubmatch(strings.TrimRight(line, "\n")); m != nil {
			switch {
			case strings.TrimSpace(m[2]) == name:
				level = len(m[1])
			case len(m[1]) <= level:
				level = 0
			}
		}
		if level > 0 {
			found.WriteString(line)
		}
	}
	return words(found.String())
}

// good is an answer that is right for every request.
const good = `{"services":[],"state":"in progress"}`

// sent gives the request that a call makes.
func sent(t *testing.T, call func(*broker.Client) error, change ...func(*broker.Config)) brokertest.Request {
	t.Helper()
	b := brokertest.New()
	for _, e := range every {
		b.On(e.kind, brokertest.JSON(200, good))
	}
	if err := call(connect(t, b, change...)); err != nil {
		t.Fatal(err)
	}
	return b.Last()
}

// everySent gives each request of the specification.
func everySent(t *testing.T, change ...func(*broker.Config)) map[paas.BrokerOp]brokertest.Request {
	t.Helper()
	all := map[paas.BrokerOp]brokertest.Request{}
	for _, e := range every {
		all[e.op] = sent(t, func(c *broker.Client) error { return e.call(t.Context(), c) }, change...)
	}
	return all
}

// field gives a field of a request's body by its path, nil where it is not there.
func field(t *testing.T, r brokertest.Request, path string) any {
	t.Helper()
	var at any
	if err := json.Unmarshal([]byte(r.Body), &at); err != nil {
		t.Fatalf("body %q: %v", r.Body, err)
	}
	for name := range strings.SplitSeq(path, ".") {
		object, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = object[name]
	}
	return at
}

func query(t *testing.T, r brokertest.Request) url.Values {
	t.Helper()
	u, err := url.ParseRequestURI(r.URI)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}

// is fails unless both are equal.
func is[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

// try gives how an operation ends with an answer.
func try(t *testing.T, op paas.BrokerOp, answer brokertest.Answer, change ...func(*broker.Config)) (o paas.BrokerOutcome, err error) {
	t.Helper()
	b := brokertest.New()
	for _, e := range every {
		b.On(e.kind, answer)
	}
	c, ctx := connect(t, b, change...), t.Context()
	var changed paas.Changed
	switch op {
	case paas.OpProvision:
		changed, err = c.Provision(ctx, provision)
	case paas.OpUpdate:
		changed, err = c.Update(ctx, update)
	case paas.OpDeprovision:
		changed, err = c.Deprovision(ctx, deprov)
	case paas.OpUnbind:
		changed, err = c.Unbind(ctx, unbind)
	case paas.OpBind:
		var bound paas.Bound
		bound, err = c.Bind(ctx, bind)
		changed.Outcome = bound.Outcome
	case paas.OpCatalog, paas.OpPollInstance, paas.OpPollBinding, paas.OpFetchInstance, paas.OpFetchBinding:
		for _, e := range every {
			if e.op == op {
				err = e.call(ctx, c)
			}
		}
		changed.Outcome = paas.BrokerOutcome{End: paas.EndAnswered, Status: 200}
	}
	if err != nil {
		return paas.OutcomeOfBroker(err), err
	}
	return changed.Outcome, nil
}

// pollRequest is one for an operation that was accepted.
func pollRequest(op paas.BrokerOp, operation string) paas.PollRequest {
	switch op {
	case paas.OpUpdate:
		return update.Poll(operation)
	case paas.OpDeprovision:
		return deprov.Poll(operation)
	case paas.OpBind:
		return bind.Poll(operation)
	case paas.OpUnbind:
		return unbind.Poll(operation)
	case paas.OpProvision, paas.OpCatalog, paas.OpPollInstance, paas.OpPollBinding, paas.OpFetchInstance, paas.OpFetchBinding:
	}
	return provision.Poll(operation)
}

func last(t *testing.T, c *broker.Client, r paas.PollRequest) (paas.Polled, error) {
	t.Helper()
	if r.Op == paas.OpBind || r.Op == paas.OpUnbind {
		return c.LastBindingOperation(t.Context(), r)
	}
	return c.LastOperation(t.Context(), r)
}

// poll asks once how far an operation is, and decides.
func poll(t *testing.T, op paas.BrokerOp, answer brokertest.Answer) (paas.Polled, paas.PollNext) {
	t.Helper()
	b := brokertest.New()
	b.On(brokertest.PollInstance, answer)
	b.On(brokertest.PollBinding, answer)
	polled, err := last(t, connect(t, b), pollRequest(op, "task"))
	if err != nil {
		polled.Outcome = paas.OutcomeOfBroker(err)
	}
	now := time.Now()
	return polled, paas.Poll{Op: op, Started: now, Attempt: 1}.Next(now, polled.Outcome)
}
