package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// idleFor is how long nobody asks the server for anything before its memory is looked at.
const idleFor = 20 * time.Second

// BenchmarkIdleMemory measures the memory of a server that has so many apps, each released once with no
// instance wanted, while nobody asks it for anything. The first app is pushed, the others are made of its artifact.
func BenchmarkIdleMemory(b *testing.B) {
	d := startDev(b)
	dir := filepath.Join(b.TempDir(), "first")
	write(b, filepath.Join(dir, "public", "index.html"), "hi")
	write(b, filepath.Join(dir, "crumpet.hcl"), idleSpec(0))
	d.ok(dir, "push")
	artifact, have := d.artifact("app-0", 1), 1
	for b.Loop() {
		for _, apps := range []int{100, 1000} {
			for ; have < apps; have++ {
				d.release(b, fmt.Sprintf("app-%d", have), idleSpec(have), artifact)
			}
			d.until(5*time.Minute, "no deployment is under way", func() bool {
				var list struct{ Items []struct{ Status string } }
				_, text := d.get(d.info.Addr+"/v1/apps?limit=5000", d.info.Token)
				if err := json.Unmarshal([]byte(text), &list); err != nil {
					b.Fatalf("%v: %s", err, text)
				}
				stopped := 0
				for _, a := range list.Items {
					if a.Status == "stopped" {
						stopped++
					}
				}
				return stopped == apps
			})
			time.Sleep(idleFor)
			rss, heap := d.memory(b)
			b.ReportMetric(rss, fmt.Sprintf("rss-MiB-%d-apps", apps))
			b.ReportMetric(heap, fmt.Sprintf("heap-MiB-%d-apps", apps))
			b.Logf("an idle server with %d apps: RSS %.1f MiB, heap in use %.1f MiB", apps, rss, heap)
		}
	}
}

func idleSpec(n int) string {
	return fmt.Sprintf(`app "app-%d" {
  build {
    builder = "static"
    dir     = "public"
  }
  process "web" {
    command   = ["./x"]
    instances = 0
    port "http" {}
  }
}
`, n)
}

// release makes a release of an artifact that the server has, and does not wait for its deployment.
func (d *dev) release(b *testing.B, app, spec, artifact string) {
	b.Helper()
	text, err := json.Marshal(map[string]string{"spec": spec, "artifact": artifact})
	if err != nil {
		b.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, d.info.Addr+"/v1/apps/"+app+"/releases", bytes.NewReader(text))
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+d.info.Token)
	r.Header.Set("Content-Type", "application/json")
	if code, said := answerTo(r); code != http.StatusAccepted && code != http.StatusOK && code != http.StatusCreated {
		b.Fatalf("release of %s: %d %s", app, code, said)
	}
}

// memory reads what the server says of its own, in MiB.
func (d *dev) memory(b *testing.B) (rss, heap float64) {
	b.Helper()
	answer, err := http.Get(d.info.Addr + "/metrics") //nolint:noctx // a benchmark
	if err != nil {
		b.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	_ = answer.Body.Close() // read to its end
	if err != nil {
		b.Fatal(err)
	}
	number := func(name string) float64 {
		found := regexp.MustCompile(`(?m)^` + name + ` (\S+)$`).FindSubmatch(text)
		if found == nil {
			b.Fatalf("no metric %s", name)
		}
		n, err := strconv.ParseFloat(string(found[1]), 64)
		if err != nil {
			b.Fatal(err)
		}
		return n / (1 << 20)
	}
	return number("process_resident_memory_bytes"), number("go_memstats_heap_inuse_bytes")
}
