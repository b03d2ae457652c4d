package spec

import (
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	minVolume = 1
	maxVolume = 16 << 20 // MiB
)

// systemFolders are those of a program's root that the node or Nomad fills.
var systemFolders = []string{"/alloc", "/bin", "/dev", "/etc", "/lib", "/lib64", "/local", "/proc", "/run", "/sbin", "/secrets", "/sys", "/tmp", "/usr"}

func validateVolumes(at place, p paas.Process, builder paas.Builder, r report) {
	if len(p.Volumes) == 0 {
		return
	}
	if p.Strategy == paas.Rolling {
		r.say(at.attr("strategy"), "Impossible combination", "The process %q keeps the volume %q, which only one instance can have at a time: the old one stops before the new one starts. Leave strategy out.", p.Name, p.Volumes[0].Name)
	}
	if len(p.Command) == 0 && builder == paas.BuilderStatic {
		r.missing(at.attr("command"), "Impossible combination", "The process %q serves a folder of the artifact and writes nothing, so it needs no volume. Leave the volume %q out, or give the process a command.", p.Name, p.Volumes[0].Name)
	}
	seen := map[string]bool{}
	for i, v := range p.Volumes {
		here := at.block("volume", i, v.Name)
		switch problem := paas.CheckName("volume", v.Name, paas.MaxProcess); {
		case problem != "":
			r.say(here.label(), "Bad name", "%s", problem)
		case seen[v.Name]:
			r.say(here.label(), "Name repeated", "The process %q has a second volume %q. Give it another name.", p.Name, v.Name)
		}
		seen[v.Name] = true
		if v.Size == 0 {
			r.missing(here.attr("size"), "Size missing", "The volume %q has no size. Write size = \"10GiB\".", v.Name)
		} else {
			count(r, here.attr("size"), "size of a volume", " MiB", v.Size, minVolume, maxVolume)
		}
		validateMount(here.attr("mount"), v, p.Volumes[:i], r)
	}
	keep := func(at place, l level, fragment paas.Fragment, field string) {
		object, err := parseFragment(fragment)
		if _, there := object[field]; err == nil && there {
			r.say(at.attr("nomad").attr(l.name).attr(field).label(), "Impossible combination", "The %s of the nomad fragment would take the place of the volume %q. Write all volumes as volume blocks, or none.", field, p.Volumes[0].Name)
		}
	}
	keep(at, groupLevel, p.NomadGroup, "Volumes")
	keep(at, taskLevel, p.NomadTask, "VolumeMounts")
	for i, s := range p.Sidecars {
		keep(at.block("sidecar", i, s.Name), taskLevel, s.NomadTask, "VolumeMounts")
	}
}

func validateMount(at place, v paas.Volume, before []paas.Volume, r report) {
	odd := func(c rune) bool { return unicode.IsControl(c) || c == '\\' }
	switch {
	case v.Mount == "":
		r.missing(at, "Mount missing", "The volume %q does not say where the program finds it. Write mount = \"/data\".", v.Name)
		return
	case !path.IsAbs(v.Mount) || v.Mount == "/" || path.Clean(v.Mount) != v.Mount:
		r.say(at, "Bad path", "The mount %q of the volume %q must be an absolute path below /, without a slash at its end, such as \"/data\".", v.Mount, v.Name)
		return
	case strings.ContainsFunc(v.Mount, odd) || strings.Contains(v.Mount, "${"):
		r.say(at, "Bad path", "The mount %q of the volume %q holds a character that Nomad reads in a way of its own. Use letters, digits, dots and dashes.", v.Mount, v.Name)
		return
	case slices.ContainsFunc(systemFolders, func(dir string) bool { return below(v.Mount, dir) }):
		r.say(at, "Bad path", "The mount %q of the volume %q lies in a folder that the node or Nomad fills. Choose another, such as \"/data\".", v.Mount, v.Name)
		return
	}
	for _, other := range before {
		if below(v.Mount, other.Mount) || below(other.Mount, v.Mount) {
			r.say(at, "Impossible combination", "The volume %q would be mounted at %q and the volume %q at %q, one in the other. Choose another path.", v.Name, v.Mount, other.Name, other.Mount)
			return
		}
	}
}

// below says whether a path is another, or in it.
func below(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }
