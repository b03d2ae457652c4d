package nomad

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/executor"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

const (
	frameSize   = 64 << 10
	followEvery = 100 * time.Millisecond
	followBeat  = time.Second
)

// frames is where a stream of a file goes: as JSON frames, or plain.
type frames struct {
	w     http.ResponseWriter
	plain bool
	flush *http.ResponseController
	beat  time.Time // of the last thing sent
}

func newFrames(w http.ResponseWriter, plain bool) *frames {
	w.Header().Set("Content-Type", "application/json")
	if plain {
		w.Header().Set("Content-Type", "text/plain")
	}
	return &frames{w: w, plain: plain, flush: http.NewResponseController(w), beat: time.Now()}
}

func (f *frames) send(frame nomadapi.StreamFrame) error {
	f.beat = time.Now()
	if f.plain {
		if _, err := f.w.Write(frame.Data); err != nil {
			return err
		}
		return f.flush.Flush()
	}
	if err := json.NewEncoder(f.w).Encode(frame); err != nil {
		return err
	}
	return f.flush.Flush()
}

// idle keeps a silent stream alive.
func (f *frames) idle() error {
	if f.plain || time.Since(f.beat) < followBeat {
		return nil
	}
	return f.send(nomadapi.StreamFrame{})
}

// copy sends a file from an offset to its present end and returns where that is.
func (f *frames) copy(path, name string, offset int64) (int64, error) {
	file, err := os.Open(path)
	if err != nil {
		return offset, err
	}
	defer func() { _ = file.Close() }() // read only
	buffer := make([]byte, frameSize)
	for {
		n, err := file.ReadAt(buffer, offset)
		if n > 0 {
			offset += int64(n)
			if err := f.send(nomadapi.StreamFrame{Offset: offset, Data: buffer[:n], File: name}); err != nil {
				return offset, err
			}
		}
		if errors.Is(err, io.EOF) {
			return offset, nil
		}
		if err != nil {
			return offset, err
		}
	}
}

func (s *Server) streamLogs(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	dir, stream, err := s.logOf(r)
	offset, parseErr := strconv.ParseInt(orDefault(q.Get("offset"), "0"), 10, 64)
	origin := orDefault(q.Get("origin"), "start")
	switch {
	case err != nil:
	case parseErr != nil:
		err = fail(http.StatusBadRequest, "error parsing offset: %v", parseErr)
	case origin != "start" && origin != "end":
		err = fail(http.StatusBadRequest, "origin must be start or end")
	}
	if err != nil {
		s.refuse(w, err)
		return
	}
	number, at, err := position(dir, stream, origin, offset)
	if err != nil {
		s.refuse(w, err)
		return
	}
	out := newFrames(w, boolParam(r, "plain"))
	if err := s.follow(r.Context(), out, dir, stream, number, at, boolParam(r, "follow")); err != nil {
		s.log.Debug("logs ended", "err", err)
	}
}

// follow sends a log from one file to the next, and waits for more when asked.
func (s *Server) follow(ctx context.Context, out *frames, dir, stream string, number int, at int64, follow bool) error {
	for {
		name := stream + "." + strconv.Itoa(number)
		end, err := out.copy(filepath.Join(dir, name), filepath.Join("alloc/logs", name), at)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		at = end
		numbers, err := executor.LogNumbers(dir, stream)
		if err != nil {
			return err
		}
		if len(numbers) > 0 && numbers[len(numbers)-1] > number {
			// What was written between the copy and the rotation comes first.
			if _, err := out.copy(filepath.Join(dir, name), filepath.Join("alloc/logs", name), at); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
			number, at = max(number+1, numbers[0]), 0
			continue
		}
		if !follow {
			return nil
		}
		select {
		case <-s.ended:
			return nil
		default:
		}
		if !pause(ctx, followEvery) {
			return ctx.Err()
		}
		if err := out.idle(); err != nil {
			return err
		}
	}
}

// logOf finds the folder and the name of what a request asks for.
func (s *Server) logOf(r *http.Request) (dir, stream string, err error) {
	task, kind := r.URL.Query().Get("task"), r.URL.Query().Get("type")
	switch {
	case task == "":
		return "", "", fail(http.StatusBadRequest, "must provide task name")
	case kind != "stdout" && kind != "stderr":
		return "", "", fail(http.StatusBadRequest, "must provide log type (stdout/stderr)")
	}
	a, err := s.clientAlloc(r)
	if err != nil {
		return "", "", err
	}
	if a.AllocatedResources.Tasks[task] == nil {
		return "", "", fail(http.StatusBadRequest, "unknown task name %q", task)
	}
	if ts := a.TaskStates[task]; ts == nil || ts.StartedAt.IsZero() {
		return "", "", fail(http.StatusNotFound, "task %q not started yet. No logs available", task)
	}
	return s.logDir(a.ID), task + "." + kind, nil
}

// logDir is where an allocation's tasks are written down.
func (s *Server) logDir(alloc string) string {
	return filepath.Join(s.allocDir(alloc), "alloc", "logs")
}

// clientAlloc is the allocation of a request to the client's side.
func (s *Server) clientAlloc(r *http.Request) (a *state.Alloc, err error) {
	s.state.View(func(v *state.View) {
		if a = v.Alloc(r.PathValue("id")); a == nil {
			err = fail(http.StatusNotFound, "Unknown allocation %q", r.PathValue("id"))
		}
	})
	if a != nil && !s.reachable(a.NodeID) {
		return nil, fail(http.StatusNotFound, "No path to node. Node may be down or disconnected.")
	}
	return a, err
}

// position counts an offset over all files of a log, from the first one's start
// or back from the last one's end.
func position(dir, stream, origin string, offset int64) (number int, at int64, err error) {
	numbers, err := executor.LogNumbers(dir, stream)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(numbers) == 0 {
		return 0, 0, fail(http.StatusNotFound, "log entry for %q not found", stream)
	}
	if err != nil {
		return 0, 0, err
	}
	sizes := make([]int64, len(numbers))
	total := int64(0)
	for i, n := range numbers {
		info, err := os.Stat(filepath.Join(dir, stream+"."+strconv.Itoa(n)))
		if err != nil {
			return 0, 0, err
		}
		sizes[i] = info.Size()
		total += info.Size()
	}
	if origin == "end" {
		if offset == 0 { // Nomad then begins with the last file
			return numbers[len(numbers)-1], 0, nil
		}
		offset = total - offset
	}
	offset = min(max(offset, 0), total)
	for i, size := range sizes {
		if offset < size || i == len(sizes)-1 {
			return numbers[i], offset, nil
		}
		offset -= size
	}
	return numbers[0], 0, nil
}
