package nomad_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestLogFilesAreNamedByTaskStreamAndNumber(t *testing.T) {
	t.Parallel()
	var query string
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Path + "?" + r.URL.Query().Encode()
		_, _ = io.WriteString(w, `[
			{"Name":".web.stdout.fifo","Size":0},{"Name":"web.stdout.10","Size":12,"ModTime":"2026-11-22T10:00:00Z"},
			{"Name":"web.stderr.0","Size":0,"ModTime":"2026-11-22T10:00:00Z"},{"Name":"queue.proxy.stdout.1","Size":3,"ModTime":"2026-11-22T10:00:00Z"},
			{"Name":"web.stdin.0","Size":1},{"Name":"web.stdout.x","Size":1},{"Name":"web.stdout.2","IsDir":true}]`)
	})
	got, err := c.LogFiles(t.Context(), "a1")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	want := []paas.LogFile{
		{Task: "web", Stream: "stdout", Number: 10, Size: 12, Modified: at},
		{Task: "web", Stream: "stderr", Modified: at},
		{Task: "queue.proxy", Stream: "stdout", Number: 1, Size: 3, Modified: at},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if want := "/v1/client/fs/ls/a1?namespace=%2A&path=alloc%2Flogs"; query != want {
		t.Errorf("query = %s, want %s", query, want)
	}
}

func TestPartOfALogFileIsRead(t *testing.T) {
	t.Parallel()
	var query string
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Path + "?" + r.URL.Query().Encode()
		switch r.URL.Query().Get("offset") {
		case "99":
			http.Error(w, "stat /x: no such file or directory", http.StatusBadRequest) // as Nomad says it
		case "7":
			_, _ = io.WriteString(w, `{"Data":"dHdv`)
		default:
			_, _ = io.WriteString(w, `{"Data":"dHdv","File":"alloc/logs/web.stderr.3","Offset":7}{}{"Data":"Cg==","File":"alloc/logs/web.stderr.3"}`)
		}
	})
	f := paas.LogFile{Task: "web", Stream: "stderr", Number: 3}
	for _, tt := range []struct {
		offset, size int64
		want         string
		code         paas.Code
	}{
		{4, 4, "two\n", ""},
		{4, 2, "tw", ""},
		{4, 5, "two\n", paas.NotFound}, // shorter than it was listed
		{99, 4, "", paas.NotFound},
		{7, 4, "", paas.Unavailable},
	} {
		var got strings.Builder
		err := c.ReadLog(t.Context(), "a1", f, tt.offset, tt.size, func(data []byte) error { got.Write(data); return nil })
		if got.String() != tt.want || (err == nil) != (tt.code == "") || err != nil && paas.CodeOf(err) != tt.code {
			t.Errorf("%d bytes from %d on: %q, %v", tt.size, tt.offset, got.String(), err)
		}
	}
	if want := "/v1/client/fs/stream/a1?follow=false&namespace=%2A&offset=7&origin=start&path=alloc%2Flogs%2Fweb.stderr.3"; query != want {
		t.Errorf("query = %s, want %s", query, want)
	}
	full := errors.New("full")
	if err := c.ReadLog(t.Context(), "a1", f, 4, 4, func([]byte) error { return full }); !errors.Is(err, full) {
		t.Errorf("got %v", err)
	}
}

// hear follows a log until its stream ends, and gives its chunks as FILE:DATA.
func hear(t *testing.T, body string) (chunks []string, query string, err error) {
	t.Helper()
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		query = r.URL.Query().Encode()
		if e := r.Header.Get("Accept-Encoding"); e != "identity" { // the first of them, as Nomad reads it
			t.Errorf("a stream is asked for as %q", e)
		}
		_, _ = io.WriteString(w, body)
	})
	err = c.FollowLog(t.Context(), "a1", "web", "stdout", 100, func(c paas.LogChunk) error {
		chunks = append(chunks, fmt.Sprintf("%d:%s", c.File, c.Data))
		return nil
	})
	return chunks, query, err
}

func TestFollowedLogComesAsChunksOfItsFiles(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("0123456789", 40_000) // longer than any frame of Nomad's, and than our buffer
	odd, err := json.Marshal(nomadapi.StreamFrame{File: "alloc/logs/web.stdout.7", Data: []byte("\xff\x00"), Offset: 1})
	if err != nil {
		t.Fatal(err)
	}
	// The first three are recorded from Nomad 2.0.6-dev: data, a heartbeat, a file that was deleted.
	chunks, query, err := hear(t, `{"Data":"b25lCg==","File":"alloc/logs/web.stdout.0","Offset":4}{}`+
		`{"File":"alloc/logs/web.stdout.0","FileEvent":"file deleted","Offset":4}`+"\n"+
		`{ "Offset" : 4, "Unknown": true, "File":"alloc\/logs\/web.stdout.1", "Data" : "dHdv" }`+
		`{"File":"alloc/logs/web.stdout.2","Data":"`+base64.StdEncoding.EncodeToString([]byte(long))+`"}`+string(odd))
	want := []string{"0:one\n", "-1:", "0:", "1:two", "2:" + long, "7:\xff\x00"}
	if diff := cmp.Diff(want, chunks); diff != "" {
		t.Errorf("chunks (-want +got):\n%s", diff)
	}
	if paas.CodeOf(err) != paas.Unavailable {
		t.Errorf("when Nomad ends the stream: %v", err)
	}
	if want := "follow=true&namespace=%2A&offset=100&origin=start&task=web&type=stdout"; query != want {
		t.Errorf("query = %s, want %s", query, want)
	}
}

func TestWhatIsNoFrameIsNoLine(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"failed to stream", `[1]`, `{"Data":"b25l`, `{"Data":"not base64!","File":"web.stdout.0"}`, `{"Data":"b25lCg=="}`,
		`{"Data":"b25lCg==","File":"web.stdout"}`, `{"Data":{"a":1}}`, `{"Data":"b25lCg==","File":"web.stdout.0"`, `{Data}`, `{"Data"b}`,
	} {
		chunks, _, err := hear(t, body)
		if len(chunks) > 0 || paas.CodeOf(err) != paas.Unavailable {
			t.Errorf("%s: %q, %v", body, chunks, err)
		}
	}
}

func TestFollowingEndsWithItsContextAndItsHearer(t *testing.T) {
	t.Parallel()
	ended := make(chan struct{}, 2)
	c := server(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `{"Data":"b25lCg==","File":"alloc/logs/web.stdout.0"}`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		ended <- struct{}{}
	})
	enough := errors.New("enough")
	ctx, cancel := context.WithCancel(t.Context())
	if err := c.FollowLog(t.Context(), "a1", "web", "stdout", 0, func(paas.LogChunk) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	if err := c.FollowLog(ctx, "a1", "web", "stdout", 0, func(paas.LogChunk) error { cancel(); return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	for range 2 {
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			t.Fatal("the request still runs")
		}
	}
}
