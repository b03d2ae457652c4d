package backup

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"slices"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// manifestLimit bounds a manifest: a line for each artifact.
const manifestLimit = 64 << 20

// Read reads an archive from its clear form to its end, hands each part to each, which may leave bytes unread, and
// holds all of them to the manifest. Code invalid: it is damaged, or not whole. Errors of each come back as they are.
func Read(r io.Reader, each func(name string, content io.Reader) error) (Manifest, error) {
	in := &source{r: r}
	m, err := read(tar.NewReader(in), each)
	if in.err != nil {
		return Manifest{}, paas.Wrap(paas.CodeOf(orInvalid(in.err)), in.err, "The backup can't be read to its end: %s. It is damaged or cut off; use another one.", in.err)
	}
	return m, err
}

// orInvalid gives an error a code: what the seal refuses is damage.
func orInvalid(err error) error {
	if paas.CodeOf(err) == "" || paas.CodeOf(err) == paas.Internal {
		return paas.Wrap(paas.Invalid, err, "damaged")
	}
	return err
}

func read(archive *tar.Reader, each func(name string, content io.Reader) error) (m Manifest, err error) {
	var found []Part
	head, err := archive.Next()
	for err == nil && head.Name != manifestName {
		p := &partReader{archive: archive, name: path.Dir(head.Name), number: 1, hash: sha256.New()}
		if head.Name != pieceName(p.name, 1) {
			return m, damaged("%q stands where a part begins", head.Name)
		}
		if err := each(p.name, p); err != nil {
			return m, err
		}
		if _, err := io.Copy(io.Discard, p); err != nil {
			return m, tarError(err)
		}
		found = append(found, Part{Name: p.name, Size: p.size, SHA256: hex.EncodeToString(p.hash.Sum(nil))})
		head, err = p.next, p.err
	}
	if err != nil {
		return m, tarError(err)
	}
	if err := json.NewDecoder(io.LimitReader(archive, manifestLimit)).Decode(&m); err != nil {
		return m, damaged("its manifest can't be read")
	}
	if m.Format != format {
		return m, paas.Errorf(paas.Conflict, "The backup has the format %d, and this Crumpet knows %d. Use the crumpet that made it, version %s.", m.Format, format, m.Crumpet)
	}
	if _, err := archive.Next(); !errors.Is(err, io.EOF) {
		return m, damaged("something follows its manifest")
	}
	return m, same(m.Parts, found)
}

// same holds what was read to what the manifest says.
func same(said, found []Part) error {
	if len(said) != len(found) {
		return damaged("it has %d parts, and its manifest names %d", len(found), len(said))
	}
	for i, p := range said {
		if f := found[i]; f.Name != p.Name || f.Size != p.Size || f.SHA256 != p.SHA256 {
			return damaged("part %s is not what its manifest says of %s", f.Name, p.Name)
		}
	}
	return nil
}

func tarError(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, tar.ErrHeader) {
		return damaged("it ends before its manifest")
	}
	if _, ok := errors.AsType[*paas.Error](err); ok {
		return err
	}
	return fmt.Errorf("read backup: %w", err)
}

// partReader gives the bytes of a part, over its pieces, and stops at the first file that is not one of them.
type partReader struct {
	archive *tar.Reader
	name    string
	number  int
	size    int64
	hash    hash.Hash
	next    *tar.Header // what follows the part
	err     error       // in place of what follows
	ended   bool
}

func (p *partReader) Read(b []byte) (int, error) {
	for !p.ended {
		n, err := p.archive.Read(b)
		p.hash.Write(b[:n])
		p.size += int64(n)
		if n > 0 || err == nil {
			return n, nil
		}
		if !errors.Is(err, io.EOF) {
			return 0, err
		}
		if p.next, p.err = p.archive.Next(); p.err == nil && p.next.Name == pieceName(p.name, p.number+1) {
			p.number++
			continue
		}
		p.ended = true
	}
	return 0, io.EOF
}

// source notes the error of a reader.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// kindKnown says whether a word names a kind of part.
func kindKnown(kind string) bool { return slices.Contains(Kinds, kind) }
