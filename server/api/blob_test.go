package api_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/api"
	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func startHandler(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	server := httptest.NewUnstartedServer(h)
	server.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	server.Start()
	t.Cleanup(func() { cancel(); server.CloseClientConnections(); server.Close() })
	return server
}

func bundle(t *testing.T, blobs ...string) *bytes.Buffer {
	t.Helper()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	archive := tar.NewWriter(zip)
	for _, blob := range blobs {
		sum := sha256.Sum256([]byte(blob))
		if err := archive.WriteHeader(&tar.Header{Name: "sha256/" + hex.EncodeToString(sum[:]), Size: int64(len(blob)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(archive, blob); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestUploadedBlobsAreNotMissingAnyMore(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	server := apitest.Start(t, apitest.Config(t, platform))
	sum := sha256.Sum256([]byte("hello"))
	digest := hex.EncodeToString(sum[:])
	ask := func() string {
		_, text := apitest.Call(t, "POST", server.URL+"/v1/blobs/missing", strings.NewReader(`{"digests":["`+digest+`"]}`))
		return string(text)
	}
	if got := ask(); !strings.Contains(got, digest) {
		t.Errorf("before: %s", got)
	}
	answer, text := apitest.Call(t, "POST", server.URL+"/v1/blobs", bundle(t, "hello", "world"))
	if answer.StatusCode != http.StatusOK || strings.TrimSpace(string(text)) != `{"blobs":2}` {
		t.Errorf("%d %s", answer.StatusCode, text)
	}
	if got := ask(); strings.TrimSpace(got) != `{"digests":[]}` {
		t.Errorf("after: %s", got)
	}
}

func TestUploadIsBounded(t *testing.T) {
	t.Parallel()
	config := apitest.Config(t, apitest.NewPlatform())
	config.MaxUpload = 100
	server := apitest.Start(t, config)
	noise := make([]byte, 4096) // what gzip can't shorten
	for i := range noise {
		sum := sha256.Sum256([]byte{byte(i), byte(i >> 8)})
		noise[i] = sum[0]
	}
	for name, body := range map[string]io.Reader{
		"with a length":    bundle(t, string(noise)),
		"without a length": io.MultiReader(bundle(t, string(noise))),
	} {
		answer, text := apitest.Call(t, "POST", server.URL+"/v1/blobs", body)
		if p := problemOf(t, answer, text); p.Status != http.StatusRequestEntityTooLarge || p.Code != paas.Quota {
			t.Errorf("%s: %s", name, text)
		}
	}
}

// receiver tells how each upload ended for the platform.
type receiver struct {
	*apitest.Platform
	ended chan error
}

func (r receiver) Receive(ctx context.Context, body io.Reader) (int, error) {
	_, err := io.Copy(io.Discard, body)
	r.ended <- err
	return 0, err
}

func TestDisconnectedUploadEndsWithAnError(t *testing.T) {
	t.Parallel()
	platform := receiver{apitest.NewPlatform(), make(chan error, 1)}
	config := apitest.Config(t, platform.Platform)
	config.Blobs = platform
	server := apitest.Start(t, config)
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.WriteString(connection, "POST /v1/blobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+apitest.Token+"\r\nContent-Length: 1000\r\n\r\nhalf")
	if err != nil {
		t.Fatal(err)
	}
	if err := connection.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-platform.ended:
		if err == nil {
			t.Error("a cut upload looked whole")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the upload did not end")
	}
}

func TestArtifactIsServedToItsSignatureOnly(t *testing.T) {
	t.Parallel()
	platform := apitest.NewPlatform()
	digest, other := platform.PutBlob([]byte("0123456789")), platform.PutBlob([]byte("other"))
	server := apitest.Start(t, apitest.Config(t, platform))
	get := func(method, url string, header ...string) (*http.Response, []byte) {
		r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		return apitest.Do(t, r)
	}
	url := api.ArtifactURL(server.URL+"/", apitest.ArtifactKey, digest)
	answer, text := get("GET", url)
	if answer.StatusCode != http.StatusOK || string(text) != "0123456789" || answer.Header.Get("Etag") != `"`+digest+`"` || answer.Header.Get("Content-Type") != "application/gzip" {
		t.Errorf("%d %q %v", answer.StatusCode, text, answer.Header)
	}
	if answer, text := get("GET", url, "Range", "bytes=2-4"); answer.StatusCode != http.StatusPartialContent || string(text) != "234" {
		t.Errorf("range: %d %q", answer.StatusCode, text)
	}
	if answer, _ := get("GET", url, "If-None-Match", `"`+digest+`"`); answer.StatusCode != http.StatusNotModified {
		t.Errorf("if none match: %d", answer.StatusCode)
	}
	if answer, _ := get("HEAD", url); answer.StatusCode != http.StatusOK || answer.ContentLength != 10 {
		t.Errorf("head: %d, %d bytes", answer.StatusCode, answer.ContentLength)
	}
	_, sig, _ := strings.Cut(url, "?")
	for name, url := range map[string]string{
		"no signature":        strings.TrimSuffix(url, "?"+sig),
		"a cut signature":     url[:len(url)-1],
		"of another artifact": server.URL + "/v1/artifacts/sha256/" + other + "?" + sig,
		"of another key":      api.ArtifactURL(server.URL, []byte("guess"), digest),
	} {
		for _, header := range [][]string{nil, {"Authorization", "Bearer " + apitest.Token}} {
			if answer, text := get("GET", url, header...); answer.StatusCode != http.StatusUnauthorized || strings.Contains(string(text), "0123") {
				t.Errorf("%s: %d %s", name, answer.StatusCode, text)
			}
		}
	}
	gone := api.ArtifactURL(server.URL, apitest.ArtifactKey, strings.Repeat("0", 64))
	if answer, text := get("GET", gone); problemOf(t, answer, text).Code != paas.NotFound {
		t.Errorf("an unknown artifact: %d %s", answer.StatusCode, text)
	}
}
