package backup

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// raftMeta is what a snapshot of Nomad, Consul or Vault says of itself.
type raftMeta struct {
	Index uint64
	Term  uint64
}

// inspect reads a snapshot, a gzipped tar of meta.json, state.bin and their digests, to its end, and holds it to those
// digests: an answer that was cut off, or damaged on its way, is found while it is copied.
func inspect(r io.Reader) (meta raftMeta, err error) {
	unzipped, err := gzip.NewReader(r)
	if err != nil {
		return meta, fmt.Errorf("no snapshot: %w", err)
	}
	sums, found := map[string]string{}, map[string]string{}
	archive := tar.NewReader(unzipped)
	for {
		head, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return meta, fmt.Errorf("snapshot is not whole: %w", err)
		}
		hash := sha256.New()
		content := io.TeeReader(archive, hash)
		switch head.Name {
		case "meta.json":
			err = json.NewDecoder(content).Decode(&meta)
		case "SHA256SUMS":
			for lines := bufio.NewScanner(content); lines.Scan(); {
				if fields := strings.Fields(lines.Text()); len(fields) == 2 {
					sums[fields[1]] = fields[0]
				}
			}
		}
		if err == nil {
			_, err = io.Copy(io.Discard, content)
		}
		if err != nil {
			return meta, fmt.Errorf("snapshot is not whole: %w", err)
		}
		found[head.Name] = hex.EncodeToString(hash.Sum(nil))
	}
	for _, name := range []string{"meta.json", "state.bin"} {
		if sums[name] == "" || sums[name] != found[name] {
			return meta, fmt.Errorf("snapshot is damaged: %s has not its digest", name)
		}
	}
	_, err = io.Copy(io.Discard, r) // what the gzip reader has left: its footer was read
	return meta, err
}

// inspecting writes what fill gives to w, and inspects it on its way.
func inspecting(w io.Writer, fill func(io.Writer) error) (raftMeta, error) {
	r, pipe := io.Pipe()
	type answer struct {
		meta raftMeta
		err  error
	}
	done := make(chan answer, 1)
	go func() { // it ends with the pipe, and is awaited below
		meta, err := inspect(r)
		_ = r.CloseWithError(err) // which wakes the writer; it gives no error
		done <- answer{meta, err}
	}()
	err := fill(io.MultiWriter(w, pipe))
	_ = pipe.CloseWithError(err) // it gives no error
	a := <-done
	if a.err != nil && (err == nil || errors.Is(err, a.err)) {
		return a.meta, a.err
	}
	return a.meta, err
}
