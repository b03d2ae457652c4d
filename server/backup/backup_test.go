package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/backup"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// snapshot makes one as Nomad, Consul and Vault do.
func snapshot(index int, state string) []byte {
	files := map[string]string{"meta.json": fmt.Sprintf(`{"Version":1,"ID":"x","Index":%d,"Term":3}`, index), "state.bin": state}
	sums := ""
	for name, text := range files {
		sum := sha256.Sum256([]byte(text))
		sums += hex.EncodeToString(sum[:]) + "  " + name + "\n"
	}
	files["SHA256SUMS"] = sums
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		_ = archive.WriteHeader(&tar.Header{Name: name, Size: int64(len(files[name])), Mode: 0o600})
		_, _ = io.WriteString(archive, files[name])
	}
	_ = archive.Close()
	_ = zipped.Close()
	return out.Bytes()
}

// plane is a control plane in memory.
type plane struct {
	store     string
	artifacts map[string][]byte
	states    map[string][]byte
	fail      map[string]error // by kind, when it is copied or put back
	puts      []string         // kinds, in the order in which they were put back
	sealed    bool             // Vault is, after its state was put back
	filled    string
}

type program struct {
	*plane
	kind, version string
}

func (p program) About(context.Context) (backup.About, error) {
	return backup.About{Version: p.version, ID: "id-" + p.kind}, nil
}

func (p program) Snapshot(_ context.Context, w io.Writer) error {
	if _, err := w.Write(p.states[p.kind]); err != nil {
		return paas.Wrap(paas.Unavailable, err, "%s does not answer.", p.kind) // as adapters take any error for
	}
	return p.fail[p.kind]
}

func (p program) Filled(context.Context) (string, error) { return p.filled, nil }

func (p program) Mark(context.Context) ([]string, error) { return []string{"node-" + p.kind}, nil }

func (p program) RestoreSnapshot(_ context.Context, _ backup.Part, r io.Reader) error {
	if err := p.fail[p.kind]; err != nil {
		return err
	}
	b, err := io.ReadAll(r)
	p.states[p.kind] = b
	p.puts = append(p.puts, p.kind)
	return err
}

func (p program) Settle(_ context.Context, _ backup.Part, mark []string, _ func(string, ...any)) error {
	if len(mark) != 1 || mark[0] != "node-"+p.kind {
		return fmt.Errorf("%s was marked %q", p.kind, mark)
	}
	if p.kind == backup.Vault && p.sealed {
		return paas.Errorf(paas.Unavailable, "Vault is sealed.")
	}
	return p.fail["settle "+p.kind]
}

func (p *plane) Dump(_ context.Context, w io.Writer) (paas.Dump, error) {
	if err := p.fail[backup.Store]; err != nil {
		return paas.Dump{}, err
	}
	_, err := io.WriteString(w, p.store)
	digests := slices.Sorted(maps.Keys(p.artifacts))
	return paas.Dump{Version: 20, Engine: "SQLite", Rows: map[string]int64{"apps": 1}, LastEvent: 7, At: day, Artifacts: append(digests, strings.Repeat("0", 64))}, err
}

func (p *plane) Holds(context.Context, paas.Dump) (bool, error) { return p.store == "rows", nil }

func (p *plane) Restore(_ context.Context, force bool, r io.Reader) error {
	if p.filled != "" && !force {
		return paas.Errorf(paas.Conflict, "The database has %s.", p.filled)
	}
	b, err := io.ReadAll(r)
	if err == nil {
		err = p.fail[backup.Store]
	}
	if err == nil {
		p.store, p.puts = string(b), append(p.puts, backup.Store)
	}
	return err
}

func (p *plane) put(_ context.Context, digest string, r io.Reader) error {
	b, err := io.ReadAll(r)
	if err == nil {
		err = p.fail[backup.Artifacts]
	}
	if err == nil {
		p.artifacts[digest] = b
		if !slices.Contains(p.puts, backup.Artifacts) {
			p.puts = append(p.puts, backup.Artifacts)
		}
	}
	return err
}

var day = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newPlane() *plane {
	p := &plane{store: "rows", artifacts: map[string][]byte{}, states: map[string][]byte{}, fail: map[string]error{}}
	for i, size := range []int{0, 1, 1 << 20, 1<<20 + 5} { // none, some, one piece, two
		content := bytes.Repeat([]byte{byte(i + 1)}, size)
		sum := sha256.Sum256(content)
		p.artifacts[hex.EncodeToString(sum[:])] = content
	}
	for i, kind := range []string{backup.Vault, backup.Consul, backup.Nomad} {
		p.states[kind] = snapshot(100+i, strings.Repeat(kind, 1000))
	}
	return p
}

func (p *plane) config(seal func(io.Writer) (io.WriteCloser, error)) backup.Config {
	return backup.Config{
		Source: backup.Source{
			Store: p,
			Artifact: func(_ context.Context, digest string) (io.ReadCloser, error) {
				content, here := p.artifacts[digest]
				if !here {
					return nil, paas.Errorf(paas.NotFound, "There is no such content.")
				}
				return io.NopCloser(bytes.NewReader(content)), nil
			},
			Programs: map[string]backup.Program{
				backup.Vault: program{p, backup.Vault, "2.6.2"}, backup.Consul: program{p, backup.Consul, "1.8.7"}, backup.Nomad: program{p, backup.Nomad, "2.0.6-dev"},
			},
		},
		Seal: seal, Crumpet: "1.0", Now: func() time.Time { return day },
	}
}

func clear(w io.Writer) (io.WriteCloser, error) { return nopCloser{w}, nil }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func (p *plane) restore(path string, versions string) backup.Restore {
	return backup.Restore{
		Open: func() (io.ReadCloser, error) { return os.Open(path) },
		Target: backup.Target{Store: p, Artifact: p.put, Programs: map[string]backup.ProgramTarget{
			backup.Vault: program{p, backup.Vault, versions}, backup.Consul: program{p, backup.Consul, versions}, backup.Nomad: program{p, backup.Nomad, versions},
		}},
		Journal: path + ".restore", Now: func() time.Time { return day }, Say: func(string, string, ...any) {},
	}
}

func empty() *plane {
	return &plane{artifacts: map[string][]byte{}, states: map[string][]byte{}, fail: map[string]error{}}
}

func create(t *testing.T, p *plane) (path string, m backup.Manifest) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "monday.age")
	m, err := backup.Create(t.Context(), path, p.config(clear))
	if err != nil {
		t.Fatal(err)
	}
	return path, m
}

func TestWhatIsBackedUpComesBackInItsOrder(t *testing.T) {
	t.Parallel()
	from, to := newPlane(), empty()
	path, m := create(t, from)
	restored, err := to.restore(path, "9.0.0").Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, restored, cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Store.Artifacts" }, cmp.Ignore())); diff != "" {
		t.Errorf("manifest (-written +read):\n%s", diff)
	}
	if to.store != from.store {
		t.Errorf("the store is %q", to.store)
	}
	if !maps.EqualFunc(from.artifacts, to.artifacts, bytes.Equal) {
		t.Error("other artifacts came back")
	}
	if diff := cmp.Diff(from.states, to.states); diff != "" {
		t.Error(diff)
	}
	want := []string{"store", "artifacts", "vault", "consul", "nomad"}
	if !slices.Equal(to.puts, want) {
		t.Errorf("put back in the order %v, want %v", to.puts, want)
	}
	if !slices.Equal(m.Lost, []string{strings.Repeat("0", 64)}) {
		t.Errorf("lost artifacts %v", m.Lost)
	}
	if p := m.Of(backup.Consul)[0]; p.Index != 101 || p.Term != 3 || p.Version != "1.8.7" || p.ID != "id-consul" {
		t.Errorf("Consul's part is %+v", p)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := backup.Create(t.Context(), path, from.config(clear)); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("Create over a backup = %v, want a conflict", err)
	}
}

// TestAnyDamageIsFound cuts the archive anywhere and changes bytes anywhere.
func TestAnyDamageIsFound(t *testing.T) {
	t.Parallel()
	path, _ := create(t, newPlane())
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(whole)-1024; n += len(whole)/41 + 1 { // the end of a tar is 1024 zero bytes
		if _, err := backup.Verify(bytes.NewReader(whole[:n])); paas.CodeOf(err) != paas.Invalid {
			t.Fatalf("cut at %d of %d: %v, want invalid", n, len(whole), err)
		}
	}
	content := regions(t, whole)
	for i := 0; i < len(content); i += len(content)/41 + 1 {
		changed := bytes.Clone(whole)
		changed[content[i]] ^= 0x40
		if _, err := backup.Verify(bytes.NewReader(changed)); err == nil {
			t.Fatalf("byte %d of %d changed, and nothing was said", content[i], len(whole))
		}
	}
	if _, err := backup.Verify(bytes.NewReader(append(bytes.Clone(whole[:len(whole)-1024]), whole...))); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("two archives in one: %v, want invalid", err)
	}
}

// regions gives the places of bytes that are content of parts, not padding.
func regions(t *testing.T, whole []byte) (at []int) {
	t.Helper()
	in := bytes.NewReader(whole)
	for archive := tar.NewReader(in); ; {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return at
		}
		if err != nil {
			t.Fatal(err)
		}
		if head.Name != "manifest.json" {
			for i := range int(head.Size) {
				at = append(at, len(whole)-in.Len()+i)
			}
		}
	}
}

// TestAFullDiskLeavesNothing fails each of the first writes, and some later ones.
func TestAFullDiskLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for n := 0; ; n++ {
		path := filepath.Join(dir, fmt.Sprint(n))
		_, err := backup.Create(t.Context(), path, newPlane().config(func(w io.Writer) (io.WriteCloser, error) { return &full{w: w, left: n}, nil }))
		if err == nil {
			if n < 10 {
				t.Errorf("a backup took %d writes", n)
			}
			return
		}
		if paas.CodeOf(err) != paas.Quota || !strings.Contains(err.Error(), "room") {
			t.Fatalf("write %d fails: %v, want that there is no room", n, err)
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) > 0 {
			t.Fatalf("write %d fails: %v is left, %v", n, left, err)
		}
	}
}

// full has room for so many writes.
type full struct {
	w    io.Writer
	left int
}

func (f *full) Write(p []byte) (int, error) {
	if f.left--; f.left < 0 {
		return 0, fmt.Errorf("write: %w", syscall.ENOSPC)
	}
	return f.w.Write(p)
}

func (f *full) Close() error { return nil }

func TestWhatCantBeCopiedEndsTheBackup(t *testing.T) {
	t.Parallel()
	without := paas.Errorf(paas.Invalid, "Vault has no snapshots.")
	cases := map[string]struct {
		break_ func(*plane)
		code   paas.Code
		says   string
	}{
		"a program without snapshots":     {func(p *plane) { p.fail[backup.Vault] = without }, paas.Invalid, "--without vault"},
		"a snapshot that is cut off":      {func(p *plane) { p.states[backup.Nomad] = p.states[backup.Nomad][:200] }, paas.Unavailable, "did not arrive whole"},
		"a snapshot that is another":      {func(p *plane) { p.states[backup.Nomad] = []byte("<html>") }, paas.Unavailable, ""},
		"a store that nobody knows whole": {func(p *plane) { p.fail[backup.Store] = paas.Errorf(paas.Conflict, "a table") }, paas.Conflict, "a table"},
		"an artifact that is damaged": {func(p *plane) {
			for digest := range p.artifacts {
				p.artifacts[digest] = []byte("other")
			}
		}, paas.Internal, "damaged where Crumpet keeps it"},
	}
	for name, c := range cases {
		p, dir := newPlane(), t.TempDir()
		c.break_(p)
		_, err := backup.Create(t.Context(), filepath.Join(dir, "b"), p.config(clear))
		if paas.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s and %q", name, err, c.code, c.says)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: %v is left", name, left)
		}
	}
	p := newPlane()
	p.fail[backup.Vault] = without
	c := p.config(clear)
	c.Without = []string{backup.Vault, backup.Artifacts}
	m, err := backup.Create(t.Context(), filepath.Join(t.TempDir(), "b"), c)
	if err != nil || len(m.Of(backup.Vault)) > 0 || len(m.Of(backup.Artifacts)) > 0 || !slices.Equal(m.LeftOut, c.Without) {
		t.Errorf("without vault and artifacts: %+v, %v", m, err)
	}
	c.Without = []string{backup.Store}
	if _, err := backup.Create(t.Context(), filepath.Join(t.TempDir(), "b"), c); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("without the store: %v, want invalid", err)
	}
}

// TestARestoreGoesOnWhereItWasInterrupted breaks it at every part, and before and after what settles it.
func TestARestoreGoesOnWhereItWasInterrupted(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"store", "artifacts", "vault", "consul", "nomad", "settle vault", "settle consul", "settle nomad"} {
		from, to := newPlane(), empty()
		path, _ := create(t, from)
		to.fail[at] = errors.New("the plug was pulled")
		if _, err := to.restore(path, "9.0.0").Run(t.Context()); !errors.Is(err, to.fail[at]) {
			t.Fatalf("%s: %v, want that error", at, err)
		}
		delete(to.fail, at)
		to.filled = "" // a real one holds what was put back by now: it may not be asked again
		if _, err := to.restore(path, "9.0.0").Run(t.Context()); err != nil {
			t.Fatalf("%s, again: %v", at, err)
		}
		if want := []string{"store", "artifacts", "vault", "consul", "nomad"}; !slices.Equal(to.puts, want) {
			t.Errorf("%s: put back %v, each once wanted", at, to.puts)
		}
		if !maps.EqualFunc(from.artifacts, to.artifacts, bytes.Equal) || to.store != "rows" {
			t.Errorf("%s: other artifacts, or the store is %q", at, to.store)
		}
		to.filled = "everything"
		if _, err := to.restore(path, "9.0.0").Run(t.Context()); err != nil {
			t.Errorf("%s, a third time: %v", at, err)
		}
	}
}

func TestATargetThatIsNotFitIsLeftAsItIs(t *testing.T) {
	t.Parallel()
	path, _ := create(t, newPlane())
	other, _ := create(t, newPlane())
	filled := empty()
	filled.filled = "3 jobs"
	cases := map[string]struct {
		to   *plane
		edit func(*backup.Restore)
		code paas.Code
		says string
	}{
		"an older program":       {empty(), func(r *backup.Restore) { *r = empty().restore(path, "1.8.6") }, paas.Conflict, "older than"},
		"something on it":        {filled, func(*backup.Restore) {}, paas.Conflict, "3 jobs"},
		"a part that is not":     {empty(), func(r *backup.Restore) { r.Only = []string{"state"} }, paas.Invalid, "state"},
		"the journal of another": {empty(), func(r *backup.Restore) { r.Open = func() (io.ReadCloser, error) { return os.Open(other) } }, paas.Conflict, "another backup"},
		"an archive that is less": {empty(), func(r *backup.Restore) {
			r.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("x")), nil }
		}, paas.Invalid, ""},
	}
	if err := os.WriteFile(path+".restore", []byte(`{"backup":"`+idOf(t, path)+`","kinds":{}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range cases {
		r := c.to.restore(path, "9.0.0")
		c.edit(&r)
		_, err := r.Run(t.Context())
		if paas.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %s and %q", name, err, c.code, c.says)
		}
		if len(c.to.puts) > 0 {
			t.Errorf("%s: %v were put back", name, c.to.puts)
		}
	}
	forced := filled.restore(path, "9.0.0")
	forced.Force = true
	forced.Only = []string{backup.Store, backup.Consul}
	if _, err := forced.Run(t.Context()); err != nil || !slices.Equal(filled.puts, []string{"store", "consul"}) {
		t.Errorf("with force, store and consul only: %v were put back, %v", filled.puts, err)
	}
}

func idOf(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // it was read
	m, err := backup.Verify(f)
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}
