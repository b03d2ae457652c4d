package secret

import (
	"fmt"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// reserved are the names that the platform itself gives to programs. One that ends in _ reserves all names
// that begin so.
var reserved = []string{"PORT", "PORT_", "HOST", "CRUMPET_", "NOMAD_", "VAULT_", "SERVICE_BINDING_ROOT", "VCAP_SERVICES"}

// Reserved says that the platform itself sets variables of that name.
func Reserved(name string) bool {
	return slices.ContainsFunc(reserved, func(r string) bool {
		return name == r || strings.HasSuffix(r, "_") && strings.HasPrefix(name, r)
	})
}

// check says what is wrong with a change, whatever the app has: every fault. Code: invalid.
func (s *Secrets) check(c paas.ConfigChange) error {
	var faults []paas.Fault
	fault := func(name, format string, args ...any) {
		faults = append(faults, paas.Fault{Location: name, Message: fmt.Sprintf(format, args...)})
	}
	seen, values := map[string]bool{}, map[string]string{}
	twice := func(name string) {
		if seen[name] {
			fault(name, "The key %q is named twice.", name)
		}
		seen[name] = true
	}
	for _, v := range c.Set {
		twice(v.Name)
		values[v.Name] = v.Value.Reveal()
		switch {
		case Reserved(v.Name):
			fault(v.Name, "The name %q is the platform's own: it sets it for every program. Choose another.", v.Name)
		case strings.ContainsRune(values[v.Name], 0):
			fault(v.Name, "The value of %q holds a NUL byte, which no environment variable can. Give it in base64, and have the app decode it.", v.Name)
		case len(values[v.Name]) <= paas.MaxVariable && !paas.FitsVariable(v.Name, values[v.Name]):
			fault(v.Name, "The value of %q, as an environment file quotes it, is longer than the %d bytes that Nomad reads of a line. Give it in base64, or in two keys.", v.Name, paas.MaxVariable)
		}
	}
	for _, name := range c.Unset {
		twice(name)
	}
	if err := s.Check(values); err != nil {
		more := paas.FaultsOf(err)
		if len(more) == 0 {
			return err
		}
		faults = append(faults, more...)
	}
	return refuse(faults)
}

// refuse makes one error of faults; nil of none.
func refuse(faults []paas.Fault) error {
	if len(faults) == 0 {
		return nil
	}
	return &paas.Error{Code: paas.Invalid, Message: faults[0].Message, Faults: faults}
}

// missing names the keys that a release's spec wants as files and a version lacks.
func missing(spec paas.Spec, v paas.ConfigVersion) (names []string) {
	for _, file := range spec.Secrets {
		if _, ok := v.Key(file.Name); !ok {
			names = append(names, file.Name)
		}
	}
	return names
}

// pinned is the lowest version that a release needs which serves, is on its way, or stands in a slot; 0 for
// none. Its number is given too.
func pinned(snap paas.Snapshot) (version, release int) {
	for _, r := range snap.Releases {
		if r.Config > 0 && (version == 0 || r.Config < version) {
			version, release = r.Config, r.Number
		}
	}
	return version, release
}

// heading is the release that an app is on its way to, with the deployment that takes it there, or the one it
// serves.
func heading(snap paas.Snapshot) (paas.Release, *paas.Deployment, bool) {
	for _, d := range slices.Backward(snap.Deployments) {
		if !d.Abort {
			return snap.Releases[d.Release], &d, true
		}
	}
	r, ok := snap.Releases[snap.App.Release]
	return r, nil, ok && snap.App.Release > 0
}

// useOf says when an app will see a new version.
func useOf(snap paas.Snapshot, stage bool) paas.ConfigUse {
	_, _, released := heading(snap)
	switch {
	case !released:
		return paas.ConfigFirstPush
	case snap.App.Stopped:
		return paas.ConfigStopped
	case stage:
		return paas.ConfigStaged
	}
	return paas.ConfigDeployed
}
