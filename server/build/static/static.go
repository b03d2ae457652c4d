package static

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// Site is a folder as an http.Handler.
type Site struct {
	root  *os.Root
	cache *cache
}

var _ http.Handler = (*Site)(nil)

// Open opens the folder.
func Open(dir string) (*Site, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &Site{root: root, cache: newCache()}, nil
}

// Close closes the folder.
func (s *Site) Close() error { return s.root.Close() }

// ServeHTTP serves one file.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "405 method not allowed", http.StatusMethodNotAllowed)
		return
	}
	name, ok := clean(r.URL.Path)
	if !ok {
		s.notFound(w, r)
		return
	}
	info, err := s.root.Stat(name)
	if err != nil {
		s.notFound(w, r)
		return
	}
	slash := strings.HasSuffix(r.URL.Path, "/")
	switch {
	case info.IsDir() && !slash:
		to := url.URL{Path: r.URL.Path + "/", RawQuery: r.URL.RawQuery}
		http.Redirect(w, r, to.String(), http.StatusMovedPermanently)
		return
	case info.IsDir():
		name = path.Join(name, "index.html")
		if info, err = s.root.Stat(name); err != nil {
			s.notFound(w, r)
			return
		}
	case slash:
		s.notFound(w, r)
		return
	}
	if !info.Mode().IsRegular() {
		s.notFound(w, r)
		return
	}
	if err := s.file(w, r, name, info); err != nil {
		http.Error(w, "500 the file could not be read", http.StatusInternalServerError)
	}
}

// clean gives the name of what a path asks for, relative to the folder.
func clean(p string) (string, bool) {
	if !strings.HasPrefix(p, "/") || strings.ContainsRune(p, 0) {
		return "", false
	}
	name := strings.TrimSuffix(p[1:], "/")
	if name == "" {
		return ".", p == "/"
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == "" || strings.HasPrefix(part, ".") && part != ".well-known" {
			return "", false
		}
	}
	return name, true
}

// file answers with a file. An error comes before anything was written.
func (s *Site) file(w http.ResponseWriter, r *http.Request, name string, info os.FileInfo) error {
	f, err := s.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	etag, err := s.cache.digest(name, info, f)
	if err != nil {
		return err
	}
	kind, err := contentType(name, f)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "public, max-age=0, must-revalidate") // by the ETag: cheap, and never stale
	if compressible(kind, info.Size()) {
		h.Set("Vary", "Accept-Encoding")
		// A range is one of the plain bytes: what a client has of those can't go on with gzip's.
		if acceptsGzip(r.Header.Values("Accept-Encoding")) && r.Header.Get("Range") == "" {
			body, err := s.cache.compressed(etag, f)
			if err != nil {
				return err
			}
			if int64(len(body)) < info.Size() {
				h.Set("Content-Encoding", "gzip")
				h.Set("Content-Length", strconv.Itoa(len(body))) // ServeContent leaves that to who encodes
				h.Set("ETag", `"`+etag+`-gzip"`)
				http.ServeContent(w, eitherEncoding(r, etag), name, time.Time{}, bytes.NewReader(body))
				return nil
			}
		}
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, eitherEncoding(r, etag), name, time.Time{}, f)
	return nil
}

// eitherEncoding lets a client that holds a file in one encoding hear that the other has not changed
// either: a proxy may ask for gzip where its own client did not.
func eitherEncoding(r *http.Request, etag string) *http.Request {
	held := r.Header.Get("If-None-Match")
	plain, zipped := `"`+etag+`"`, `"`+etag+`-gzip"`
	if !strings.Contains(held, plain) && !strings.Contains(held, zipped) {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Set("If-None-Match", plain+", "+zipped)
	return r
}

// notFound answers with the site's own page, or with one line.
func (s *Site) notFound(w http.ResponseWriter, r *http.Request) {
	f, err := s.root.Open("404.html")
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer f.Close() //nolint:errcheck // only read
	page, err := io.ReadAll(io.LimitReader(f, maxCompressed))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Length", strconv.Itoa(len(page)))
	w.WriteHeader(http.StatusNotFound)
	if r.Method != http.MethodHead {
		_, _ = w.Write(page) // an error is the client's leaving
	}
}

// types are those of files on the web, by extension. The system's own table is not asked: it differs
// between nodes.
var types = map[string]string{
	".html": "text/html", ".htm": "text/html", ".css": "text/css", ".js": "text/javascript", ".mjs": "text/javascript",
	".txt": "text/plain", ".md": "text/markdown", ".csv": "text/csv", ".vtt": "text/vtt", ".ics": "text/calendar", ".xml": "text/xml",
	".json": "application/json", ".map": "application/json", ".webmanifest": "application/manifest+json",
	".rss": "application/rss+xml", ".atom": "application/atom+xml", ".xhtml": "application/xhtml+xml",
	".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
	".webp": "image/webp", ".avif": "image/avif", ".ico": "image/x-icon", ".bmp": "image/bmp",
	".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf",
	".mp3": "audio/mpeg", ".ogg": "audio/ogg", ".wav": "audio/wav", ".flac": "audio/flac", ".m4a": "audio/mp4",
	".mp4": "video/mp4", ".webm": "video/webm", ".mov": "video/quicktime",
	".pdf": "application/pdf", ".wasm": "application/wasm", ".zip": "application/zip", ".gz": "application/gzip",
	".tar": "application/x-tar", ".bin": "application/octet-stream",
}

// contentType gives the type of a file, by its name or else by its first bytes.
func contentType(name string, f io.ReadSeeker) (string, error) {
	kind, ok := types[strings.ToLower(path.Ext(name))]
	if !ok {
		first := make([]byte, 512)
		n, err := io.ReadFull(f, first)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return "", err
		}
		_, err = f.Seek(0, io.SeekStart)
		return http.DetectContentType(first[:n]), err
	}
	if textual(kind) {
		kind += "; charset=utf-8"
	}
	return kind, nil
}

func textual(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	return strings.HasPrefix(kind, "text/") || strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "+xml")
}
