package devstack

import (
	"debug/elf"
	"os"
	"path/filepath"
)

// libraries is where the loader looks for shared libraries on the systems that dev runs on.
var libraries = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"}

// tools are what somebody who looks into an instance needs first. Node images bring what they like; without a shell
// `crumpet exec APP -- sh` would find none.
var tools = []string{"sh", "ls", "cat", "env", "ps", "sleep"}

// toolFiles are the files of tools that are here, with the libraries they need: where they are, without links, which
// would lead nowhere in a task's root, and where a task shall find them.
func toolFiles() map[string]string {
	files := map[string]string{}
	var add func(path, as string)
	add = func(path, as string) {
		real, err := filepath.EvalSymlinks(path)
		if err != nil || files[real] != "" {
			return // it is not here, or there already
		}
		files[real] = as
		program, err := elf.Open(real)
		if err != nil {
			return // a script, or not for this machine
		}
		defer program.Close() //nolint:errcheck // only read
		needed, err := program.ImportedLibraries()
		if err != nil {
			return
		}
		for _, section := range program.Progs {
			if section.Type != elf.PT_INTERP {
				continue
			}
			name := make([]byte, section.Filesz)
			if n, err := section.ReadAt(name, 0); err == nil && n > 1 {
				loader := string(name[:n-1]) // it ends in a zero byte
				add(loader, loader)
			}
		}
		for _, library := range needed {
			for _, dir := range libraries {
				if _, err := os.Stat(filepath.Join(dir, library)); err == nil {
					add(filepath.Join(dir, library), filepath.Join(dir, library))
					break
				}
			}
		}
	}
	for _, tool := range tools {
		for _, dir := range []string{"/bin", "/usr/bin"} {
			path := filepath.Join(dir, tool)
			if _, err := os.Stat(path); err == nil {
				add(path, "/bin/"+tool)
				break
			}
		}
	}
	return files
}
