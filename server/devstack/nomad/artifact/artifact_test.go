package artifact_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/artifact"
)

func pack(t *testing.T, headers ...tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for _, h := range headers {
		body := ""
		if h.Typeflag == tar.TypeReg {
			body = "content of " + h.Name
			h.Size = int64(len(body))
		}
		if err := archive.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zipped.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// fetch serves a body and fetches it.
func fetch(t *testing.T, body []byte, edit func(*artifact.Source)) (dir string, err error) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/missing") {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write(body) // the client fails otherwise
	}))
	defer server.Close()
	dir = t.TempDir()
	src := artifact.Source{
		URL: server.URL + "/artifacts/app?sig=hush", Mode: "any", Dest: "local/app",
		Options: map[string]string{"archive": "tar.gz", "checksum": fmt.Sprintf("sha256:%x", sha256.Sum256(body))},
	}
	if edit != nil {
		edit(&src)
	}
	return dir, artifact.Fetch(t.Context(), server.Client(), src, dir)
}

func TestAnArchiveIsUnpackedWithItsModes(t *testing.T) {
	t.Parallel()
	dir, err := fetch(t, pack(t,
		tar.Header{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755},
		tar.Header{Name: "bin/app", Typeflag: tar.TypeReg, Mode: 0o777},
		tar.Header{Name: "käse.txt", Typeflag: tar.TypeReg, Mode: 0o600},
		tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "bin/app"},
	), nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"bin/app": 0o777, "käse.txt": 0o600, "link": 0o777} {
		info, err := os.Stat(filepath.Join(dir, "local/app", name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != mode {
			t.Errorf("%s has mode %v", name, info.Mode())
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	good := pack(t, tar.Header{Name: "app", Typeflag: tar.TypeReg, Mode: 0o755})
	for name, tc := range map[string]struct {
		body []byte
		edit func(*artifact.Source)
		want string
	}{
		"a wrong checksum": {good, func(s *artifact.Source) { s.Options["checksum"] = "sha256:" + strings.Repeat("0", 64) }, "Checksums did not match"},
		"a bad checksum":   {good, func(s *artifact.Source) { s.Options["checksum"] = "sha256:12" }, "invalid checksum"},
		"a missing file": {good, func(s *artifact.Source) {
			s.URL = strings.Replace(s.URL, "/artifacts", "/missing", 1)
		}, "bad response code: 404"},
		"a destination outside":    {good, func(s *artifact.Source) { s.Dest = "../../x" }, "escapes"},
		"another scheme":           {good, func(s *artifact.Source) { s.URL = "ftp://127.0.0.1/x" }, "ftp"},
		"an entry outside":         {pack(t, tar.Header{Name: "../x", Typeflag: tar.TypeReg}), nil, "'..'"},
		"an absolute link":         {pack(t, tar.Header{Name: "x", Typeflag: tar.TypeSymlink, Linkname: "/etc"}), nil, "leaves the folder"},
		"a link outside":           {pack(t, tar.Header{Name: "a/x", Typeflag: tar.TypeSymlink, Linkname: "../../y"}), nil, "leaves the folder"},
		"a hard link outside":      {pack(t, tar.Header{Name: "x", Typeflag: tar.TypeLink, Linkname: "../y"}), nil, "leaves the folder"},
		"a device":                 {pack(t, tar.Header{Name: "x", Typeflag: tar.TypeChar}), nil, "neither file"},
		"what is no archive":       {[]byte("hello"), nil, "unpack"},
		"half an archive":          {good[:len(good)/2], nil, "unpack"},
		"a kind that is not known": {good, func(s *artifact.Source) { s.Options["archive"] = "zip" }, "not served"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, err := fetch(t, tc.body, tc.edit)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("got %v", err)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("the signature shows: %v", err)
			}
			if entries, _ := os.ReadDir(dir); len(entries) > 1 {
				t.Errorf("left behind: %v", entries)
			}
		})
	}
}

func TestAPlainFileKeepsItsName(t *testing.T) {
	t.Parallel()
	dir, err := fetch(t, []byte("hello"), func(s *artifact.Source) { s.Options["archive"] = "false" })
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "local/app/app"))
	if err != nil || string(raw) != "hello" {
		t.Errorf("got %q, %v", raw, err)
	}
}

func TestFetchingTwiceReplaces(t *testing.T) {
	t.Parallel()
	body := pack(t, tar.Header{Name: "app", Typeflag: tar.TypeReg, Mode: 0o755}, tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "app"})
	dir, err := fetch(t, body, nil)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
	defer server.Close()
	src := artifact.Source{URL: server.URL + "/app.tar.gz", Dest: "local/app"}
	if err := artifact.Fetch(t.Context(), server.Client(), src, dir); err != nil {
		t.Fatal(err)
	}
}
