package fleet

import (
	"path/filepath"
	"strings"
)

// In gives the fleet with its files named in full: those it names are relative to the folder of its file, and ~ is
// home.
func (f Fleet) In(folder, home string) Fleet {
	full := func(name string) string {
		switch {
		case name == "" || strings.Contains(name, "://") || filepath.IsAbs(name):
			return name
		case strings.HasPrefix(name, "~/"):
			return filepath.Join(home, name[2:])
		}
		return filepath.Join(folder, name)
	}
	f.SSH.KeyFile, f.SSH.KnownHosts = full(f.SSH.KeyFile), full(f.SSH.KnownHosts)
	f.Seal.TokenFile, f.Seal.CAFile, f.Store.URLFile = full(f.Seal.TokenFile), full(f.Seal.CAFile), full(f.Store.URLFile)
	programs := make([]Program, 0, len(f.Programs))
	for _, p := range f.Programs {
		p.Source, p.Sums, p.Key = full(p.Source), full(p.Sums), full(p.Key)
		programs = append(programs, p)
	}
	f.Programs = programs
	return f
}
