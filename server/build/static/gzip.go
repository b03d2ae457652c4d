package static

import (
	"bytes"
	"compress/gzip"
	"container/list"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	minCompressed = 512      // bytes: below, the header costs more than is gained
	maxCompressed = 8 << 20  // bytes: above, the time is better spent sending
	maxBodies     = 32 << 20 // bytes of all compressed bodies that are kept
	maxDigests    = 10_000   // files; an artifact has at most 4,095
)

func compressible(kind string, size int64) bool {
	if size < minCompressed || size > maxCompressed {
		return false
	}
	return textual(kind) || kind == "application/wasm" || kind == "font/ttf" || kind == "font/otf" || kind == "image/bmp" || kind == "image/x-icon"
}

// acceptsGzip reads Accept-Encoding by RFC 9110: gzip named, or *, with a weight above 0.
func acceptsGzip(headers []string) bool {
	named, wild := -1.0, -1.0
	for item := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		coding, parameters, _ := strings.Cut(item, ";")
		weight := 1.0
		for p := range strings.SplitSeq(parameters, ";") {
			if q, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(p)), "q="); ok {
				var err error
				if weight, err = strconv.ParseFloat(strings.TrimSpace(q), 64); err != nil {
					weight = 0
				}
			}
		}
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			named = weight
		case "*":
			wild = weight
		}
	}
	if named >= 0 {
		return named > 0
	}
	return wild > 0
}

// cache remembers what is costly to make of a file: its digest, and its compressed form.
type cache struct {
	mu      sync.Mutex // guards what follows
	digests map[string]known
	bodies  map[string]*list.Element // by digest; the values are *body
	recent  *list.List               // bodies, the latest used first
	size    int                      // of all bodies
	max     int                      // for size; never changed
}

type known struct {
	size   int64
	time   time.Time
	digest string
}

type body struct {
	digest string
	bytes  []byte
}

func newCache() *cache {
	return &cache{digests: map[string]known{}, bodies: map[string]*list.Element{}, recent: list.New(), max: maxBodies}
}

// digest gives the digest of a file's content; f is at its beginning, before and after.
func (c *cache) digest(name string, info os.FileInfo, f io.ReadSeeker) (string, error) {
	c.mu.Lock()
	k, ok := c.digests[name]
	c.mu.Unlock()
	if ok && k.size == info.Size() && k.time.Equal(info.ModTime()) {
		return k.digest, nil
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	digest := hex.EncodeToString(hash.Sum(nil)[:16]) // 128 bits: no two files of a site meet
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.digests) >= maxDigests {
		clear(c.digests)
	}
	c.digests[name] = known{size: info.Size(), time: info.ModTime(), digest: digest}
	return digest, nil
}

// compressed gives the gzip of f, which is at its beginning, before and after.
func (c *cache) compressed(digest string, f io.ReadSeeker) ([]byte, error) {
	c.mu.Lock()
	if e, ok := c.bodies[digest]; ok {
		c.recent.MoveToFront(e)
		c.mu.Unlock()
		return e.Value.(*body).bytes, nil
	}
	c.mu.Unlock()
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	if _, err := io.Copy(zip, f); err != nil {
		return nil, err
	}
	if err := zip.Close(); err != nil {
		return nil, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	c.keep(&body{digest: digest, bytes: out.Bytes()})
	return out.Bytes(), nil
}

func (c *cache) keep(b *body) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.bodies[b.digest]; ok {
		return // another request was quicker
	}
	c.bodies[b.digest] = c.recent.PushFront(b)
	c.size += len(b.bytes)
	for c.size > c.max {
		oldest := c.recent.Remove(c.recent.Back()).(*body)
		delete(c.bodies, oldest.digest)
		c.size -= len(oldest.bytes)
	}
}
