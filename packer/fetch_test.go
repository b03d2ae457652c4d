package packer_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// shop is a folder of programs with a list of their digests that a key signs.
type shop struct {
	dir, key string
}

const needed = "consul nomad vault crumpet" // of a server

// openShop skips where a program is missing that the script itself wants.
func openShop(t *testing.T) shop {
	t.Helper()
	for _, name := range []string{"sh", "gpg", "gpgv", "curl", "unzip", "tar", "sha256sum", "awk"} {
		if _, err := exec.LookPath(name); err != nil {
			t.Skipf("%s is missing: what scripts/fetch refuses is not tried", name)
		}
	}
	s := shop{dir: t.TempDir()}
	for name := range strings.FieldsSeq(needed) {
		s.put(t, name, "#!/bin/sh\necho "+name+"\n")
	}
	s.key = s.sign(t, "release@example.com")
	return s
}

func (s shop) put(t *testing.T, name, text string) {
	t.Helper()
	write(t, filepath.Join(s.dir, name), text)
}

// sums writes the list of all files that are there.
func (s shop) sums(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	var list strings.Builder
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "SHA256SUMS") {
			fmt.Fprintf(&list, "%s  %s\n", digest(read(t, filepath.Join(s.dir, e.Name()))), e.Name())
		}
	}
	s.put(t, "SHA256SUMS", list.String())
}

// sign makes a key, signs the list with it and gives the file of its public part.
func (s shop) sign(t *testing.T, name string) string {
	t.Helper()
	s.sums(t)
	home, err := os.MkdirTemp("", "gnupg") // the path of the agent's socket may not be long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("gpgconf", "--homedir", home, "--kill", "gpg-agent").Run()
		_ = os.RemoveAll(home)
	})
	gpg := func(args ...string) []byte {
		t.Helper()
		var faults bytes.Buffer
		c := exec.Command("gpg", append([]string{"--homedir", home, "--batch", "--quiet", "--yes", "--passphrase", ""}, args...)...)
		c.Stderr = &faults
		out, err := c.Output()
		if err != nil {
			t.Fatalf("gpg %s: %v\n%s", args, err, faults.String())
		}
		return out
	}
	gpg("--quick-generate-key", name, "ed25519", "sign", "never")
	gpg("--detach-sign", "--output", filepath.Join(s.dir, "SHA256SUMS.sig"), filepath.Join(s.dir, "SHA256SUMS"))
	key := filepath.Join(home, "key.asc")
	write(t, key, string(gpg("--armor", "--export")))
	return key
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// program is one entry of the variable `programs`.
type program struct{ name, command, version, source, sha256, sums, signature, key string }

func (s shop) programs() map[string]*program {
	all := map[string]*program{}
	for name := range strings.FieldsSeq(needed) {
		all[name] = &program{name: name, command: name, version: "1.2.3", source: s.dir, sums: filepath.Join(s.dir, "SHA256SUMS"), key: s.key}
	}
	return all
}

// fetch runs the script; what it made is in the folder.
func fetch(t *testing.T, programs map[string]*program, unsigned string) (folder, said string, err error) {
	t.Helper()
	var records []string
	for name := range strings.FieldsSeq(needed) {
		if p := programs[name]; p != nil {
			records = append(records, strings.Join([]string{p.name, p.command, p.version, p.source, p.sha256, p.sums, p.signature, p.key}, "|"))
		}
	}
	folder = filepath.Join(t.TempDir(), "out")
	c := exec.Command("scripts/fetch")
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "ROLE=server", "PROGRAMS=" + strings.Join(records, ";"), "UNSIGNED=" + unsigned, "OUT=" + folder}
	out, err := c.CombinedOutput()
	return folder, string(out), err
}

func TestProgramsAreFetchedOnceTheyAreVerified(t *testing.T) {
	t.Parallel()
	s := openShop(t)
	consul := "#!/bin/sh\necho consul in an archive\n"
	s.put(t, "consul_1.2.3_linux_amd64.zip", zipped(t, "consul", consul))
	s.put(t, "bao_1.2.3.tar.gz", tarred(t, "openbao/bao", "bao"))
	s.key = s.sign(t, "again@example.com")
	programs := s.programs()
	programs["consul"].source = "file://" + s.dir + "/consul_1.2.3_linux_amd64.zip"
	programs["vault"].source, programs["vault"].command = s.dir+"/bao_1.2.3.tar.gz", "bao"
	programs["crumpet"].sums, programs["crumpet"].sha256 = "", digest(read(t, filepath.Join(s.dir, "crumpet")))

	folder, said, err := fetch(t, programs, "crumpet")
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for name, want := range map[string]string{"consul-1.2.3": consul, "vault-1.2.3": "bao", "nomad-1.2.3": "#!/bin/sh\necho nomad\n"} {
		if got := read(t, filepath.Join(folder, name)); got != want {
			t.Errorf("%s holds %q, want %q", name, got, want)
		}
		if line := digest(want) + "  " + name + "\n"; !strings.Contains(read(t, filepath.Join(folder, "SHA256SUMS")), line) {
			t.Errorf("SHA256SUMS lacks %q", line)
		}
	}
	for line := range strings.Lines(read(t, filepath.Join(folder, "programs.tsv"))) {
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if signed := len(fields[5]) == 40; signed == (fields[0] == "crumpet") {
			t.Errorf("%s is signed by %q", fields[0], fields[5])
		}
	}
}

func TestWhatDoesNotMatchIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		spoil func(t *testing.T, s shop, programs map[string]*program)
		says  string
	}{
		"a program that was changed": {func(t *testing.T, s shop, _ map[string]*program) { s.put(t, "nomad", "#!/bin/sh\necho evil\n") }, "nomad: .* has the SHA-256"},
		"a list that was changed with the program": {func(t *testing.T, s shop, _ map[string]*program) {
			s.put(t, "nomad", "#!/bin/sh\necho evil\n")
			s.sums(t)
		}, "is not signed by a key of"},
		"a list signed by another key": {func(t *testing.T, s shop, _ map[string]*program) { s.sign(t, "evil@example.com") }, "is not signed by a key of"},
		"no signature":                 {func(_ *testing.T, _ shop, p map[string]*program) { p["nomad"].key = "" }, "nomad: nothing is signed"},
		"no digest at all": {func(_ *testing.T, _ shop, p map[string]*program) {
			p["crumpet"].sums, p["crumpet"].key = "", ""
		}, "neither sha256 nor sums"},
		"a digest that is not that of the list": {func(_ *testing.T, _ shop, p map[string]*program) { p["nomad"].sha256 = digest("another") }, "sha256 is given as"},
		"a digest that is cut short":            {func(_ *testing.T, _ shop, p map[string]*program) { p["nomad"].sha256 = "abc" }, "has 3 digits, not 64"},
		"a version that floats":                 {func(_ *testing.T, _ shop, p map[string]*program) { p["nomad"].version = "latest" }, `version "latest" is not pinned`},
		"a list that does not name the program": {func(t *testing.T, s shop, p map[string]*program) {
			s.put(t, "other", "x")
			p["nomad"].source = s.dir + "/other"
		}, "does not name other"},
		"a program that is missing": {func(_ *testing.T, _ shop, p map[string]*program) { delete(p, "vault") }, "needs vault"},
		"a source without encryption": {func(_ *testing.T, _ shop, p map[string]*program) {
			p["nomad"].source = "http://programs.example.com/nomad"
		}, "only https:// and file:// are"},
		"a source that is not there":    {func(_ *testing.T, s shop, p map[string]*program) { p["nomad"].source = s.dir + "/none/nomad" }, "there is no file"},
		"a signature that is not there": {func(_ *testing.T, s shop, p map[string]*program) { p["nomad"].signature = s.dir + "/none.sig" }, "there is no file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := openShop(t)
			programs := s.programs()
			c.spoil(t, s, programs)
			folder, said, err := fetch(t, programs, "crumpet")
			if err == nil {
				t.Fatalf("it was taken:\n%s", said)
			}
			if !matches(c.says, said) {
				t.Errorf("it says\n%s\nwant %q", said, c.says)
			}
			if _, err := os.Stat(folder); !os.IsNotExist(err) {
				t.Errorf("what was fetched before is left in %s: %v", folder, err)
			}
		})
	}
}

func zipped(t *testing.T, name, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func tarred(t *testing.T, name, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := tar.NewWriter(z)
	if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o755, Size: int64(len(text))}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
