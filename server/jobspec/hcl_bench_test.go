package jobspec_test

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/jobspec"
	"github.com/crumpet-paas/crumpet/server/spec"
)

// reference is the spec that holds every key.
func reference(b *testing.B) []byte {
	b.Helper()
	src, err := os.ReadFile("../spec/reference.hcl")
	if err != nil {
		b.Fatal(err)
	}
	return src
}

// translate is what a push does with a spec: parse, validate, render, encode.
func translate(b *testing.B, src []byte) {
	in := input(b, string(src))
	if len(jobspec.Encode(jobspec.Job(in))) == 0 {
		b.Fatal("no job")
	}
}

func BenchmarkParseReference(b *testing.B) {
	src := reference(b)
	for b.Loop() {
		if s, diags := spec.ParseWith(src, spec.Options{Filename: spec.FileName}); s == nil {
			b.Fatal(diags)
		}
	}
}

func BenchmarkTranslateReference(b *testing.B) {
	src := reference(b)
	for b.Loop() {
		translate(b, src)
	}
}

func BenchmarkHCL(b *testing.B) {
	job := jobspec.Job(input(b, string(reference(b))))
	for b.Loop() {
		jobspec.HCL(job)
	}
}

// BenchmarkAgainstNomad measures, alternating in one run, the time from the reference spec to its
// encoded job here, and that of a real Nomad for POST /v1/jobs/parse of the same job's HCL, over one
// kept connection on this machine. It reports the medians and their ratio. Nomad has the heap of an idle
// agent, by which its garbage is collected less often than here, where nothing else is held.
func BenchmarkAgainstNomad(b *testing.B) {
	const warmUp, rounds = 50, 500
	nomad := realNomad(b)
	src := reference(b)
	body := request(jobspec.HCL(jobspec.Job(input(b, string(src)))))
	for b.Loop() {
		var r race
		r.run(b, nomad, src, body, warmUp, rounds)
		b.ReportMetric(float64(middle(r.ours).Microseconds()), "crumpet-us")
		b.ReportMetric(float64(middle(r.theirs).Microseconds()), "nomad-us")
		b.ReportMetric(r.ratio(), "ratio")
		b.Logf("medians of %d rounds, reference.hcl (%d bytes) to its job against Nomad's parse of its HCL (%d bytes): %s",
			rounds, len(src), len(body), r)
	}
}

// race holds the times of both.
type race struct{ ours, theirs []time.Duration }

func (r *race) run(b *testing.B, nomad nomadParse, src, body []byte, warmUp, rounds int) {
	b.Helper()
	var answer bytes.Buffer
	for round := range warmUp + rounds {
		began := time.Now()
		translate(b, src)
		mine := time.Since(began)
		began = time.Now()
		if err := nomad.postInto(&answer, body); err != nil {
			b.Fatal(err)
		}
		if round >= warmUp {
			r.ours, r.theirs = append(r.ours, mine), append(r.theirs, time.Since(began))
		}
	}
}

func (r race) ratio() float64 { return middle(r.ours).Seconds() / middle(r.theirs).Seconds() }

func (r race) String() string {
	return fmt.Sprintf("%s of %s, ratio %.3f", middle(r.ours), middle(r.theirs), r.ratio())
}

func middle(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
