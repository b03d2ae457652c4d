package build

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// maxManifest bounds a manifest: some 400 bytes for each of the most files there may be.
const maxManifest = 16 << 20

// maxFaults is how many faults of a manifest are told; the number of the others follows.
const maxFaults = 100

// The spec is not part of what is built: a changed environment value must not make a new artifact,
// and a static site must not publish it.
const specFile = "crumpet.hcl"

// payload gives what is built of a source: sorted, and without the spec.
func payload(files []paas.File) []paas.File {
	files = slices.DeleteFunc(slices.Clone(files), func(f paas.File) bool { return f.Path == specFile })
	slices.SortFunc(files, func(a, b paas.File) int { return cmp.Compare(a.Path, b.Path) })
	if files == nil {
		files = []paas.File{} // the JSON of a manifest is always a list
	}
	return files
}

func (b *Builds) manifest(ctx context.Context, digest string) ([]paas.File, error) {
	r, size, err := b.Blobs.Open(ctx, digest)
	if err != nil {
		return nil, err
	}
	defer r.Close() //nolint:errcheck // only read
	if size > maxManifest {
		return nil, paas.Errorf(paas.Quota, "The manifest of the source has %d bytes; at most %d are allowed.", size, maxManifest)
	}
	decoder := json.NewDecoder(r)
	decoder.DisallowUnknownFields()
	var files []paas.File
	if err := decoder.Decode(&files); err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "The manifest of the source is not a JSON list of files.")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, paas.Errorf(paas.Invalid, "The manifest of the source goes on after its list of files.")
	}
	return files, nil
}

// checkFiles finds every fault of a source.
func (b *Builds) checkFiles(ctx context.Context, files []paas.File) error {
	if len(files) > b.MaxFiles {
		return paas.Errorf(paas.Quota, "The source has %d files; at most %d are allowed. Leave out what the build does not need with .crumpetignore.", len(files), b.MaxFiles)
	}
	faults := checkManifest(files)
	var total int64
	digests := map[string]bool{}
	for _, f := range files {
		if f.Link == "" && validDigest(f.Digest) && f.Size >= 0 {
			total += min(f.Size, b.MaxBytes+1) // can't overflow: at most MaxFiles of them
			digests[f.Digest] = true
		}
	}
	if total > b.MaxBytes {
		return paas.Errorf(paas.Quota, "The source has more than the %d MiB allowed. Leave out what the build does not need with .crumpetignore.", b.MaxBytes>>20)
	}
	missing, err := b.Blobs.Missing(ctx, slices.Sorted(maps.Keys(digests)))
	if err != nil {
		return err
	}
	for _, d := range missing {
		digests[d] = false
	}
	for _, f := range files {
		here, sent := digests[f.Digest]
		switch {
		case !sent || f.Link != "" || f.Size < 0: // has its fault already, or needs no content
		case !here:
			faults = append(faults, paas.Fault{Location: f.Path, Message: "Its content is not on the server."})
		default:
			size, err := b.Blobs.Size(ctx, f.Digest)
			if err != nil {
				return err
			}
			if size != f.Size {
				faults = append(faults, paas.Fault{Location: f.Path, Message: fmt.Sprintf("Its size is %d bytes, not %d.", size, f.Size)})
			}
		}
	}
	if len(faults) == 0 {
		return nil
	}
	first, count := faults[0], len(faults)
	if count > maxFaults {
		faults = append(faults[:maxFaults:maxFaults], paas.Fault{Message: fmt.Sprintf("And %d more.", count-maxFaults)})
	}
	return &paas.Error{
		Code: paas.Invalid, Faults: faults,
		Message: fmt.Sprintf("The source can't be taken: %d faults, the first in %q: %s", count, first.Location, first.Message),
	}
}

// checkManifest finds the faults of a manifest that show without its contents. Pure.
func checkManifest(files []paas.File) []paas.Fault {
	var faults []paas.Fault
	fault := func(f paas.File, format string, args ...any) {
		faults = append(faults, paas.Fault{Location: f.Path, Message: fmt.Sprintf(format, args...)})
	}
	tree := newTree(files)
	seen := map[string]bool{}
	for _, f := range files {
		if wrong := checkPath(f.Path); wrong != "" {
			fault(f, "%s", wrong)
			continue
		}
		if seen[f.Path] {
			fault(f, "It is listed twice.")
			continue
		}
		seen[f.Path] = true
		for dir := path.Dir(f.Path); dir != "."; dir = path.Dir(dir) {
			if _, clash := tree.files[dir]; clash {
				fault(f, "It lies below %q, which is a file.", dir)
				break
			}
		}
		if f.Mode&^0o777 != 0 {
			fault(f, "Its mode %#o has more than permission bits.", f.Mode)
		}
		if f.Link != "" {
			checkLink(tree, f, fault)
			continue
		}
		if !validDigest(f.Digest) {
			fault(f, "%q is not a SHA-256 in lower-case hex.", f.Digest)
		}
		if f.Size < 0 {
			fault(f, "Its size is negative.")
		}
	}
	return faults
}

func checkLink(tree tree, f paas.File, fault func(paas.File, string, ...any)) {
	switch {
	case f.Digest != "" || f.Size != 0:
		fault(f, "It is a link and has a content as well.")
	case strings.HasPrefix(f.Link, "/"):
		fault(f, "It is a link to the absolute path %q.", f.Link)
	case !plain(f.Link) || strings.ContainsRune(f.Link, '\\'):
		fault(f, "It is a link to %q, which is not a path of plain characters.", f.Link)
	default:
		if _, err := tree.resolve(f.Path); errors.Is(err, errLeaves) {
			fault(f, "It is a link to %q, which is outside of the source.", f.Link)
		}
	}
}

// checkPath says what is wrong with the path of a file, or "".
func checkPath(p string) string {
	switch {
	case p == "":
		return "Its path is empty."
	case !plain(p):
		return fmt.Sprintf("Its path %q is not UTF-8 or has control characters.", p)
	case strings.ContainsRune(p, '\\'):
		return "Its path has a backslash."
	case strings.HasPrefix(p, "/"):
		return "Its path is absolute."
	case slices.Contains(strings.Split(p, "/"), ".."):
		return "Its path has '..' in it."
	case path.Clean(p) != p || p == ".":
		return "Its path has empty parts or '.' in it."
	case len(p) > 4000 || slices.ContainsFunc(strings.Split(p, "/"), func(s string) bool { return len(s) > 255 }):
		return "Its path is too long."
	}
	return ""
}

// plain says that s is UTF-8 without control characters.
func plain(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

func validDigest(s string) bool {
	return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == ""
}
