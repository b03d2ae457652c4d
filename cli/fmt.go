package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/spec"
)

func newFmtCmd(s *session) *cobra.Command {
	f := formatter{s: s}
	cmd := &cobra.Command{
		Use:   "fmt [FILE...|DIR|-]",
		Short: "Lay out app specs in the canonical style",
		Long: `Rewrites app specs, and files of variables, in the canonical style, and prints the name of each
that it changed. Without an argument that is ./crumpet.hcl, of a folder the crumpet.hcl in it; with -
the text is read from stdin and written to stdout. A file that can't be parsed is left alone.

With --check nothing is written, and the exit code is 1 if anything would be.`,
		Example: `  crumpet fmt
  crumpet fmt --check --diff
  crumpet fmt api/ worker/ production.vars.hcl`,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				args = []string{spec.FileName}
			}
			var failed error
			for _, arg := range args {
				if err := f.format(arg); err != nil {
					failed = err
				}
			}
			if failed == nil && f.check && f.changed {
				return &codeError{errors.New("not formatted"), exitFailed}
			}
			return failed
		},
		Args: cobra.ArbitraryArgs,
	}
	cmd.Flags().BoolVar(&f.check, "check", false, "write nothing; exit 1 if a file is not in the style")
	cmd.Flags().BoolVar(&f.diff, "diff", false, "show what changes")
	return cmd
}

// formatter formats one file after the other.
type formatter struct {
	s           *session
	check, diff bool
	changed     bool // any of them
}

// format formats what one argument names. Faults have been shown.
func (f *formatter) format(arg string) error {
	if arg == "-" {
		return f.stream()
	}
	path := arg
	if info, err := os.Stat(arg); err == nil && info.IsDir() {
		path = filepath.Join(arg, spec.FileName)
	}
	src, err := os.ReadFile(path)
	if err != nil {
		f.s.say("Error: The file can't be read: %s.", osReason(err))
		return &saidError{err}
	}
	out, err := f.laidOut(src, path)
	if err != nil || bytes.Equal(src, out) {
		return err
	}
	f.changed = true
	if !f.check {
		if err := replace(path, out); err != nil {
			f.s.say("Error: The file can't be written: %s.", osReason(err))
			return &saidError{err}
		}
	}
	f.s.print("%s", path)
	return f.show(path, src, out)
}

// stream formats stdin.
func (f *formatter) stream() error {
	src, err := io.ReadAll(f.s.in)
	if err != nil {
		return fmt.Errorf("read stdin: %w", err)
	}
	out, err := f.laidOut(src, "<stdin>")
	if err != nil {
		return err
	}
	f.changed = f.changed || !bytes.Equal(src, out)
	if f.diff {
		return f.show("<stdin>", src, out)
	}
	if f.check {
		return nil
	}
	_, err = f.s.out.Write(out)
	return err
}

func (f *formatter) laidOut(src []byte, name string) ([]byte, error) {
	out, diags := spec.Format(src, name)
	if diags.HasErrors() {
		f.s.showDiagnostics(name, src, diags)
		return nil, invalidSpec(false, diags)
	}
	return out, nil
}

func (f *formatter) show(name string, before, after []byte) error {
	if !f.diff {
		return nil
	}
	_, err := f.s.out.Write(diff.Diff(name, before, name+" (formatted)", after))
	return err
}

// replace writes a file anew, whole or not at all: an editor's user must not lose a spec to a full
// disk. A link stays a link.
func replace(path string, text []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(path), ".crumpet-fmt-*")
	if err != nil {
		return err
	}
	defer os.Remove(next.Name()) //nolint:errcheck // gone already if all went well
	_, err = next.Write(text)
	err = errors.Join(err, next.Chmod(info.Mode().Perm()), next.Close())
	if err != nil {
		return err
	}
	return os.Rename(next.Name(), path)
}
