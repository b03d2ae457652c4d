package service

import (
	"maps"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func sortedNames[K ~string, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

func providersOf(list []paas.Provider) []string {
	var names []string
	for _, p := range list {
		names = append(names, p.Name)
	}
	return names
}

func plansOf(o paas.Offering) []string {
	var names []string
	for _, p := range o.Plans {
		names = append(names, p.Name)
	}
	return names
}

// listed joins names as a sentence has them.
func listed(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

// who names the apps and keys of bindings, for a refusal.
func who(bindings []paas.Binding) string {
	var names []string
	for _, b := range bindings {
		name := "app " + b.App
		if b.Key() {
			name = "key " + b.Name
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return listed(names)
}
