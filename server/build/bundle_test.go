package build_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/crumpet-paas/crumpet/server/build"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// bundle makes a tar.gz of headers, each followed by its content.
func bundle(t *testing.T, entries ...any) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for i := 0; i < len(entries); i += 2 {
		content := entries[i+1].(string)
		var h tar.Header
		switch e := entries[i].(type) {
		case string:
			h = tar.Header{Name: e, Size: int64(len(content)), Mode: 0o600}
		case tar.Header:
			h = e
		}
		if err := archive.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// noise does not compress.
func noise(n int) string {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return string(b)
}

func TestReceiveStoresVerifiedBlobs(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	n, err := r.Receive(t.Context(), bytes.NewReader(bundle(t, "sha256/"+digestOf("a"), "a", "sha256/"+digestOf(""), "", "sha256/"+digestOf("a"), "a")))
	if err != nil || n != 3 {
		t.Fatalf("Receive = %d, %v", n, err)
	}
	missing, err := r.Missing(t.Context(), []string{digestOf("a"), digestOf(""), digestOf("b")})
	if err != nil || len(missing) != 1 || missing[0] != digestOf("b") {
		t.Errorf("missing %v, %v", missing, err)
	}
}

func TestBadBundles(t *testing.T) {
	t.Parallel()
	first := []any{"sha256/" + digestOf("first"), "first"} // whole, before the fault
	with := func(entries ...any) []byte { return bundle(t, append(append([]any{}, first...), entries...)...) }
	big := noise(20_000)
	long := with("sha256/"+digestOf(big), big)
	for name, test := range map[string]struct {
		body io.Reader
		code paas.Code
		says string
		n    int
	}{
		"a name that climbs":    {body: bytes.NewReader(with("sha256/../../"+digestOf("x"), "x")), code: paas.Invalid, says: "entries are named", n: 1},
		"a plain path":          {body: bytes.NewReader(with("../evil", "x")), code: paas.Invalid, says: `"../evil"`, n: 1},
		"an absolute name":      {body: bytes.NewReader(with("/sha256/"+digestOf("x"), "x")), code: paas.Invalid, says: "entries are named", n: 1},
		"upper case":            {body: bytes.NewReader(with("sha256/"+strings.ToUpper(digestOf("x")), "x")), code: paas.Invalid, says: "entries are named", n: 1},
		"another content":       {body: bytes.NewReader(with("sha256/"+digestOf("x"), "y")), code: paas.Invalid, says: "has the digest " + digestOf("y"), n: 1},
		"a symbolic link":       {body: bytes.NewReader(with(tar.Header{Typeflag: tar.TypeSymlink, Name: "sha256/" + digestOf("x"), Linkname: "/etc/passwd"}, "")), code: paas.Invalid, says: "not a regular file", n: 1},
		"a hard link":           {body: bytes.NewReader(with(tar.Header{Typeflag: tar.TypeLink, Name: "sha256/" + digestOf("x"), Linkname: "a"}, "")), code: paas.Invalid, says: "not a regular file", n: 1},
		"a folder":              {body: bytes.NewReader(with(tar.Header{Typeflag: tar.TypeDir, Name: "sha256/", Mode: 0o700}, "")), code: paas.Invalid, says: "entries are named", n: 1},
		"a device":              {body: bytes.NewReader(with(tar.Header{Typeflag: tar.TypeChar, Name: "sha256/" + digestOf("x")}, "")), code: paas.Invalid, says: "not a regular file", n: 1},
		"too much":              {body: bytes.NewReader(with("sha256/"+digestOf(strings.Repeat("x", 100_001)), strings.Repeat("x", 100_001))), code: paas.Quota, says: ".crumpetignore", n: 1},
		"too much in all":       {body: bytes.NewReader(with("sha256/"+digestOf(noise(90_000)), noise(90_000), "sha256/"+digestOf(noise(60_000)), noise(60_000))), code: paas.Quota, says: "unpacks to more", n: 2},
		"no gzip":               {body: strings.NewReader("hello, I am no archive"), code: paas.Invalid, says: "not a tar.gz"},
		"nothing":               {body: strings.NewReader(""), code: paas.Invalid, says: "ended before"},
		"cut off":               {body: bytes.NewReader(long[:len(long)/2]), code: paas.Invalid, says: "ended before", n: 1},
		"cut off by one byte":   {body: bytes.NewReader(long[:len(long)-1]), code: paas.Invalid, says: "ended before", n: 2},
		"a broken connection":   {body: io.MultiReader(bytes.NewReader(long[:len(long)/2]), iotest.ErrReader(errors.New("reset by peer"))), code: paas.Invalid, says: "broke off", n: 1},
		"a bit turned over":     {body: bytes.NewReader(flip(long, len(long)-5)), code: paas.Invalid, says: "not a tar.gz", n: 2},
		"a gzip that is no tar": {body: bytes.NewReader(gz(t, strings.Repeat("no tar ", 200))), code: paas.Invalid, says: "not a tar.gz"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, func(c *build.Config) { c.MaxBytes, c.MaxFiles = 100_000, 10 })
			n, err := r.Receive(t.Context(), test.body)
			if paas.CodeOf(err) != test.code || !strings.Contains(paas.MessageOf(err), test.says) || n != test.n {
				t.Errorf("Receive = %d, code %s, %q", n, paas.CodeOf(err), paas.MessageOf(err))
			}
			// What is there is whole: as many files as blobs, each with its own digest.
			files := 0
			err = filepath.WalkDir(filepath.Join(r.dir, "blobs"), func(p string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() {
					return err
				}
				files++
				in, _, err := r.blobs.Open(t.Context(), d.Name())
				if err != nil {
					return err
				}
				content, err := io.ReadAll(in)
				if err != nil || digestOf(string(content)) != d.Name() {
					t.Errorf("%s holds another content", p)
				}
				return in.Close()
			})
			if err != nil || files != test.n {
				t.Errorf("%d files of %d blobs, %v", files, test.n, err)
			}
		})
	}
}

func flip(b []byte, at int) []byte {
	b = bytes.Clone(b)
	b[at] ^= 1
	return b
}

func gz(t *testing.T, text string) []byte {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	if _, err := zip.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}
