// Package ui holds the web UI as Vite built it, to be served at /. Without a build it holds a page
// that says how to get one, so that the program compiles where Node is missing.
package ui

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

//go:embed placeholder
var placeholder embed.FS

// Files are index.html and what it loads; the files below assets have their digest in their names.
func Files() fs.FS {
	if files, err := fs.Sub(dist, "dist"); err == nil && Built() {
		return files
	}
	files, err := fs.Sub(placeholder, "placeholder")
	if err != nil {
		return placeholder // the name is a constant: it can't be
	}
	return files
}

// Built says whether the pages are in this program.
func Built() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}
