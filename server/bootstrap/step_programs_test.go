package bootstrap_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/armor"
	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

const programFolder = "/opt/crumpet/bin"

// elfProgram is the least that is a program of Linux; it says what it is.
func elfProgram(t testing.TB, machine elf.Machine, says string) []byte {
	t.Helper()
	var b bytes.Buffer
	head := elf.Header64{
		Ident: [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(elf.ELFCLASS64), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)},
		Type:  uint16(elf.ET_EXEC), Machine: uint16(machine), Version: uint32(elf.EV_CURRENT), Ehsize: 64, Phentsize: 56, Shentsize: 64,
	}
	if err := binary.Write(&b, binary.LittleEndian, head); err != nil {
		t.Fatal(err)
	}
	b.WriteString(says + "\n")
	return b.Bytes()
}

func zipped(t testing.TB, name string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, f := range []struct {
		name    string
		content []byte
	}{{"LICENSE.txt", []byte("as it is")}, {name, content}} {
		w, err := z.Create(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarred(t testing.TB, name string, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	w := tar.NewWriter(g)
	for _, h := range []*tar.Header{{Name: name, Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "x/" + name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))}} {
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// depot is where programs come from.
type depot map[string][]byte

func (d depot) open(_ context.Context, source string) (io.ReadCloser, error) {
	content, ok := d[source]
	if !ok {
		return nil, paas.Errorf(paas.NotFound, "There is no %s.", source)
	}
	return io.NopCloser(bytes.NewReader(content)), nil
}

// programWorld has five programs, each from another kind of source, and machines that answer as their shells would.
func programWorld(t testing.TB) (*fakeWorld, depot) {
	t.Helper()
	w := newWorld(t)
	amd := func(says string) []byte { return elfProgram(t, elf.EM_X86_64, says) }
	d := depot{
		"https://example.com/consul_1.20.0_amd64.zip": zipped(t, "consul", amd("Consul v1.20.0")),
		"programs/nomad_1.10.0_linux_amd64.zip":       zipped(t, "nomad", amd("Nomad v1.10.0")),
		"bao.tgz":                                     tarred(t, "bao", amd("OpenBao v2.2.0 (abc), committed")),
		"programs/fabio":                              amd("1.7.3 go1.26"),
		"/usr/bin/crumpet":                            amd("crumpet dev (commit none, go1.26)"),
	}
	w.fleet.Programs = []fleet.Program{
		{Name: fleet.Consul, Command: "consul", Version: "1.20.0", Source: "https://example.com/consul_{version}_{arch}.zip", SHA256: digestOf(d["https://example.com/consul_1.20.0_amd64.zip"])},
		{Name: fleet.Nomad, Command: "nomad", Version: "1.10.0", Source: "programs"},
		{Name: fleet.Vault, Command: "bao", Version: "2.2.0", Source: "bao.tgz"},
		{Name: fleet.Fabio, Command: "fabio", Version: "1.7.3", Source: "programs"},
		{Name: fleet.Crumpet, Command: "crumpet", Version: "dev", Source: "/usr/bin/crumpet"},
	}
	w.open = d.open
	for _, h := range w.hosts {
		shellOfPrograms(h)
	}
	return w, d
}

// shellOfPrograms answers what the step programs asks a machine.
func shellOfPrograms(h *fakeHost) {
	h.on("sha256sum <", func(h *fakeHost, _ string, _ []byte) ([]byte, error) {
		text := "x86_64\n"
		for name, f := range h.files {
			base := path.Base(name)
			switch note, isNote := strings.CutSuffix(base, ".sha256"); {
			case path.Dir(name) != programFolder:
			case isNote:
				text += fmt.Sprintf("note %s %s", note, f.Content)
			default:
				text += fmt.Sprintf("file %s %s  -\n", base, digestOf(f.Content))
			}
		}
		for name, target := range h.notes {
			text += fmt.Sprintf("link %s %s\n", strings.TrimPrefix(name, "link "), target)
		}
		return []byte(text), nil
	})
	h.on("uname -m", func(*fakeHost, string, []byte) ([]byte, error) { return []byte("x86_64\n"), nil })
	h.on("mv -fT", func(h *fakeHost, script string, _ []byte) ([]byte, error) {
		fields := strings.Fields(script[strings.Index(script, "ln -sfn --"):])
		h.notes["link "+fields[len(fields)-1]] = fields[3]
		return nil, nil
	})
	h.on("mv -f -T --", func(h *fakeHost, script string, _ []byte) ([]byte, error) {
		fields := strings.Fields(script)
		from, to := fields[4], fields[5]
		h.files[to] = h.files[from]
		delete(h.files, from)
		return nil, nil
	})
	h.on("timeout 60", func(h *fakeHost, script string, _ []byte) ([]byte, error) {
		for word := range strings.FieldsSeq(script) {
			if f, ok := h.files[word]; ok && f.Mode == 0o755 {
				return f.Content[64:], nil
			}
		}
		return nil, fmt.Errorf("%s: not found", script)
	})
	h.on("remove "+programFolder, func(h *fakeHost, _ string, _ []byte) ([]byte, error) {
		clear(h.files)
		clear(h.notes)
		return nil, nil
	})
}

func programs() []bootstrap.Step { return []bootstrap.Step{bootstrap.Programs()} }

func (w *fakeWorld) up(t *testing.T, steps []bootstrap.Step) error {
	t.Helper()
	return bootstrap.Up(t.Context(), w.run(), steps, bootstrap.Options{Settle: time.Millisecond})
}

func TestEachMachineGetsTheProgramsOfItsRole(t *testing.T) {
	t.Parallel()
	w, d := programWorld(t)
	if err := w.up(t, programs()); err != nil {
		t.Fatal(err)
	}
	links := func(h *fakeHost) (list []string) {
		for name, target := range h.notes {
			if _, ok := h.files[programFolder+"/"+target]; !ok {
				t.Errorf("%s: %s points to nothing", h.name, name)
			}
			list = append(list, strings.TrimPrefix(name, "link ")+" "+target)
		}
		slices.Sort(list)
		return list
	}
	want := []string{"consul consul-1.20.0", "crumpet crumpet-dev", "nomad nomad-1.10.0", "vault vault-2.2.0"}
	if diff := cmp.Diff(want, links(w.hosts["server-1"])); diff != "" {
		t.Error(diff)
	}
	want = []string{"consul consul-1.20.0", "crumpet crumpet-dev", "fabio fabio-1.7.3", "nomad nomad-1.10.0"}
	if diff := cmp.Diff(want, links(w.hosts["client-2"])); diff != "" {
		t.Error(diff)
	}
	if f := w.hosts["client-2"].files[programFolder+"/fabio-1.7.3"]; !bytes.Equal(f.Content, d["programs/fabio"]) {
		t.Error("fabio is another")
	}
	// Nothing is loaded to find that nothing is to be done.
	delete(d, "https://example.com/consul_1.20.0_amd64.zip")
	changes, err := bootstrap.Plan(t.Context(), w.run(), programs(), bootstrap.Options{})
	if err != nil || len(changes) > 0 {
		t.Errorf("%v, %v", changes, err)
	}
	if err := bootstrap.Destroy(t.Context(), w.run(), programs(), bootstrap.Options{}); err != nil || len(w.hosts["server-1"].files) > 0 {
		t.Errorf("after the destroy: %v, %v", w.hosts["server-1"].state(), err)
	}
}

func TestANewVersionIsPutBesideTheOldOne(t *testing.T) {
	t.Parallel()
	w, d := programWorld(t)
	if err := w.up(t, programs()); err != nil {
		t.Fatal(err)
	}
	d["programs/nomad-1.11.0"] = elfProgram(t, elf.EM_X86_64, "Nomad v1.11.0")
	w.fleet.Programs[1].Version = "1.11.0"
	changes, err := bootstrap.Plan(t.Context(), w.run(), programs(), bootstrap.Options{})
	if err != nil || len(changes) != 5 || changes[0].Text != "install nomad 1.11.0 from programs/nomad-1.11.0" {
		t.Fatalf("%v, %v", changes, err)
	}
	if err := w.up(t, programs()); err != nil {
		t.Fatal(err)
	}
	h := w.hosts["server-1"]
	if h.notes["link nomad"] != "nomad-1.11.0" || h.files[programFolder+"/nomad-1.10.0"].Content == nil {
		t.Errorf("%v", h.notes)
	}
	// Back again is a link only.
	w.fleet.Programs[1].Version = "1.10.0"
	changes, err = bootstrap.Plan(t.Context(), w.run(), programs(), bootstrap.Options{})
	if err != nil || len(changes) != 5 || changes[0].Text != "use nomad 1.10.0" {
		t.Errorf("%v, %v", changes, err)
	}
	// What says that it is another version leaves the one that is in use as it is.
	old := h.files[programFolder+"/nomad-1.10.0"].Content
	d["programs/nomad-1.10.0"] = elfProgram(t, elf.EM_X86_64, "Nomad v1.12.0")
	if err := w.up(t, programs()); paas.CodeOf(err) != paas.Invalid {
		t.Errorf("said %v", err)
	}
	if !bytes.Equal(h.files[programFolder+"/nomad-1.10.0"].Content, old) {
		t.Error("the program in use was replaced by one of another version")
	}
	delete(d, "programs/nomad-1.10.0")
	// A program that somebody changed is put back.
	f := h.files[programFolder+"/consul-1.20.0"]
	h.files[programFolder+"/consul-1.20.0"] = bootstrap.File{Content: append([]byte("x"), f.Content...), Mode: 0o755}
	changes, err = bootstrap.Plan(t.Context(), w.run(), programs(), bootstrap.Options{})
	if err != nil || len(changes) != 6 {
		t.Errorf("%v, %v", changes, err)
	}
}

func TestTheFirstStepsAreCompletedAfterAnyEnd(t *testing.T) {
	t.Parallel()
	first := []bootstrap.Step{bootstrap.Reach(), bootstrap.Programs()}
	made := func() *fakeWorld {
		w, _ := programWorld(t)
		w.fleet.Machines = []fleet.Machine{w.fleet.Machines[0], w.fleet.Machines[3]} // enough, and quick
		reachable(w, asItIs)
		return w
	}
	whole := made()
	if err := whole.up(t, first); err != nil {
		t.Fatal(err)
	}
	calls, want := whole.death.count(), whole.state()
	delete(want, "kept")
	for at := 1; at <= calls; at++ {
		w := made()
		w.death.revive(at, at%2 == 0)
		_ = w.up(t, first) // killed
		w.death.revive(0, false)
		if err := w.up(t, first); err != nil {
			t.Fatalf("killed at call %d: %v", at, err)
		}
		got := w.state()
		delete(got, "kept")
		for _, all := range []map[string]map[string]string{got, want} {
			for _, state := range all {
				delete(state, ownerPath) // has an id of its own
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("killed at call %d:\n%s", at, diff)
		}
	}
}

func TestWhatIsNotWhatItMustBeIsNotInstalled(t *testing.T) {
	t.Parallel()
	arm := elfProgram(t, elf.EM_AARCH64, "1.7.3 go1.26")
	for name, c := range map[string]struct {
		change func(w *fakeWorld, d depot)
		code   paas.Code
		words  []string
	}{
		"another digest":    {func(w *fakeWorld, _ depot) { w.fleet.Programs[0].SHA256 = strings.Repeat("0", 64) }, paas.Forbidden, []string{"consul_1.20.0_amd64.zip", "000000", "Don't use it"}},
		"another version":   {func(_ *fakeWorld, d depot) { d["programs/fabio"] = elfProgram(t, elf.EM_X86_64, "1.7.30 go1.26") }, paas.Invalid, []string{`"1.7.30 go1.26"`, "version 1.7.3 of fabio"}},
		"another processor": {func(_ *fakeWorld, d depot) { d["programs/fabio"] = arm }, paas.Invalid, []string{"EM_AARCH64", "{arch}"}},
		"no program":        {func(_ *fakeWorld, d depot) { d["programs/fabio"] = []byte("<html>not found</html>") }, paas.Invalid, []string{"no program for Linux"}},
		"nothing":           {func(_ *fakeWorld, d depot) { d["programs/fabio"] = nil }, paas.Invalid, []string{"holds nothing"}},
		"another archive":   {func(_ *fakeWorld, d depot) { d["bao.tgz"] = tarred(t, "vault", arm) }, paas.Invalid, []string{`no program "bao"`, "cluster.hcl"}},
		"a broken archive":  {func(_ *fakeWorld, d depot) { d["bao.tgz"] = d["bao.tgz"][:50] }, paas.Invalid, []string{"bao.tgz", "unpacked"}},
		"nothing there":     {func(_ *fakeWorld, d depot) { delete(d, "programs/nomad_1.10.0_linux_amd64.zip") }, paas.NotFound, []string{`no program "nomad" in programs`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, d := programWorld(t)
			c.change(w, d)
			err := w.up(t, programs())
			if paas.CodeOf(err) != c.code {
				t.Fatalf("code %q of %v", paas.CodeOf(err), err)
			}
			text := paas.MessageOf(err)
			for _, f := range paas.FaultsOf(err) {
				text += f.Message
			}
			for _, word := range c.words {
				if !strings.Contains(text, word) {
					t.Errorf("%q does not name %q", text, word)
				}
			}
			for _, h := range w.hosts {
				for name := range h.notes {
					if strings.Contains(text, strings.TrimPrefix(name, "link ")+" of") {
						t.Errorf("%s is in use", name)
					}
				}
			}
		})
	}
}

func TestSumsAreBelievedOnceTheirSignatureIs(t *testing.T) {
	t.Parallel()
	signer, err := openpgp.NewEntity("Maker", "", "maker@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := openpgp.NewEntity("Stranger", "", "stranger@example.com", nil)
	if err != nil {
		t.Fatal(err)
	}
	var key bytes.Buffer
	out, err := armor.Encode(&key, openpgp.PublicKeyType, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := signer.Serialize(out); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	signed := func(by *openpgp.Entity, text []byte, armored bool) []byte {
		var b bytes.Buffer
		sign := openpgp.DetachSign
		if armored {
			sign = openpgp.ArmoredDetachSign
		}
		if err := sign(&b, by, bytes.NewReader(text), nil); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	const sums = "https://example.com/consul_1.20.0_SHA256SUMS"
	for name, c := range map[string]struct {
		change func(d depot)
		code   paas.Code
		word   string
	}{
		"signed":              {func(d depot) { d[sums+".sig"] = signed(signer, d[sums], false) }, "", ""},
		"signed, armored":     {func(d depot) { d[sums+".asc"] = signed(signer, d[sums], true) }, "", ""},
		"signed by a another": {func(d depot) { d[sums+".sig"] = signed(stranger, d[sums], false) }, paas.Forbidden, "not signed by"},
		"changed": {func(d depot) {
			d[sums+".sig"] = signed(signer, d[sums], false)
			d[sums] = append([]byte("x\n"), d[sums]...)
		}, paas.Forbidden, "not signed by"},
		"not signed":    {func(depot) {}, paas.NotFound, "no signature"},
		"no key":        {func(d depot) { d["maker.asc"] = []byte("hello") }, paas.Invalid, "no OpenPGP key"},
		"of another":    {func(d depot) { d[sums] = []byte("abc  other.zip\n"); d[sums+".sig"] = signed(signer, d[sums], false) }, paas.Invalid, "names no consul_1.20.0_amd64.zip"},
		"sums are gone": {func(d depot) { delete(d, sums) }, paas.NotFound, sums},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, d := programWorld(t)
			p := &w.fleet.Programs[0]
			d["maker.asc"] = key.Bytes()
			d[sums] = []byte(digestOf(d["https://example.com/consul_1.20.0_amd64.zip"]) + "  consul_1.20.0_amd64.zip\n" + strings.Repeat("0", 64) + "  consul_1.20.0_arm64.zip\n")
			p.SHA256, p.Sums, p.Key = "", "https://example.com/consul_{version}_SHA256SUMS", "maker.asc"
			c.change(d)
			err := w.up(t, programs())
			if paas.CodeOf(err) != c.code || !strings.Contains(fmt.Sprint(err), c.word) {
				t.Errorf("said %v", err)
			}
		})
	}
}

func TestVersionsAreFoundInWhatProgramsSay(t *testing.T) {
	t.Parallel()
	for said, versions := range map[string][2]string{
		"Nomad v2.0.6-dev\nBuildDate 1.2.3":           {"2.0.6-dev", "2.0.6"},
		"Consul v1.8.7\nProtocol 2":                   {"1.8.7", "1.8"},
		"OpenBao v2.6.2 (dd9c19c3), committed 2026":   {"2.6.2", "2.6.20"},
		"Vault v1.20.0 (abc), built 2025":             {"1.20.0", "20.0"},
		"1.7.3 go1.26.8":                              {"1.7.3", "7.3"},
		"crumpet dev (commit 1f2e, go1.26.8)":         {"dev", "de"},
		"crumpet 0.7.0+ent (commit 1f2e3, go1.26.80)": {"0.7.0+ent", "0.7.0"},
	} {
		if !bootstrap.Says(said, versions[0]) || bootstrap.Says(said, versions[1]) {
			t.Errorf("%q: %q %t, %q %t", said, versions[0], bootstrap.Says(said, versions[0]), versions[1], bootstrap.Says(said, versions[1]))
		}
	}
}

func TestTheScriptsDoInAShellWhatTheyAreFor(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	sh := func(script string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(script, programFolder, folder)).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	p := fleet.Program{Name: fleet.Vault, Command: "bao", Version: "2.2.0"}
	text := "#!/bin/sh\necho \"$0 $*\"\n"
	for _, version := range []string{"2.1.0", "2.2.0"} {
		if err := os.WriteFile(filepath.Join(folder, "vault-"+version), []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "vault-2.2.0.sha256"), []byte("aa bb\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, p.Version = range []string{"2.1.0", "2.2.0", "2.2.0"} {
		sh(bootstrap.LinkScript(p))
		if to, err := os.Readlink(filepath.Join(folder, "vault")); err != nil || to != "vault-"+p.Version {
			t.Errorf("the link is to %q, %v", to, err)
		}
	}
	digest := digestOf([]byte(text))
	arch, got, _ := strings.Cut(sh(bootstrap.InstalledScript), "\n")
	want := "link vault vault-2.2.0\nfile vault-2.1.0 " + digest + "  -\nfile vault-2.2.0 bb\nnote vault-2.2.0 aa bb\n" // as noted
	if arch == "" || got != want {
		t.Errorf("installed: %s\n%s", arch, cmp.Diff(want, got))
	}
	changed := filepath.Join(folder, "vault-2.2.0")
	for { // a clock of files may stand still for some milliseconds
		if err := os.Chtimes(changed, time.Unix(1, 0), time.Unix(1, 0)); err != nil { // whoever hides a change this way
			t.Fatal(err)
		}
		if sh("stat -c %.9Z -- "+changed) != sh("stat -c %.9Z -- "+changed+".sha256") {
			break
		}
	}
	_, got, _ = strings.Cut(sh(bootstrap.InstalledScript), "\n")
	if want = strings.Replace(want, "file vault-2.2.0 bb", "file vault-2.2.0 "+digest+"  -", 1); got != want {
		t.Errorf("after a change: %s", cmp.Diff(want, got))
	}
	if got := sh(bootstrap.VersionScript(p, programFolder+"/vault-2.2.0")); got != filepath.Join(folder, "vault-2.2.0")+" version\n" {
		t.Errorf("asked as %q", got)
	}
}
