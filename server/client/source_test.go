package client_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/google/go-cmp/cmp"
)

// folder makes a folder of files. A content that begins with -> makes a link, a name that ends in *
// an executable file.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		write(t, filepath.Join(dir, strings.TrimSuffix(name, "*")), content)
		if trimmed, ok := strings.CutSuffix(name, "*"); ok {
			if err := os.Chmod(filepath.Join(dir, trimmed), 0o711); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func write(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	var err error
	if to, ok := strings.CutPrefix(content, "->"); ok {
		err = os.Symlink(to, file)
	} else {
		err = os.WriteFile(file, []byte(content), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func pack(t *testing.T, dir string, cfg client.PackConfig) client.Source {
	t.Helper()
	s, err := client.Pack(t.Context(), dir, cfg)
	if err != nil {
		t.Fatalf("Pack: %v %v", err, paas.FaultsOf(err))
	}
	return s
}

func paths(s client.Source) []string {
	list := []string{}
	for _, f := range s.Files {
		list = append(list, f.Path)
	}
	return list
}

func digestOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestPack(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"main.go": "package main", "run.sh*": "#!/bin/sh", "web/ü b.txt": "x", "same": "package main", "web/link": "->../main.go", "web/here": "->.",
		"crumpet.hcl": "app", "web/crumpet.hcl": "kept", ".crumpet/state": "no", ".git/config": "no", "sub/.git": "gitdir: x", ".env": "kept",
	})
	s := pack(t, dir, client.PackConfig{})
	file := func(path, content string, mode uint32) paas.File {
		return paas.File{Path: path, Mode: mode, Size: int64(len(content)), Digest: digestOf(content)}
	}
	want := []paas.File{
		file(".env", "kept", 0o644), file("main.go", "package main", 0o644), file("run.sh", "#!/bin/sh", 0o755), file("same", "package main", 0o644),
		file("web/crumpet.hcl", "kept", 0o644),
		{Path: "web/here", Mode: 0o777, Link: "."},
		{Path: "web/link", Mode: 0o777, Link: "../main.go"},
		file("web/ü b.txt", "x", 0o644),
	}
	if diff := cmp.Diff(want, s.Files); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if got, want := len(s.Digests()), 1+4; got != want { // the manifest, and each content once
		t.Errorf("%d digests, want %d", got, want)
	}
	if s.Bytes() != int64(len("kept")*2+len("package main")*2+len("#!/bin/sh")+1) {
		t.Errorf("%d bytes", s.Bytes())
	}

	r, size, err := s.Open(s.Digest())
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := io.ReadAll(r)
	if err != nil || int64(len(manifest)) != size || digestOf(string(manifest)) != s.Digest() {
		t.Errorf("manifest of %d bytes, %v", len(manifest), err)
	}
	var files []paas.File
	if err := json.Unmarshal(manifest, &files); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, files); diff != "" {
		t.Errorf("files of the manifest (-want +got):\n%s", diff)
	}

	// A copy elsewhere, with another umask, through a link: the same source.
	other := folder(t, map[string]string{
		"main.go": "package main", "run.sh*": "#!/bin/sh", "web/ü b.txt": "x", "same": "package main", "web/link": "->../main.go",
		"web/here": "->.", "web/crumpet.hcl": "kept", ".env": "kept",
	})
	if err := os.Chmod(filepath.Join(other, "main.go"), 0o664); err != nil {
		t.Fatal(err)
	}
	alias := filepath.Join(t.TempDir(), "alias")
	if err := os.Symlink(other, alias); err != nil {
		t.Fatal(err)
	}
	if again := pack(t, alias, client.PackConfig{}); again.Digest() != s.Digest() {
		t.Errorf("a copy has another digest: %v", again.Files)
	}
}

func TestPackTellsEveryFault(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		"good": "x", "out": "->../elsewhere", "abs": "->/etc/passwd", "a/b/up": "->../../../x", "inside": "->good", "lost": "->nothing",
		"bad\xffname": "x", "new\nline": "x", `back\slash`: "x", "top": "->a/..", "ignored/bad\xff": "x", "ignored/out": "->/etc", ".crumpetignore": "ignored/\n",
	})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	// A path of a socket may have 107 bytes: bind it by a shorter one.
	short, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(short) }) // the system's temporary folder
	socket, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", filepath.Join(short, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close() //nolint:errcheck // the test is over
	if err := os.Rename(filepath.Join(short, "s"), filepath.Join(dir, "sock")); err != nil {
		t.Fatal(err)
	}
	_, err = client.Pack(t.Context(), dir, client.PackConfig{})
	if paas.CodeOf(err) != paas.Invalid {
		t.Fatalf("Pack: %v", err)
	}
	got := map[string]string{}
	for _, f := range paas.FaultsOf(err) {
		got[f.Location] = f.Message
	}
	outside := func(link, to string) string {
		return fmt.Sprintf("Link %s points to %s, which is outside of the folder. Put a copy in its place, or name it in .crumpetignore.", link, to)
	}
	want := map[string]string{
		"out": outside("out", "../elsewhere"), "abs": outside("abs", "/etc/passwd"), "a/b/up": outside("a/b/up", "../../../x"),
		"bad\xffname": `"bad\xffname" has a name that is not UTF-8. Rename it, or name it in .crumpetignore.`,
		"new\nline":   `"new\nline" has control characters in its name. Rename it, or name it in .crumpetignore.`,
		`back\slash`:  `"back\\slash" has a backslash in its name. Rename it, or name it in .crumpetignore.`,
		"pipe":        "pipe is a named pipe, which can't be pushed. Name it in .crumpetignore.",
		"sock":        "sock is a socket, which can't be pushed. Name it in .crumpetignore.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
	if !strings.Contains(paas.MessageOf(err), "has 8 faults") {
		t.Errorf("message %q", paas.MessageOf(err))
	}
}

func TestALinkThatComesBackThroughTheOutsideIsRefused(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"good": "x"})
	write(t, filepath.Join(dir, "around"), "->../"+filepath.Base(dir)+"/good")
	_, err := client.Pack(t.Context(), dir, client.PackConfig{})
	if paas.CodeOf(err) != paas.Invalid || !strings.HasPrefix(paas.MessageOf(err), "Link around points to ../") {
		t.Errorf("Pack: %v", err)
	}
}

func TestALinkIsFollowedAndNotOnlyRead(t *testing.T) {
	t.Parallel()
	// By its words trick leads to src/etc; but in leads to src/top, and two folders up from there is parent.
	parent := folder(t, map[string]string{"etc": "x", "src/top/f": "x", "src/x/in": "->../top", "src/x/trick": "->in/../../etc"})
	_, err := client.Pack(t.Context(), filepath.Join(parent, "src"), client.PackConfig{})
	if paas.CodeOf(err) != paas.Invalid || !strings.HasPrefix(paas.MessageOf(err), "Link x/trick points to in/../../etc, which is outside") {
		t.Errorf("Pack: %v", err)
	}
}

func TestPackOfWhatIsNoFolder(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"file": "x", "empty/.gitignore": "*"})
	for path, says := range map[string]string{"nothing": "There is no folder", "file": "is not a folder", "empty": "has no file to push"} {
		_, err := client.Pack(t.Context(), filepath.Join(dir, path), client.PackConfig{})
		if paas.CodeOf(err) != paas.Invalid || !strings.Contains(paas.MessageOf(err), says) {
			t.Errorf("%s: %v", path, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := client.Pack(ended, dir, client.PackConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

// TestATooLargeSourceIsRefusedUnread would take many seconds, and fail by its unreadable file, were
// anything read: the large files are sparse, 2 GiB and more of zeros.
func TestATooLargeSourceIsRefusedUnread(t *testing.T) {
	t.Parallel()
	sparse := func(t *testing.T, file string, size int64) {
		t.Helper()
		write(t, file, "")
		if err := os.Truncate(file, size); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		make func(t *testing.T, dir string)
		cfg  client.PackConfig
		says string
	}{
		"one file": {
			make: func(t *testing.T, dir string) { sparse(t, filepath.Join(dir, "data", "big.bin"), 2<<30) },
			says: "has 2.0 GiB; at most 1.0 GiB can be pushed. The most is in data/big.bin (2.0 GiB, 1 file).",
		},
		"a folder": {
			make: func(t *testing.T, dir string) {
				for n := range 4 {
					sparse(t, filepath.Join(dir, "node_modules", fmt.Sprint(n), "x"), 1<<29)
				}
			},
			says: "The most is in node_modules (2.0 GiB, 4 files).",
		},
		"several folders": {
			make: func(t *testing.T, dir string) {
				for n := range 4 {
					sparse(t, filepath.Join(dir, fmt.Sprint(n), "x"), int64(n)<<29)
				}
			},
			says: "The most is in 3 (1.5 GiB, 1 file), 2 (1.0 GiB, 1 file), 1 (512.0 MiB, 1 file).",
		},
		"too many files": {
			make: func(t *testing.T, dir string) {
				for n := range 12 {
					write(t, filepath.Join(dir, "cache", fmt.Sprint(n)), "x")
				}
			},
			cfg:  client.PackConfig{Files: 10},
			says: "has 13 files; at most 10 can be pushed. The most is in cache (1 KiB, 12 files).",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := folder(t, map[string]string{"main.go": "x"})
			test.make(t, dir)
			_, err := client.Pack(t.Context(), dir, test.cfg)
			if paas.CodeOf(err) != paas.Quota || !strings.Contains(paas.MessageOf(err), test.says) ||
				!strings.HasSuffix(paas.MessageOf(err), "Name what the build does not need in "+dir+"/.crumpetignore.") {
				t.Errorf("Pack: %v", err)
			}
		})
	}
	dir := folder(t, map[string]string{"main.go": "x", ".crumpetignore": "*.bin"})
	sparse(t, filepath.Join(dir, "big.bin"), 2<<30)
	if got := paths(pack(t, dir, client.PackConfig{})); !slices.Equal(got, []string{"main.go"}) {
		t.Errorf("with the file ignored: %q", got)
	}
}

func TestUnchangedFilesAreNotReadAgain(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	dir := folder(t, map[string]string{"a": "one", "b": "two"})
	old := time.Now().Add(-time.Hour)
	age := func(name string, at time.Time) {
		t.Helper()
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	age("a", old)
	first := pack(t, dir, client.PackConfig{Cache: cache})

	// Another content behind an old file's back is not noticed, which shows that it was not read. That
	// of a new file is: its time might be the same after a second change.
	info, err := os.Stat(filepath.Join(dir, "b"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "a"), "ONE")
	age("a", old)
	write(t, filepath.Join(dir, "b"), "TWO")
	age("b", info.ModTime())
	second := pack(t, dir, client.PackConfig{Cache: cache})
	if second.Files[0].Digest != first.Files[0].Digest {
		t.Error("a file that looks unchanged was read again")
	}
	if second.Files[1].Digest != digestOf("TWO") {
		t.Error("a file changed a moment ago was not read again")
	}

	age("a", old.Add(time.Second))
	if third := pack(t, dir, client.PackConfig{Cache: cache}); third.Files[0].Digest != digestOf("ONE") {
		t.Error("a file with another time was not read again")
	}
	if without := pack(t, dir, client.PackConfig{}); without.Files[0].Digest != digestOf("ONE") {
		t.Error("without a cache a file was not read")
	}
	broken, err := filepath.Glob(filepath.Join(cache, "*.json"))
	if err != nil || len(broken) != 1 {
		t.Fatalf("index %q, %v", broken, err)
	}
	write(t, broken[0], "{half")
	pack(t, dir, client.PackConfig{Cache: cache})
	pack(t, dir, client.PackConfig{Cache: filepath.Join(dir, "a", "no folder")})
}

func TestBundle(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{"a": "one", "b": strings.Repeat("two", 10_000), "c": ""})
	s := pack(t, dir, client.PackConfig{})
	var out bytes.Buffer
	if err := s.Bundle(&out, []string{digestOf("one"), s.Digest(), digestOf("")}); err != nil {
		t.Fatal(err)
	}
	zip, err := gzip.NewReader(&out)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for archive := tar.NewReader(zip); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil || h.Name != "sha256/"+digestOf(string(content)) || h.Typeflag != tar.TypeReg {
			t.Errorf("entry %s of type %c, %v", h.Name, h.Typeflag, err)
		}
		names = append(names, strings.TrimPrefix(h.Name, "sha256/"))
	}
	if want := []string{digestOf("one"), s.Digest(), digestOf("")}; !slices.Equal(names, want) {
		t.Errorf("entries %q, want %q", names, want)
	}

	if err := s.Bundle(io.Discard, []string{digestOf("?")}); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("an unknown digest: %v", err)
	}
	for _, content := range []string{"ONE", "longer", ""} {
		write(t, filepath.Join(dir, "a"), content)
		err := s.Bundle(io.Discard, []string{digestOf("one")})
		if paas.CodeOf(err) != paas.Conflict || paas.MessageOf(err) != "a changed while it was being pushed. Push again." {
			t.Errorf("a changed to %q: %v", content, err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "a")); err != nil {
		t.Fatal(err)
	}
	if err := s.Bundle(io.Discard, []string{digestOf("one")}); paas.CodeOf(err) != paas.Conflict {
		t.Errorf("a removed: %v", err)
	}
}
