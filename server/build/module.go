package build

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
	"golang.org/x/mod/modfile"
)

// modulesOf reads which modules a Go source consists of: the folders that go.work uses, or the one of
// its go.mod. goWork is the toolchain's GOWORK: "off", or go would look for one above the source. A
// module outside of the source is a fault here, as the toolchain would read whatever is there. Files
// that don't parse are left to the toolchain, which says it best.
func modulesOf(t tree, src string) (goWork string, modules []string, err error) {
	if _, ok := t.files["go.work"]; !ok {
		if _, ok := t.files["go.mod"]; !ok {
			return "", nil, noModule(t)
		}
		return "off", []string{"."}, checkModule(src, ".")
	}
	file := filepath.Join(src, "go.work")
	text, err := os.ReadFile(file)
	if err != nil {
		return "", nil, paas.Wrap(paas.Invalid, err, "The go.work of the source can't be read.")
	}
	work, err := modfile.ParseWork("go.work", text, nil)
	if err != nil {
		return file, []string{"."}, nil
	}
	for _, use := range work.Use {
		if !inside(".", use.Path) {
			return "", nil, paas.Errorf(paas.Invalid, "go.work uses %s, which is outside of the source. Push the folder that holds both.", use.Path)
		}
		dir := path.Clean(use.Path)
		modules = append(modules, dir)
		if err := checkModule(src, dir); err != nil {
			return "", nil, err
		}
	}
	if len(modules) == 0 {
		return "", nil, paas.Errorf(paas.Invalid, "The go.work of the source uses no module. Add one with \"go work use DIR\".")
	}
	return file, modules, checkReplaces("go.work", ".", work.Replace)
}

func checkModule(src, dir string) error {
	name := path.Join(dir, "go.mod")
	text, err := os.ReadFile(filepath.Join(src, filepath.FromSlash(name)))
	if err != nil {
		return nil // the toolchain says it
	}
	mod, err := modfile.Parse(name, text, nil)
	if err != nil {
		return nil // as above
	}
	return checkReplaces(name, dir, mod.Replace)
}

func checkReplaces(file, dir string, replaces []*modfile.Replace) error {
	for _, r := range replaces {
		if r.New.Version == "" && !inside(dir, r.New.Path) { // without a version it is a folder
			return paas.Errorf(paas.Invalid, "%s replaces %s by %s, which is outside of the source. Push the folder that holds both, or remove the replace line.",
				file, r.Old.Path, r.New.Path)
		}
	}
	return nil
}

// inside says whether to, seen from the folder dir of the source, is in the source.
func inside(dir, to string) bool {
	return !filepath.IsAbs(to) && filepath.IsLocal(path.Join(dir, to))
}

// noModule says that the source is no module, and where there is one.
func noModule(t tree) error {
	for _, p := range t.below(".") {
		if dir := path.Dir(p); path.Base(p) == "go.mod" {
			return paas.Errorf(paas.Invalid, "The source has no go.mod at its top, but there is one in %s. Push that folder, or add a go.work with \"go work init ./%s\".", dir, dir)
		}
	}
	return paas.Errorf(paas.Invalid, "The source has no go.mod. Make it a module with \"go mod init NAME\".")
}

// beside says which files of a Go source go beside its binaries, where an app finds them at run time:
// templates and public files, but nothing that only the toolchain reads.
func (t tree) beside(name string) bool {
	switch path.Base(name) {
	case "go.mod", "go.sum", "go.work", "go.work.sum":
		return false
	}
	if strings.HasSuffix(name, ".go") {
		return false
	}
	parts := strings.Split(name, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, ".") || part == "testdata" {
			return false
		}
		if part == "vendor" && t.module(path.Join(parts[:i]...)) {
			return false
		}
	}
	return true
}

// module says whether a folder is the top of a module or a workspace.
func (t tree) module(dir string) bool {
	_, mod := t.files[path.Join(dir, "go.mod")]
	_, work := t.files[path.Join(dir, "go.work")]
	return mod || work
}
