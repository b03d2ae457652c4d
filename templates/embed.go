// Package templates holds the apps that `crumpet init` begins with, and writes them.
//
// Each folder is one template. A file's name loses .tmpl when it is written: go.mod.tmpl and
// main.go.tmpl keep a template's Go files out of Crumpet's own module. In every file the word
// crumpetapp becomes the app's name, so that a template is a whole app before anything is replaced.
package templates

import (
	"embed"
	"errors"
	"io/fs"
	"os"
	"path"
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

// Write makes the folder dir with the template's files for an app, and gives their names. It makes
// nothing if dir exists. Codes: not_found (the template), conflict (the folder).
func Write(template, app, dir string) ([]string, error) {
	if !slices.Contains(Names(), template) {
		return nil, paas.Errorf(paas.NotFound, "There is no template %q. Those there are: %s.", template, strings.Join(Names(), ", "))
	}
	err := os.Mkdir(dir, 0o755)
	if errors.Is(err, fs.ErrExist) {
		return nil, paas.Errorf(paas.Conflict, "%s exists already. Choose another name, or take it away first.", dir)
	}
	if err != nil {
		return nil, err
	}
	var written []string
	err = fs.WalkDir(files, template, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == template {
			return err
		}
		to := strings.TrimSuffix(strings.TrimPrefix(name, template+"/"), ".tmpl")
		if entry.IsDir() {
			return os.Mkdir(filepath.Join(dir, filepath.FromSlash(to)), 0o755)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		written = append(written, path.Clean(to))
		return os.WriteFile(filepath.Join(dir, filepath.FromSlash(to)), []byte(strings.ReplaceAll(string(text), placeholder, app)), 0o644)
	})
	return written, err
}
