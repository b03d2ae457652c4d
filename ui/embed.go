// Package ui holds the web UI as Vite built it, to be served at /. Without a build it holds a page
// that says how to get one, so that the program compiles where Node is missing.
package ui

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

//go:embed placeholder.html
var placeholder []byte

// Index is the name of the page in Files.
const Index = "index.html"

// Files are the pages and what they load. When they were not built, Placeholder stands in.
func Files() fs.FS {
	files, err := fs.Sub(dist, "dist")
	if err != nil {
		return dist // the name is a constant: it can't be
	}
	return files
}

// Placeholder is the page of a program without pages.
func Placeholder() []byte { return placeholder }
