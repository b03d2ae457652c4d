package brokertest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// Keeper is a Broker that does what it is asked for, and keeps a ledger of what it has: whatever is in it
// when nobody wants anything any more is an orphan. A script set with On takes the place of its answers;
// Honest gives one of them back.
type Keeper struct {
	*Broker
	mu        sync.Mutex
	async     map[Kind]bool          // guarded by mu
	instances map[string]bool        // guarded by mu; by id, as are all below
	bindings  map[string]string      // guarded by mu: to the instance's id
	polls     map[string]func(n int) // guarded by mu: what an operation does at its n-th poll
	counts    map[string]int         // guarded by mu: polls of it
	made      int                    // guarded by mu: instances and bindings ever made
	secret    func(id string) string // credentials of a binding
}

// Keep makes a Keeper with that catalog. credentials gives the JSON object of a binding by its id.
func Keep(catalog string, credentials func(id string) string) *Keeper {
	k := &Keeper{
		Broker: New(), async: map[Kind]bool{}, instances: map[string]bool{}, bindings: map[string]string{}, polls: map[string]func(int){},
		counts: map[string]int{}, secret: credentials,
	}
	k.On(Catalog, JSON(http.StatusOK, catalog))
	for _, kind := range []Kind{Provision, Update, Deprovision, PollInstance, Bind, FetchBinding, Unbind, PollBinding} {
		k.On(kind, k.Honest(kind))
	}
	return k
}

// Async has requests of those kinds answered with 202, and done at the second poll.
func (k *Keeper) Async(kinds ...Kind) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, kind := range kinds {
		k.async[kind] = true
	}
}

// Has lists the ids of the instances and bindings there are.
func (k *Keeper) Has() (instances, bindings []string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Sorted(maps.Keys(k.instances)), slices.Sorted(maps.Keys(k.bindings))
}

// Made counts the instances and bindings that ever were.
func (k *Keeper) Made() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.made
}

// Honest is the answer of a broker that does as it is asked.
func (k *Keeper) Honest(kind Kind) Answer {
	return func(w http.ResponseWriter, r *http.Request) {
		k.mu.Lock()
		answer := k.answer(kind, r)
		k.mu.Unlock()
		answer(w, r)
	}
}

func (k *Keeper) answer(kind Kind, r *http.Request) Answer {
	parts := strings.Split(r.URL.EscapedPath(), "/") // "", v2, service_instances, ID, service_bindings, ID, last_operation
	instance, binding := parts[3], ""
	if len(parts) > 5 {
		binding = parts[5]
	}
	switch kind {
	case Provision:
		if k.instances[instance] {
			return JSON(http.StatusOK, `{}`)
		}
		return k.do(kind, instance, http.StatusCreated, `{}`, func() { k.instances[instance] = true; k.made++ })
	case Update:
		if !k.instances[instance] {
			return JSON(http.StatusNotFound, `{}`)
		}
		return k.do(kind, instance, http.StatusOK, `{}`, func() {})
	case Deprovision:
		if !k.instances[instance] {
			return JSON(http.StatusGone, `{}`)
		}
		if slices.Contains(slices.Collect(maps.Values(k.bindings)), instance) {
			return JSON(http.StatusBadRequest, `{"description":"it has bindings"}`)
		}
		return k.do(kind, instance, http.StatusOK, `{}`, func() { delete(k.instances, instance) })
	case Bind:
		if !k.instances[instance] {
			return JSON(http.StatusNotFound, `{}`)
		}
		return k.do(kind, binding, http.StatusCreated, k.credentials(binding), func() { k.bindings[binding] = instance; k.made++ })
	case Unbind:
		if k.bindings[binding] == "" {
			return JSON(http.StatusGone, `{}`)
		}
		return k.do(kind, binding, http.StatusOK, `{}`, func() { delete(k.bindings, binding) })
	case FetchBinding:
		if k.bindings[binding] == "" {
			return JSON(http.StatusNotFound, `{}`)
		}
		return JSON(http.StatusOK, k.credentials(binding))
	case PollInstance:
		return k.poll(instance, k.instances[instance])
	case PollBinding:
		return k.poll(binding, k.bindings[binding] != "")
	case Catalog, FetchInstance:
	}
	return JSON(http.StatusNotImplemented, `{}`)
}

func (k *Keeper) credentials(id string) string {
	return fmt.Sprintf(`{"credentials":%s}`, k.secret(id))
}

// do does it now. What is asynchronous is there from the request on, as it is at a real broker that dies
// within it, and only its answer comes later; what is deleted goes at the end.
func (k *Keeper) do(kind Kind, id string, status int, body string, change func()) Answer {
	if !k.async[kind] {
		change()
		return JSON(status, body)
	}
	deletes := kind == Deprovision || kind == Unbind
	if !deletes {
		change()
	}
	k.counts[id] = 0
	k.polls[id] = func(n int) {
		if n == 2 && deletes {
			change()
		}
	}
	return JSON(http.StatusAccepted, `{"operation":"`+strings.ReplaceAll(string(kind), " ", "-")+`"}`)
}

func (k *Keeper) poll(id string, there bool) Answer {
	do, known := k.polls[id]
	if !known {
		return JSON(map[bool]int{true: http.StatusOK, false: http.StatusGone}[there], `{"state":"succeeded"}`)
	}
	k.counts[id]++
	do(k.counts[id])
	if k.counts[id] < 2 {
		return JSON(http.StatusOK, `{"state":"in progress","description":"half done"}`)
	}
	delete(k.polls, id)
	return JSON(http.StatusOK, `{"state":"succeeded"}`)
}
