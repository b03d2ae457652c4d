package jobspec_test

import (
	"os"
	"runtime"
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
// kept connection on this machine. It reports the medians and their ratio. An idle Nomad has 10 MB on
// its heap, by which its garbage is collected less often: ours gets as much to hold.
func BenchmarkAgainstNomad(b *testing.B) {
	const warmUp, rounds = 30, 500
	heap := make([]byte, 8<<20)
	defer runtime.KeepAlive(heap)
	nomad := realNomad(b)
	src := reference(b)
	body := request(jobspec.HCL(jobspec.Job(input(b, string(src)))))
	for b.Loop() {
		var ours, theirs []time.Duration
		for round := range warmUp + rounds {
			began := time.Now()
			translate(b, src)
			mine := time.Since(began)
			began = time.Now()
			if _, err := nomad.post(body); err != nil {
				b.Fatal(err)
			}
			if round >= warmUp {
				ours, theirs = append(ours, mine), append(theirs, time.Since(began))
			}
		}
		mine, other := middle(ours), middle(theirs)
		b.ReportMetric(float64(mine.Microseconds()), "crumpet-us")
		b.ReportMetric(float64(other.Microseconds()), "nomad-us")
		b.ReportMetric(mine.Seconds()/other.Seconds(), "ratio")
		b.Logf("medians of %d rounds: reference.hcl (%d bytes) to its job %s, Nomad's parse of its HCL (%d bytes) %s, ratio %.3f",
			rounds, len(src), mine, len(body), other, mine.Seconds()/other.Seconds())
	}
}

func middle(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
