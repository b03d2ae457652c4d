package backup

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"time"
)

// pieceSize is how much of a part one file of the tar has: its size stands before it, so a piece is held in memory.
const pieceSize = 1 << 20

// writer writes an archive.
type writer struct {
	tar *tar.Writer
	out *sink
	now func() time.Time
}

func newWriter(w io.Writer, now func() time.Time) *writer {
	out := &sink{w: w}
	return &writer{tar: tar.NewWriter(out), out: out, now: now}
}

// sink notes the error of what it writes to: programs that are copied wrap it beyond recognition.
type sink struct {
	w   io.Writer
	err error
}

func (s *sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil && s.err == nil {
		s.err = fmt.Errorf("write backup: %w", err)
	}
	return n, err
}

// part writes one, with the bytes that fill gives.
func (w *writer) part(p Part, fill func(io.Writer) error) (Part, error) {
	p.Taken = w.now().UTC()
	pieces := &pieces{to: w, name: p.Name, hash: sha256.New()}
	err := fill(pieces)
	if err == nil {
		err = pieces.flush()
	}
	if w.out.err != nil {
		return p, w.out.err
	}
	p.Size, p.SHA256 = pieces.size, hex.EncodeToString(pieces.hash.Sum(nil))
	return p, err
}

// manifest writes the end.
func (w *writer) manifest(m Manifest) error {
	text, err := json.MarshalIndent(m, "", "  ")
	if err == nil {
		if err = w.file(manifestName, append(text, '\n')); err == nil {
			err = w.tar.Close()
		}
	}
	if w.out.err != nil {
		return w.out.err
	}
	return err
}

func (w *writer) file(name string, content []byte) error {
	head := tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: int64(len(content)), ModTime: w.now()}
	if err := w.tar.WriteHeader(&head); err != nil {
		return err
	}
	_, err := w.tar.Write(content)
	return err
}

// pieces cuts what is written into files of the tar. A part without a byte has one piece as well.
type pieces struct {
	to     *writer
	name   string
	number int
	size   int64
	hash   hash.Hash
	held   bytes.Buffer
}

func (p *pieces) Write(b []byte) (int, error) {
	for rest := b; len(rest) > 0; {
		n := min(len(rest), pieceSize-p.held.Len())
		p.held.Write(rest[:n])
		if rest = rest[n:]; p.held.Len() == pieceSize {
			if err := p.flush(); err != nil {
				return 0, err
			}
		}
	}
	p.hash.Write(b)
	p.size += int64(len(b))
	return len(b), nil
}

func (p *pieces) flush() error {
	if p.held.Len() == 0 && p.number > 0 {
		return nil
	}
	p.number++
	err := p.to.file(pieceName(p.name, p.number), p.held.Bytes())
	p.held.Reset()
	return err
}

func pieceName(part string, number int) string { return fmt.Sprintf("%s/%06d", part, number) }
