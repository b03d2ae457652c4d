package audit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/audit"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// kept is a store of lines.
type kept struct {
	mu    sync.Mutex
	lines []paas.Audited // guarded by mu
}

func (k *kept) AddAudited(_ context.Context, lines ...paas.Audited) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lines = append(k.lines, lines...)
	return nil
}

func (k *kept) Audited(context.Context, paas.AuditFilter) ([]paas.Audited, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lines, nil
}

func start(k *kept) *audit.Audit {
	return audit.New(k, slog.New(slog.DiscardHandler), time.Now)
}

func record(t *testing.T, a *audit.Audit, line paas.Audited) {
	t.Helper()
	if err := a.Record(t.Context(), line); err != nil {
		t.Fatal(err)
	}
}

// settled ends an audit, which writes what it has counted.
func settled(a *audit.Audit) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	a.Run(ctx)
}

func TestAFloodOfRefusalsIsAFewLines(t *testing.T) {
	t.Parallel()
	k := &kept{}
	a := start(k)
	for range 1000 {
		record(t, a, paas.Audited{By: "eve", From: "10.0.0.1", Action: "scale", Outcome: paas.AuditDenied, Status: 403})
	}
	settled(a)
	if len(k.lines) != 2 || k.lines[0].Times != 0 || k.lines[1].Times != 999 {
		t.Fatalf("of 1000 refusals that are the same there are %+v", k.lines)
	}

	k = &kept{}
	a = start(k)
	for i := range 1000 { // each of another kind
		record(t, a, paas.Audited{By: "eve", From: "10.0.0.1", Action: "scale", App: fmt.Sprint("app-", i), Outcome: paas.AuditRefused, Status: 404})
	}
	settled(a)
	told := 0
	for _, line := range k.lines {
		told += max(line.Times, 1)
	}
	if len(k.lines) > 40 || told != 1000 {
		t.Errorf("of 1000 kinds of refusal there are %d lines that tell of %d", len(k.lines), told)
	}

	k = &kept{}
	a = start(k)
	for i := range 20000 { // each from another address
		record(t, a, paas.Audited{From: fmt.Sprint("10.0.", i), Action: "status", Outcome: paas.AuditDenied, Status: 401})
	}
	if len(k.lines) > 5000 {
		t.Errorf("of 20000 sources there are %d lines", len(k.lines))
	}
}

func TestWhatIsDoneIsALineEachTime(t *testing.T) {
	t.Parallel()
	k := &kept{}
	a := start(k)
	for range 3 {
		record(t, a, paas.Audited{By: "ada", Action: "scale", Outcome: paas.AuditDone, Status: 202})
	}
	if len(k.lines) != 3 || k.lines[0].Time.IsZero() {
		t.Errorf("lines %+v", k.lines)
	}
}

func TestWhatCallersWriteReachesNoTerminal(t *testing.T) {
	t.Parallel()
	k := &kept{}
	const evil = "a\x1b[31m\n\u009b\u202eb\xff"
	record(t, start(k), paas.Audited{
		By: evil, Target: strings.Repeat("ü", 500), Detail: evil, Action: evil, Outcome: paas.AuditDone, Status: 200,
		Before: json.RawMessage("{\"a\": \"\u009b\u202e\"}"), After: json.RawMessage(`{"a": "` + strings.Repeat("x", 9000) + `"}`),
	})
	line := k.lines[0]
	text := fmt.Sprint(line.By, line.Target, line.Detail, line.Action, string(line.Before), string(line.After))
	if strings.ContainsAny(text, "\x1b\n\u009b\u202e") || len(line.Target) > 200 || len(line.After) > 4096 || !json.Valid(line.Before) || !json.Valid(line.After) {
		t.Errorf("the line is %+v", line)
	}
}
