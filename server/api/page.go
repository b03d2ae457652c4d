package api

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"
	"github.com/labstack/echo/v4/middleware"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// What a browser may do with our pages: load from here only, run no inline script, be framed by nobody. The
// nonce is for libraries that make <style> elements.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-%s'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// answerPolicy is for answers that are no page: nothing in them is ever run.
const answerPolicy = "default-src 'none'; frame-ancestors 'none'"

const (
	indexFile  = "index.html"
	noncePlace = "{{nonce}}" // in the index, where the nonce goes
)

// pages are the files of the web UI, and its index for each address that is a page of it.
type pages struct {
	files map[string]*file
}

type file struct {
	name string
	load func() (content, error) // once, at the first request
}

type content struct {
	plain, zipped []byte // zipped is nil where it would not be smaller
	tag           string // ETag without quotes
}

// newPages lists the files; it reads none. Without files there are no pages.
func (a *API) newPages() *pages {
	p := &pages{files: map[string]*file{}}
	if a.UI == nil {
		return p
	}
	err := fs.WalkDir(a.UI, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		p.files[name] = &file{name: name, load: sync.OnceValues(func() (content, error) { return loadFile(a.UI, name) })}
		return nil
	})
	if err != nil { // the files are in the program: it can't be
		a.Log.Error("pages not listed", "err", err)
	}
	return p
}

func loadFile(files fs.FS, name string) (content, error) {
	plain, err := fs.ReadFile(files, name)
	if err != nil {
		return content{}, err
	}
	sum := sha256.Sum256(plain)
	c := content{plain: plain, tag: hex.EncodeToString(sum[:8])}
	var zipped bytes.Buffer
	w, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return content{}, err
	}
	if _, err := w.Write(plain); err != nil {
		return content{}, err
	}
	if err := w.Close(); err != nil {
		return content{}, err
	}
	if zipped.Len() < len(plain) {
		c.zipped = zipped.Bytes()
	}
	return c, nil
}

// find gives the file of a request: the one named, else the index for what a browser opens as a page. nil is
// for the API to answer.
func (p *pages) find(r *http.Request) *file {
	if r.Method != http.MethodGet && r.Method != http.MethodHead || len(p.files) == 0 {
		return nil
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if f := p.files[name]; f != nil && name != indexFile {
		return f
	}
	switch first, _, _ := strings.Cut(name, "/"); first {
	case "":
		return p.files[indexFile]
	case "v1", "healthz", "readyz", "metrics", "openapi.json", "assets":
		return nil
	}
	if !strings.Contains(r.Header.Get(echo.HeaderAccept), echo.MIMETextHTML) {
		return nil
	}
	return p.files[indexFile]
}

// harden gives each answer the headers that keep a browser from doing more with it than it should.
func (a *API) harden(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Content-Security-Policy", answerPolicy)
		h.Set(echo.HeaderCacheControl, "no-store") // a handler may say otherwise
		return next(c)
	}
}

// zipped are the lists that grow long: they are sent compressed to whoever takes that. Nothing else below /v1 is, so
// that no length tells of a secret that stands beside what a caller chose.
var zipped = map[string]bool{"/v1/apps": true, "/v1/services": true, "/v1/nodes": true, "/v1/audit": true, "/openapi.json": true}

func zip() echo.MiddlewareFunc {
	return middleware.GzipWithConfig(middleware.GzipConfig{
		Skipper: func(c echo.Context) bool {
			return !zipped[c.Request().URL.Path] || c.Request().Method != http.MethodGet
		},
		MinLength: 1400, // a packet
	})
}

// page answers with a file of the web UI, before the API is asked. Files are public: they hold nothing of anybody.
func (a *API) page(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		f := a.pages.find(c.Request())
		if f == nil {
			return next(c)
		}
		c.SetPath("/*") // the metrics' label: one for all pages
		text, err := f.load()
		if err != nil {
			return paas.Wrap(paas.Internal, err, "The page can't be read.")
		}
		c.Response().Header().Set(echo.HeaderContentType, contentType(f.name))
		if f.name == indexFile {
			return a.index(c, text.plain)
		}
		return asset(c, f.name, text)
	}
}

// index is never kept: its nonce is of this answer, and the names in it are of this version.
func (a *API) index(c echo.Context, plain []byte) error {
	nonce := rand.Text()
	c.Response().Header().Set("Content-Security-Policy", fmt.Sprintf(pagePolicy, nonce))
	return send(c, bytes.ReplaceAll(plain, []byte(noncePlace), []byte(nonce)))
}

func asset(c echo.Context, name string, text content) error {
	h, r := c.Response().Header(), c.Request()
	h.Set(echo.HeaderVary, echo.HeaderAcceptEncoding)
	if strings.HasPrefix(name, "assets/") {
		h.Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable") // the digest is in the name
	} else {
		h.Set(echo.HeaderCacheControl, "no-cache") // kept, but asked for each time
	}
	body, tag := text.plain, `"`+text.tag+`"`
	if text.zipped != nil && strings.Contains(r.Header.Get(echo.HeaderAcceptEncoding), "gzip") {
		body, tag = text.zipped, `"`+text.tag+`-gzip"`
		h.Set(echo.HeaderContentEncoding, "gzip")
	}
	h.Set("ETag", tag)
	if strings.Contains(r.Header.Get("If-None-Match"), tag) {
		h.Del(echo.HeaderContentEncoding)
		return c.NoContent(http.StatusNotModified)
	}
	return send(c, body)
}

func send(c echo.Context, body []byte) error {
	c.Response().Header().Set(echo.HeaderContentLength, fmt.Sprint(len(body)))
	c.Response().WriteHeader(http.StatusOK)
	if c.Request().Method == http.MethodHead {
		return nil
	}
	_, err := c.Response().Write(body)
	return err
}

// contentType does not ask the machine's tables: they differ, and a script of the wrong type is not run.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".woff2":
		return "font/woff2"
	case ".json":
		return "application/json"
	}
	return "application/octet-stream"
}
