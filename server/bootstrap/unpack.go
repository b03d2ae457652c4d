package bootstrap

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// unpacked is a program as a file here, which has no name: it goes with this process, however that ends.
type unpacked struct {
	content *os.File
	digest  string
	size    int64
}

// largest is more than any program has; what claims to be larger is not unpacked further.
const largest = 2 << 30

// unpack loads an artifact, checks what it is and takes the program out of it. Whoever gets the program closes it.
func (w *World) unpack(ctx context.Context, a artifact) (unpacked, error) {
	archive, err := nameless()
	if err != nil {
		return unpacked{}, err
	}
	defer func() { _ = archive.Close() }()
	if err := w.load(ctx, archive, a); err != nil {
		return unpacked{}, err
	}
	program, err := nameless()
	if err != nil {
		return unpacked{}, err
	}
	u, err := extract(archive, program, a)
	if err != nil {
		return unpacked{}, errors.Join(err, program.Close())
	}
	return u, nil
}

func nameless() (*os.File, error) {
	file, err := os.CreateTemp("", "crumpet-program-*")
	if err == nil {
		err = os.Remove(file.Name())
	}
	if err != nil {
		return nil, paas.Wrap(paas.Internal, err, "There is no room here to unpack programs in: %s.", err)
	}
	return file, nil
}

func (w *World) load(ctx context.Context, to io.Writer, a artifact) error {
	content, err := w.Open(ctx, a.source)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(to, sum), io.LimitReader(content, largest+1))
	switch got := hex.EncodeToString(sum.Sum(nil)); {
	case err != nil:
		return paas.Wrap(paas.Unavailable, err, "%s broke off after %d bytes: %s.", a.source, n, err)
	case n > largest:
		return paas.Errorf(paas.Invalid, "%s is larger than any program: %d bytes and more.", a.source, int64(largest))
	case got != a.digest:
		return paas.Errorf(paas.Forbidden, "%s is not what it must be: its sha256 is %s, not %s. Don't use it before you know why.", a.source, got, a.digest)
	}
	return nil
}

// extract finds the program in an archive, whatever the archive is called.
func extract(archive, program *os.File, a artifact) (unpacked, error) {
	size, err := archive.Seek(0, io.SeekEnd)
	if err != nil {
		return unpacked{}, err
	}
	begin := make([]byte, 4)
	if _, err := archive.ReadAt(begin, 0); err != nil {
		return unpacked{}, paas.Wrap(paas.Invalid, err, "%s holds nothing.", a.source)
	}
	if _, err := archive.Seek(0, io.SeekStart); err != nil {
		return unpacked{}, err
	}
	sum := sha256.New()
	out := &bounded{to: io.MultiWriter(program, sum)}
	switch {
	case bytes.Equal(begin, []byte("PK\x03\x04")):
		err = fromZip(archive, size, out, a)
	case bytes.HasPrefix(begin, []byte("\x1f\x8b")):
		err = fromTar(archive, out, a)
	default:
		_, err = io.Copy(out, archive)
	}
	if err == nil {
		err = fits(program, a)
	}
	return unpacked{program, hex.EncodeToString(sum.Sum(nil)), out.size}, err
}

// bounded ends what would fill the disk.
type bounded struct {
	to   io.Writer
	size int64
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.size += int64(len(p)); b.size > largest {
		return 0, fmt.Errorf("it is larger than %d bytes", int64(largest))
	}
	return b.to.Write(p)
}

func fromZip(archive io.ReaderAt, size int64, to io.Writer, a artifact) error {
	files, err := zip.NewReader(archive, size)
	if err != nil {
		return broken(a, err)
	}
	for _, f := range files.File {
		if path.Base(f.Name) != a.program.Command || f.FileInfo().IsDir() {
			continue
		}
		from, err := f.Open()
		if err != nil {
			return broken(a, err)
		}
		_, err = io.Copy(to, from)
		if err = errors.Join(err, from.Close()); err != nil {
			return broken(a, err)
		}
		return nil
	}
	return lacksIt(a)
}

func fromTar(archive io.Reader, to io.Writer, a artifact) error {
	plain, err := gzip.NewReader(bufio.NewReader(archive))
	if err != nil {
		return broken(a, err)
	}
	for files := tar.NewReader(plain); ; {
		f, err := files.Next()
		switch {
		case errors.Is(err, io.EOF):
			return lacksIt(a)
		case err != nil:
			return broken(a, err)
		case path.Base(f.Name) != a.program.Command || f.Typeflag != tar.TypeReg:
			continue
		}
		if _, err := io.Copy(to, files); err != nil {
			return broken(a, err)
		}
		return nil
	}
}

func broken(a artifact, err error) error {
	return paas.Wrap(paas.Invalid, err, "%s can't be unpacked: %s.", a.source, err)
}

func lacksIt(a artifact) error {
	return paas.Errorf(paas.Invalid, "%s holds no program %q: is command right in program %q of cluster.hcl?", a.source, a.program.Command, a.program.Name)
}

// machines are the architectures as programs have them in their heads.
var machines = map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64}

// fits looks at the head of a program.
func fits(program io.ReaderAt, a artifact) error {
	head, err := elf.NewFile(program)
	if err != nil {
		return paas.Wrap(paas.Invalid, err, "What %s holds as %s is no program for Linux.", a.source, a.program.Command)
	}
	if want := machines[a.arch]; head.Machine != want {
		return paas.Errorf(paas.Invalid, "%s is for %s, and a machine is %s: use {arch} in the source.", a.source, head.Machine, want)
	}
	return nil
}
