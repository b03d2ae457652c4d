package blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/blob"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// remote keeps blobs in memory.
type remote struct {
	mu    sync.Mutex
	kept  map[string][]byte // guarded by mu
	fails error             // guarded by mu
	opens atomic.Int32
	slow  chan struct{} // opening waits for its end, if there is one
}

func (r *remote) PutBlob(_ context.Context, digest string, size int64, content io.ReadSeeker) error {
	b, err := io.ReadAll(content)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fails != nil || int64(len(b)) != size {
		return errors.Join(r.fails, errors.New("not kept"))
	}
	r.kept[digest] = b
	return nil
}

func (r *remote) OpenBlob(_ context.Context, digest string) (io.ReadCloser, int64, error) {
	r.opens.Add(1)
	if r.slow != nil {
		<-r.slow
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.kept[digest]
	if !ok {
		return nil, 0, paas.Errorf(paas.NotFound, "There is no such content.")
	}
	return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
}

func (r *remote) BlobSize(_ context.Context, digest string) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok := r.kept[digest]
	if !ok {
		return 0, paas.Errorf(paas.NotFound, "There is no such content.")
	}
	return int64(len(b)), nil
}

func (r *remote) MissingBlobs(_ context.Context, digests []string) (missing []string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range digests {
		if _, ok := r.kept[d]; !ok {
			missing = append(missing, d)
		}
	}
	return missing, nil
}

func (r *remote) SweepBlobs(context.Context, map[string]bool, time.Time) (int, int64, error) {
	return 0, 0, nil
}

// shared gives a server's store before a remote, and its folder.
func shared(t *testing.T, r *remote) (*blob.Shared, string) {
	t.Helper()
	folder, dir := open(t)
	return blob.NewShared(folder, r), dir
}

func read(t *testing.T, s *blob.Shared, digest string) string {
	t.Helper()
	f, size, err := s.Open(t.Context(), digest)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	b, err := io.ReadAll(f)
	if err != nil || int64(len(b)) != size {
		t.Fatalf("read %d bytes of %d, %v", len(b), size, err)
	}
	return string(b)
}

func TestWhatOneServerTookEveryServerGives(t *testing.T) {
	t.Parallel()
	r := &remote{kept: map[string][]byte{}}
	one, dir := shared(t, r)
	two, _ := shared(t, r)
	digest, size, err := one.Put(t.Context(), strings.NewReader("hello"))
	if err != nil || digest != digestOf("hello") || size != 5 {
		t.Fatalf("Put = %s, %d, %v", digest, size, err)
	}
	if err := one.PutAs(t.Context(), digestOf("named"), strings.NewReader("named")); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(dir); err != nil { // the first server is gone, with its disk
		t.Fatal(err)
	}
	for _, content := range []string{"hello", "named", "hello"} {
		if got := read(t, two, digestOf(content)); got != content {
			t.Errorf("got %q, want %q", got, content)
		}
	}
	if n := r.opens.Load(); n != 2 {
		t.Errorf("the remote was read %d times, want once for each blob", n)
	}
	missing, err := two.Missing(t.Context(), []string{digestOf("hello"), digestOf("other")})
	if diff := cmp.Diff([]string{digestOf("other")}, missing); diff != "" || err != nil {
		t.Errorf("%s %v", diff, err)
	}
	if _, _, err := two.Open(t.Context(), digestOf("other")); paas.CodeOf(err) != paas.NotFound {
		t.Errorf("Open of one that nobody has: %v", err)
	}
	if _, err := two.Missing(t.Context(), []string{"x"}); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("Missing of no digest: %v", err)
	}
}

func TestWhatTheRemoteDidNotTakeIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	r := &remote{kept: map[string][]byte{}, fails: paas.Errorf(paas.Unavailable, "The database is away.")}
	s, _ := shared(t, r)
	if _, _, err := s.Put(t.Context(), strings.NewReader("hello")); paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("Put = %v", err)
	}
	if err := s.PutAs(t.Context(), digestOf("hello"), strings.NewReader("hello")); paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("PutAs = %v", err)
	}
	if missing, err := s.Missing(t.Context(), []string{digestOf("hello")}); len(missing) != 1 || err != nil {
		t.Errorf("it is said to be here: %v", err)
	}
	r.fails = nil
	if err := s.PutAs(t.Context(), digestOf("hello"), strings.NewReader("hello")); err != nil { // though the folder has it
		t.Fatal(err)
	}
	if missing, err := s.Missing(t.Context(), []string{digestOf("hello")}); len(missing) != 0 || err != nil {
		t.Errorf("it is missing: %v", err)
	}
}

func TestDamageInTheRemoteIsFound(t *testing.T) {
	t.Parallel()
	r := &remote{kept: map[string][]byte{digestOf("hello"): []byte("hellp")}}
	s, dir := shared(t, r)
	_, _, err := s.Open(t.Context(), digestOf("hello"))
	if paas.CodeOf(err) != paas.Internal || !strings.Contains(paas.MessageOf(err), "damaged") {
		t.Errorf("Open = %v, want an internal fault that says so", err)
	}
	if got := files(t, filepath.Join(dir)); len(got) != 0 {
		t.Errorf("left %q", got)
	}
}

func TestReadersOfOneBlobFetchItOnce(t *testing.T) {
	t.Parallel()
	r := &remote{kept: map[string][]byte{digestOf("hello"): []byte("hello")}, slow: make(chan struct{})}
	s, _ := shared(t, r)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if got := read(t, s, digestOf("hello")); got != "hello" {
				t.Errorf("got %q", got)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for r.opens.Load() == 0 { // somebody fetches
		time.Sleep(time.Millisecond)
	}
	if _, _, err := s.Open(ctx, digestOf("hello")); !errors.Is(err, context.Canceled) {
		t.Errorf("a reader that gave up: %v", err)
	}
	close(r.slow)
	all.Wait()
	if n := r.opens.Load(); n != 1 {
		t.Errorf("fetched %d times, want once", n)
	}
}
