package build

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// tree is a manifest seen as folders. Links are followed in it, never on a disk.
type tree struct {
	files map[string]paas.File
	dirs  map[string]bool // "." is the root
}

func newTree(files []paas.File) tree {
	t := tree{files: make(map[string]paas.File, len(files)), dirs: map[string]bool{".": true}}
	for _, f := range files {
		t.files[f.Path] = f
		for dir := path.Dir(f.Path); !t.dirs[dir] && dir != "/"; dir = path.Dir(dir) {
			t.dirs[dir] = true
		}
	}
	return t
}

// Why a path can't be resolved.
var (
	errLeaves  = errors.New("leaves the source")
	errDangles = errors.New("points to nothing in the source")
)

// maxLinks is how many links a path may go through, as in Linux.
const maxLinks = 40

// resolve follows links as the kernel does: a '..' after a link to a folder goes up from where the
// link leads, which is how a link that looks harmless can leave the source.
func (t tree) resolve(p string) (string, error) {
	var at []string // where we stand, free of links
	left := strings.Split(p, "/")
	for links := 0; len(left) > 0; {
		part := left[0]
		left = left[1:]
		switch part {
		case "", ".":
			continue
		case "..":
			if len(at) == 0 {
				return "", errLeaves
			}
			at = at[:len(at)-1]
			continue
		}
		next := path.Join(append(slices.Clone(at), part)...)
		f, isFile := t.files[next]
		switch {
		case isFile && f.Link != "":
			if links++; links > maxLinks {
				return "", errDangles
			}
			if strings.HasPrefix(f.Link, "/") {
				return "", errLeaves
			}
			left = append(strings.Split(f.Link, "/"), left...)
		case !isFile && !t.dirs[next], isFile && len(left) > 0:
			// There is nothing; but what is left may still climb out of the source.
			if climbs(len(at)+1, left) {
				return "", errLeaves
			}
			return "", errDangles
		default:
			at = append(at, part)
		}
	}
	if len(at) == 0 {
		return ".", nil
	}
	return path.Join(at...), nil
}

// climbs says whether parts, walked from a folder that deep, ever go above the root.
func climbs(depth int, parts []string) bool {
	for _, p := range parts {
		switch p {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return true
		}
	}
	return false
}

// below gives the paths of the files in a folder and its folders, sorted.
func (t tree) below(dir string) []string {
	var paths []string
	for p := range t.files {
		if dir == "." || strings.HasPrefix(p, dir+"/") {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}
