package conformance_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// crumpet is the program under test.
var crumpet string

// artifact is the program of package task, as a file here and as a node fetches it.
var artifact struct {
	path, url, digest string
}

func TestMain(m *testing.M) {
	flag.Parse()
	// Rows mostly wait; the processors are no measure of how many may do so at once.
	if err := flag.Set("test.parallel", "10"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "crumpet-conformance-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary folder
	crumpet = os.Getenv("CRUMPET_BIN")
	if crumpet == "" {
		crumpet = filepath.Join(dir, "crumpet")
		if err := build(crumpet, "github.com/crumpet-paas/crumpet"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	packed, err := packTask(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	files := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/task.tar.gz" {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "task.tar.gz", time.Time{}, bytes.NewReader(packed))
	}))
	defer files.Close()
	artifact.path = filepath.Join(dir, "task")
	artifact.url, artifact.digest = files.URL+"/task.tar.gz", fmt.Sprintf("sha256:%x", sha256.Sum256(packed))
	return m.Run()
}

func build(into, what string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", into, what)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build %s: %w\n%s", what, err, out)
	}
	return nil
}

// packTask builds the tasks' program and packs it.
func packTask(dir string) ([]byte, error) {
	path := filepath.Join(dir, "task")
	if err := build(path, "../task"); err != nil {
		return nil, err
	}
	program, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&packed, gzip.BestSpeed)
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(zipped)
	err = w.WriteHeader(&tar.Header{Name: "task", Mode: 0o755, Size: int64(len(program))})
	if err == nil {
		_, err = w.Write(program)
	}
	err = errors.Join(err, w.Close(), zipped.Close())
	return packed.Bytes(), err
}
