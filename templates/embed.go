package templates

import (
	"bytes"
	"embed"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// GoWeb is the template used unless another is named.
const GoWeb = "go-web"

// placeholder stands for the app's name in every file. It is a valid name of an app, and of nothing
// else.
const placeholder = "crumpetapp"

//go:embed all:go-web all:guestbook all:static-site
var files embed.FS

// Names lists the templates.
func Names() []string {
	entries, err := fs.ReadDir(files, ".")
	if err != nil { // the root of an embedded tree can be read
		panic(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Mode is that of every file.
const Mode = 0o644

// File is one file of a template, for an app.
type File struct {
	Path string // slash-separated, below the app's folder
	Text []byte
}

// Render gives a template's files for an app, sorted by path. Code: not_found.
func Render(template, app string) ([]File, error) {
	if !slices.Contains(Names(), template) {
		return nil, paas.Errorf(paas.NotFound, "There is no template %q. Those there are: %s.", template, strings.Join(Names(), ", "))
	}
	var list []File
	err := fs.WalkDir(files, template, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		to := strings.TrimSuffix(strings.TrimPrefix(name, template+"/"), ".tmpl")
		list = append(list, File{to, bytes.ReplaceAll(text, []byte(placeholder), []byte(app))})
		return nil
	})
	slices.SortFunc(list, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return list, err
}

// Write makes the folder dir with the template's files for an app, and gives their names. It makes
// nothing if dir exists. Codes: not_found (the template), conflict (the folder).
func Write(template, app, dir string) ([]string, error) {
	list, err := Render(template, app)
	if err != nil {
		return nil, err
	}
	err = os.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil, paas.Errorf(paas.Conflict, "%s exists already. Choose another name, or take it away first.", dir)
	}
	if err != nil {
		return nil, err
	}
	var written []string
	for _, f := range list {
		to := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return written, err
		}
		if err := os.WriteFile(to, f.Text, Mode); err != nil {
			return written, err
		}
		written = append(written, f.Path)
	}
	return written, nil
}
