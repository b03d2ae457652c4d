package bootstrap

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/ProtonMail/go-crypto/openpgp"

	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// artifact is what one program comes from, for machines of one architecture.
type artifact struct {
	program fleet.Program
	arch    string
	source  string // with everything filled in
	digest  string // sha256 of what source names
}

type artifacts []artifact

// isFor says whether a machine needs it.
func (a artifact) isFor(m fleet.Machine, arch string) bool {
	return a.arch == arch && slices.Contains(programsOf(m), a.program.Name)
}

func (list artifacts) of(m fleet.Machine, arch string) artifacts {
	return slices.DeleteFunc(slices.Clone(list), func(a artifact) bool { return !a.isFor(m, arch) })
}

// artifacts finds out what each program must come from. Nothing is loaded but sums and signatures; a file that lies
// here without a digest in cluster.hcl is read, for its own.
func (w *World) artifacts(ctx context.Context) (artifacts, error) {
	kinds, err := w.architectures(ctx)
	if err != nil {
		return nil, err
	}
	var list artifacts
	for _, name := range fleet.Names {
		p := w.Fleet.Program(name)
		if p.Name == "" {
			continue
		}
		for _, arch := range kinds[name] {
			a := artifact{program: p, arch: arch}
			if err := w.locate(ctx, &a); err != nil {
				return nil, fmt.Errorf("find the program %s: %w", name, err)
			}
			list = append(list, a)
		}
	}
	return list, nil
}

// architectures are those of the machines that need a program, each once.
func (w *World) architectures(ctx context.Context) (map[fleet.Name][]string, error) {
	var mu sync.Mutex // guards kinds
	kinds := map[fleet.Name][]string{}
	err := w.Each(ctx, w.Fleet.Machines, func(ctx context.Context, m fleet.Machine, h Host) error {
		text, err := h.Run(ctx, "uname -m", nil)
		if err != nil {
			return err
		}
		arch := archs[strings.TrimSpace(string(text))]
		if arch == "" {
			return paas.Errorf(paas.Invalid, "It is of an architecture %q that programs are not known for.", strings.TrimSpace(string(text)))
		}
		mu.Lock()
		defer mu.Unlock()
		for _, name := range programsOf(m) {
			kinds[name] = append(kinds[name], arch)
		}
		return nil
	})
	for name := range kinds {
		slices.Sort(kinds[name])
		kinds[name] = slices.Compact(kinds[name])
	}
	return kinds, err
}

// locate fills in the source, and what it must be.
func (w *World) locate(ctx context.Context, a *artifact) error {
	p := a.program
	filled := strings.NewReplacer("{version}", p.Version, "{os}", "linux", "{arch}", a.arch)
	source := filled.Replace(p.Source)
	candidates := []string{source}
	if !strings.Contains(source, "://") {
		for _, name := range []string{
			fmt.Sprintf("%s-%s", p.Command, p.Version), fmt.Sprintf("%s_%s_linux_%s.zip", p.Command, p.Version, a.arch),
			fmt.Sprintf("%s_%s_linux_%s.tar.gz", p.Command, p.Version, a.arch), p.Command,
		} {
			candidates = append(candidates, path.Join(source, name))
		}
	}
	if a.source = source; p.SHA256 != "" {
		a.digest = p.SHA256
	}
	if len(candidates) > 1 { // here: it must be one of them
		var found bool
		for _, name := range candidates {
			content, err := w.Open(ctx, name)
			if paas.CodeOf(err) == paas.NotFound {
				continue
			}
			if err != nil {
				return err
			}
			_ = content.Close() // nothing was read
			a.source, found = name, true
			break
		}
		if !found {
			return paas.Errorf(paas.NotFound, "There is no program %q in %s: put it there, or correct the source of program %q in cluster.hcl.", p.Command, source, p.Name)
		}
	}
	var err error
	switch {
	case a.digest != "":
	case p.Sums != "":
		a.digest, err = w.summed(ctx, filled.Replace(p.Sums), *a)
	default:
		a.digest, err = w.hash(ctx, a.source)
	}
	return err
}

func (w *World) hash(ctx context.Context, source string) (string, error) {
	content, err := w.Open(ctx, source)
	if err != nil {
		return "", err
	}
	defer func() { _ = content.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, content); err != nil {
		return "", paas.Wrap(paas.Unavailable, err, "%s can't be read: %s.", source, err)
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// longestSums is more than any file of sums has.
const longestSums = 1 << 20

func (w *World) small(ctx context.Context, source string) ([]byte, error) {
	content, err := w.Open(ctx, source)
	if err != nil {
		return nil, err
	}
	defer func() { _ = content.Close() }()
	text, err := io.ReadAll(io.LimitReader(content, longestSums+1))
	switch {
	case err != nil:
		return nil, paas.Wrap(paas.Unavailable, err, "%s can't be read: %s.", source, err)
	case len(text) > longestSums:
		return nil, paas.Errorf(paas.Invalid, "%s is no file of sums, signature or key: it is too long.", source)
	}
	return text, nil
}

// summed is the digest that a SHA256SUMS gives, once its signature is verified.
func (w *World) summed(ctx context.Context, sums string, a artifact) (string, error) {
	text, err := w.small(ctx, sums)
	if err != nil {
		return "", err
	}
	if a.program.Key != "" {
		if err := w.verify(ctx, sums, text, a.program); err != nil {
			return "", err
		}
	}
	name := path.Base(a.source)
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		if len(fields) == 2 && strings.TrimPrefix(fields[1], "*") == name && len(fields[0]) == 2*sha256.Size {
			return strings.ToLower(fields[0]), nil
		}
	}
	return "", paas.Errorf(paas.Invalid, "%s names no %s: is it that of version %s?", sums, name, a.program.Version)
}

// signatures are how a file of sums and its signature may be called.
var signatures = []string{".sig", ".asc", ".gpgsig"}

func (w *World) verify(ctx context.Context, sums string, text []byte, p fleet.Program) error {
	key, err := w.small(ctx, p.Key)
	if err != nil {
		return err
	}
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(key))
	if err != nil {
		if ring, err = openpgp.ReadKeyRing(bytes.NewReader(key)); err != nil {
			return paas.Wrap(paas.Invalid, err, "%s holds no OpenPGP key.", p.Key)
		}
	}
	for _, ending := range signatures {
		signature, err := w.small(ctx, sums+ending)
		if paas.CodeOf(err) == paas.NotFound {
			continue
		}
		if err != nil {
			return err
		}
		check := openpgp.CheckDetachedSignature
		if bytes.HasPrefix(bytes.TrimSpace(signature), []byte("-----BEGIN")) {
			check = openpgp.CheckArmoredDetachedSignature
		}
		if _, err := check(ring, bytes.NewReader(text), bytes.NewReader(signature), nil); err != nil {
			return paas.Wrap(paas.Forbidden, err, "%s is not signed by the key in %s (%s): don't use what it names.", sums, p.Key, err)
		}
		return nil
	}
	return paas.Errorf(paas.NotFound, "There is no signature of %s: looked for %s beside it.", sums, strings.Join(signatures, ", "))
}
