package spec

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// FileName is the name of an app's spec at the root of its source.
const FileName = "crumpet.hcl"

// maxSource is the longest source that is read, in bytes.
const maxSource = 1 << 20

// Parse is ParseWith without options.
func Parse(src []byte, filename string) (*paas.Spec, hcl.Diagnostics) {
	return ParseWith(src, Options{Filename: filename})
}

// ParseWith reads the source of an app spec: of its environments all are checked and the one in o is
// given. The Spec is nil exactly when a diagnostic is an error; the diagnostics hold every fault that
// could be found, in the order of the file.
func ParseWith(src []byte, o Options) (*paas.Spec, hcl.Diagnostics) {
	src = normal(src)
	if diag := tooMuch(src, o.Filename); diag != nil {
		return nil, hcl.Diagnostics{diag}
	}
	bare := uncommented(src)
	file, diags := hclsyntax.ParseConfig(bare, o.Filename, hcl.InitialPos)
	d := &decoder{
		scope: newScope(src, o), found: &faults{said: map[said]bool{}},
		// Past a syntax error parts of the file are missing, so what seems absent may well be there.
		partial: diags.HasErrors(),
		ranges:  make(map[string]hcl.Range, min(bytes.Count(bare, []byte("=")), 1000)), broken: map[string]bool{}, readings: map[string]reading{},
	}
	d.found.parsed(diags)

	var s paas.Spec
	if body, ok := file.Body.(*hclsyntax.Body); ok {
		s = d.file(body, o)
	}
	all := d.found.all()
	if all.HasErrors() {
		return nil, all
	}
	return &s, all
}

// normal gives a source with the ends of lines that the language knows: one that was written on
// Windows is the same spec.
func normal(src []byte) []byte {
	if !bytes.Contains(src, []byte("\r\n")) {
		return src
	}
	return bytes.ReplaceAll(src, []byte("\r\n"), []byte("\n"))
}

// ParseFile reads and parses the file at path, and gives its source as well, for Text.
func ParseFile(path string, o Options) (*paas.Spec, []byte, hcl.Diagnostics) {
	src, err := os.ReadFile(path)
	if err != nil {
		detail := fmt.Sprintf("The file %s can't be read: %s.", path, reason(err))
		switch {
		case errors.Is(err, syscall.EISDIR):
			detail = fmt.Sprintf("%s is a folder. Name the file: %s.", path, filepath.Join(path, FileName))
		case errors.Is(err, fs.ErrNotExist):
			detail = fmt.Sprintf("There is no file %s. Run \"crumpet init\" to make an app, or name the file of its spec.", path)
		}
		return nil, nil, hcl.Diagnostics{{Severity: hcl.DiagError, Summary: "No app spec", Detail: detail}}
	}
	o.Filename = path
	s, diags := ParseWith(src, o)
	return s, src, diags
}

// reason is what the system says of a file, without its name.
func reason(err error) string {
	if outer, ok := errors.AsType[*fs.PathError](err); ok {
		err = outer.Err
	}
	return err.Error()
}

func sortDiagnostics(diags hcl.Diagnostics) {
	slices.SortStableFunc(diags, func(a, b *hcl.Diagnostic) int { return offset(a) - offset(b) })
}

func offset(d *hcl.Diagnostic) int {
	if d.Subject == nil {
		return 0
	}
	return d.Subject.Start.Byte
}
