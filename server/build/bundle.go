package build

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// bundlePrefix begins the name of each entry of a bundle: sha256/DIGEST.
const bundlePrefix = "sha256/"

// Receive stores the blobs of a bundle, a tar.gz, and gives their number. A blob that has arrived
// whole is kept whatever comes after it; of the one in which the stream breaks nothing is kept.
// Codes: invalid (no such archive, a wrong name or content, cut off), quota.
func (b *Builds) Receive(ctx context.Context, r io.Reader) (int, error) {
	in := &sender{r: r}
	n, err := b.receive(ctx, in)
	if err == nil {
		return n, nil
	}
	var own *paas.Error
	switch {
	case ctx.Err() != nil:
		return n, ctx.Err()
	case in.err != nil: // a broken archive then is only a consequence
		return n, paas.Wrap(paas.Invalid, in.err, "The upload broke off. Push again: what has arrived is kept.")
	case errors.As(err, &own):
		return n, err
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return n, paas.Wrap(paas.Invalid, err, "The upload ended before it was complete. Push again: what has arrived is kept.")
	}
	return n, paas.Wrap(paas.Invalid, err, "The upload is not a tar.gz of blobs.")
}

func (b *Builds) receive(ctx context.Context, in io.Reader) (int, error) {
	zip, err := gzip.NewReader(in)
	if err != nil {
		return 0, err
	}
	// Headers and padding count as well, or an archive of a million empty entries were free.
	unpacked := &meter{r: zip, left: b.MaxBytes + int64(b.MaxFiles+2)*3*512}
	archive := tar.NewReader(unpacked)
	n := 0
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			_, err = io.Copy(io.Discard, unpacked) // to the end, where gzip's checksum is
			return n, err
		}
		if err != nil {
			return n, err
		}
		digest, ok := strings.CutPrefix(header.Name, bundlePrefix)
		if !ok || !validDigest(digest) {
			return n, paas.Errorf(paas.Invalid, "The upload has an entry named %q; entries are named sha256/DIGEST.", header.Name)
		}
		if header.Typeflag != tar.TypeReg {
			return n, paas.Errorf(paas.Invalid, "The entry %q of the upload is not a regular file.", header.Name)
		}
		if header.Size > b.MaxBytes {
			return n, b.tooLarge()
		}
		if err := b.Blobs.PutAs(ctx, digest, archive); err != nil {
			return n, err
		}
		n++
	}
}

func (b *Builds) tooLarge() error {
	return paas.Errorf(paas.Quota, "The upload holds more than the %d MiB allowed. Leave out what the build does not need with .crumpetignore.", b.MaxBytes>>20)
}

// sender remembers what broke the connection.
type sender struct {
	r   io.Reader
	err error
}

func (s *sender) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

// meter ends a stream that is longer than it may be: a small gzip can unpack to anything.
type meter struct {
	r    io.Reader
	left int64
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	if m.left -= int64(n); m.left < 0 {
		return n, paas.Errorf(paas.Quota, "The upload unpacks to more than is allowed. Leave out what the build does not need with .crumpetignore.")
	}
	return n, err
}
