package integration_test

import (
	"bufio"
	"context"
	"os/exec"
	"slices"
	"time"
)

// besideNomad follows one stream with `crumpet logs -f` and with `nomad alloc logs -f`, in turn, while its
// instance writes as fast as it can, and prints how many times as fast the one is.
func (d *dev) besideNomad(f *faucet) {
	d.t.Helper()
	nomad, err := exec.LookPath("nomad")
	if stack != "real" || err != nil {
		d.t.Log("not compared with `nomad alloc logs -f`: that takes STACK=real, with nomad on PATH")
		return
	}
	rounds, lines := 3, 20_000
	if proving {
		rounds, lines = 7, 400_000
	}
	d.ok(d.home, "scale", "faucet=1", "--app", "faucet")
	var alloc string
	d.until(time.Minute, "one instance is left", func() bool {
		var all []struct{ ID, ClientStatus, DesiredStatus string }
		var running []string
		d.askNomad("/v1/job/faucet.blue/allocations", &all)
		for _, a := range all {
			if a.ClientStatus == "running" && a.DesiredStatus == "run" {
				running = append(running, a.ID)
			}
		}
		if len(running) == 1 {
			alloc = running[0]
		}
		return alloc != ""
	})
	follow := func(cmd *exec.Cmd) float64 {
		cmd.WaitDelay = time.Minute
		out, err := cmd.StdoutPipe()
		if err != nil {
			d.t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			d.t.Fatal(err)
		}
		text := bufio.NewScanner(bufio.NewReaderSize(out, 1<<20))
		if !text.Scan() { // the last line that was there: it follows now
			d.t.Fatalf("%s ended: %v", cmd, cmd.Wait())
		}
		began := time.Now()
		f.pour(alloc, lines)
		for n := range lines {
			if !text.Scan() {
				d.t.Fatalf("%s ended after %d of %d lines", cmd, n, lines)
			}
		}
		return float64(lines) / time.Since(began).Seconds() / 1000
	}
	var ours, theirs []float64
	for range rounds {
		for _, one := range []struct {
			into *[]float64
			make func(ctx context.Context) *exec.Cmd
		}{
			{&theirs, func(ctx context.Context) *exec.Cmd {
				return exec.CommandContext(ctx, nomad, "alloc", "logs", "-address", d.info.Nomad, "-f", "-tail", "-n", "1", alloc, "faucet")
			}},
			{&ours, func(ctx context.Context) *exec.Cmd {
				return d.command(ctx, d.home, "logs", "faucet", "-f", "-n", "1", "--source", "app", "--instance", alloc)
			}},
		} {
			ctx, cancel := context.WithTimeout(d.t.Context(), 5*time.Minute)
			cmd := one.make(ctx)
			*one.into = append(*one.into, follow(cmd))
			cancel()
			_ = cmd.Wait() // it was killed
		}
	}
	median := func(list []float64) float64 { slices.Sort(list); return list[len(list)/2] }
	d.t.Logf("one followed stream, %d rounds of %d lines in turn, thousand lines a second: crumpet %.1f, nomad alloc logs %.1f; medians %.1f and %.1f, ratio %.2f",
		rounds, lines, ours, theirs, median(ours), median(theirs), median(ours)/median(theirs))
}
