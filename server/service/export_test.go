package service

import (
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Verdict is what judge says.
type Verdict struct {
	Next  string
	Wait  time.Duration
	Clean bool
}

// Judge is judge without jitter.
func Judge(o paas.Operation, out paas.BrokerOutcome, now time.Time) Verdict {
	v := judge(o, out, now, 0)
	return Verdict{string(v.next), v.wait, v.clean}
}

// Withheld is withheld.
func Withheld(words string, secrets ...paas.Secret) string { return withheld(words, secrets...) }

// Flatten is flatten.
func Flatten(object paas.Secret) (map[string]paas.Secret, bool) { return flatten(object) }

// Holders is holders: the jobs that tell by their variable, with how many programs.
func Holders(snap paas.Snapshot, b paas.Binding, generation int, read reads) (map[string]int, string, error) {
	takers, why, err := holders(snap, b, generation, read)
	jobs := map[string]int{}
	for _, t := range takers {
		jobs[t.job] = t.programs
	}
	return jobs, why, err
}

// Uncarried is uncarried.
func Uncarried(snap paas.Snapshot, read reads) ([]paas.Binding, string, error) {
	moved, cause, _, err := uncarried(snap, read)
	return moved, cause, err
}

// Turn decides over the bindings of one app.
func Turn(snap *paas.Snapshot, ref paas.AppRef, instances []paas.ServiceInstance, bindings []paas.Binding, operations []paas.Operation, providers []paas.Provider, now time.Time, used string) paas.ServiceChange {
	w := world{providers: map[string]paas.Provider{}, instances: map[string]paas.ServiceInstance{}, bindings: bindings, operations: operations}
	for _, i := range instances {
		w.instances[i.Team+"/"+i.Name] = i
	}
	for _, p := range providers {
		w.providers[p.Name] = p
	}
	n := 0
	t := turn{
		ref: ref, snap: snap, world: w, now: now, used: func(paas.Binding, int) string { return used },
		newID: func() string { n++; return string(rune('a' + n - 1)) },
	}
	t.decide()
	return t.change
}
