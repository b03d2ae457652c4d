package nomad

import (
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	nomadapi "github.com/hashicorp/nomad/api"
)

// path is the file a request is about, inside the allocation's folder. Secrets
// can't be read, as in Nomad.
func (s *Server) path(r *http.Request) (string, error) {
	a, err := s.clientAlloc(r)
	if err != nil {
		return "", err
	}
	name := strings.TrimPrefix(filepath.Clean("/"+r.URL.Query().Get("path")), "/")
	parts := strings.Split(name, "/")
	if len(parts) > 1 && parts[1] == "secrets" {
		return "", fail(http.StatusForbidden, "Reading secret file prohibited: %s", name)
	}
	root := s.allocDir(a.ID)
	full := filepath.Join(root, name)
	real, err := filepath.EvalSymlinks(full)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fail(http.StatusNotFound, "stat %s: no such file or directory", full)
	}
	if err != nil {
		return "", err
	}
	base, err := filepath.EvalSymlinks(root)
	if err != nil {
		return "", err
	}
	if real != base && !strings.HasPrefix(real, base+"/") {
		return "", fail(http.StatusForbidden, "Path escapes the alloc directory")
	}
	return real, nil
}

// pathOfStream is path for what is streamed: there Nomad calls a missing file a bad request.
func (s *Server) pathOfStream(r *http.Request) (string, error) {
	if _, err := s.clientAlloc(r); err != nil {
		return "", err
	}
	path, err := s.path(r)
	if e, ok := errors.AsType[*failure](err); ok && e.status == http.StatusNotFound {
		err = fail(http.StatusBadRequest, "%s", e.text)
	}
	return path, err
}

func fileInfo(info fs.FileInfo) *nomadapi.AllocFileInfo {
	return &nomadapi.AllocFileInfo{
		Name: info.Name(), IsDir: info.IsDir(), Size: info.Size(), FileMode: info.Mode().String(), ModTime: info.ModTime(),
	}
}

func (s *Server) listFiles(w http.ResponseWriter, r *http.Request) {
	path, err := s.path(r)
	if err != nil {
		s.refuse(w, err)
		return
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		s.refuse(w, err)
		return
	}
	out := []*nomadapi.AllocFileInfo{}
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // else it has just gone
			out = append(out, fileInfo(info))
		}
	}
	s.reply(w, out)
}

func (s *Server) statFile(w http.ResponseWriter, r *http.Request) {
	path, err := s.path(r)
	if err != nil {
		s.refuse(w, err)
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		s.refuse(w, err)
		return
	}
	s.reply(w, fileInfo(info))
}

func (s *Server) catFile(w http.ResponseWriter, r *http.Request) { s.part(w, r, 0, -1) }

func (s *Server) readFileAt(w http.ResponseWriter, r *http.Request) {
	offset, err := strconv.ParseInt(r.URL.Query().Get("offset"), 10, 64)
	if err != nil {
		s.refuse(w, fail(http.StatusBadRequest, "error parsing offset: %v", err))
		return
	}
	limit := int64(-1)
	if text := r.URL.Query().Get("limit"); text != "" {
		if limit, err = strconv.ParseInt(text, 10, 64); err != nil {
			s.refuse(w, fail(http.StatusBadRequest, "error parsing limit: %v", err))
			return
		}
	}
	s.part(w, r, offset, limit)
}

func (s *Server) part(w http.ResponseWriter, r *http.Request, offset, limit int64) {
	path, err := s.pathOfStream(r)
	if err != nil {
		s.refuse(w, err)
		return
	}
	file, err := os.Open(path)
	if err != nil {
		s.refuse(w, err)
		return
	}
	defer func() { _ = file.Close() }() // read only
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		s.refuse(w, err)
		return
	}
	var source io.Reader = file
	if limit >= 0 {
		source = io.LimitReader(file, limit)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if _, err := io.Copy(w, source); err != nil {
		s.log.Debug("file not sent", "err", err)
	}
}

// streamFile sends a file as frames and follows it, unless ?follow=false.
func (s *Server) streamFile(w http.ResponseWriter, r *http.Request) {
	path, err := s.pathOfStream(r)
	if err != nil {
		s.refuse(w, err)
		return
	}
	info, err := os.Stat(path)
	if err != nil {
		s.refuse(w, err)
		return
	}
	at, err := strconv.ParseInt(orDefault(r.URL.Query().Get("offset"), "0"), 10, 64)
	if err != nil {
		s.refuse(w, fail(http.StatusBadRequest, "error parsing offset: %v", err))
		return
	}
	if r.URL.Query().Get("origin") == "end" {
		at = max(info.Size()-at, 0)
	}
	out := newFrames(w, boolParam(r, "plain"))
	for {
		if at, err = out.copy(path, r.URL.Query().Get("path"), at); err != nil {
			s.log.Debug("file not sent", "err", err)
			return
		}
		if r.URL.Query().Get("follow") == "false" || !pause(r.Context(), followEvery) || out.idle() != nil {
			return
		}
		select {
		case <-s.ended:
			return
		default:
		}
	}
}
