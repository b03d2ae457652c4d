package consul

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	kvRoot      = "/v1/kv/"
	maxValue    = 512 << 10
	maxValueMsg = "Request body too large, max size: 524288 bytes. See https://www.consul.io/docs/agent/options.html#kv_max_value_size."
)

func (s *Server) kvGet(w http.ResponseWriter, r *http.Request) error {
	key, q := strings.TrimPrefix(r.URL.Path, kvRoot), r.URL.Query()
	switch {
	case q.Has("keys"):
		return s.block(w, r, func(st *state) answer {
			index, entries := st.list(key)
			keys := keysOf(entries, key, q.Get("separator"))
			if len(keys) == 0 {
				return answer{index: index, missing: true, status: http.StatusNotFound}
			}
			return answer{index: index, body: keys}
		})
	case q.Has("recurse"):
		return s.block(w, r, func(st *state) answer {
			index, entries := st.list(key)
			if len(entries) == 0 {
				return answer{index: index, missing: true, status: http.StatusNotFound}
			}
			return answer{index: index, body: entries}
		})
	case key == "":
		return failf(http.StatusBadRequest, "Missing key name")
	}
	return s.block(w, r, func(st *state) answer {
		e, ok := st.KV[key]
		switch {
		case !ok:
			return answer{index: st.Tables[tableKV], missing: true, status: http.StatusNotFound}
		case q.Has("raw"):
			return answer{index: e.ModifyIndex, body: e.Value, raw: true}
		default:
			return answer{index: e.ModifyIndex, body: []*entry{e}}
		}
	})
}

// list is every key under a prefix. Its index counts deletions under the prefix too; with neither it is the table's.
func (st *state) list(prefix string) (uint64, []*entry) {
	var index uint64
	var entries []*entry
	for key, e := range st.KV {
		if strings.HasPrefix(key, prefix) {
			entries = append(entries, e)
			index = max(index, e.ModifyIndex)
		}
	}
	slices.SortFunc(entries, func(a, b *entry) int { return strings.Compare(a.Key, b.Key) })
	for key, gone := range st.Tombstones {
		if strings.HasPrefix(key, prefix) {
			index = max(index, gone)
		}
	}
	if prefix == "" || index == 0 {
		index = st.Tables[tableKV]
	}
	return index, entries
}

// keysOf cuts keys after the first separator that follows the prefix, and names each once.
func keysOf(entries []*entry, prefix, separator string) []string {
	var keys []string
	for _, e := range entries {
		key := e.Key
		if separator != "" {
			if i := strings.Index(key[len(prefix):], separator); i >= 0 {
				key = key[:len(prefix)+i+len(separator)]
			}
		}
		if len(keys) == 0 || keys[len(keys)-1] != key {
			keys = append(keys, key)
		}
	}
	return keys
}

func (s *Server) kvPut(w http.ResponseWriter, r *http.Request) error {
	key, q := strings.TrimPrefix(r.URL.Path, kvRoot), r.URL.Query()
	if key == "" {
		return failf(http.StatusBadRequest, "Missing key name")
	}
	e := entry{Key: key}
	var cas uint64
	for name, into := range map[string]*uint64{"flags": &e.Flags, "cas": &cas} {
		if !q.Has(name) {
			continue
		}
		n, err := strconv.ParseUint(q.Get(name), 10, 64)
		if err != nil {
			return err
		}
		*into = n
	}
	value, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxValue))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return failf(http.StatusRequestEntityTooLarge, maxValueMsg)
	}
	if err != nil {
		return failf(http.StatusBadRequest, "%v", err)
	}
	if len(value) > 0 {
		e.Value = value // an empty value reads back as null
	}
	var ok bool
	err = s.update(func(t *tx) error {
		var err error
		switch {
		case q.Has("acquire"):
			e.Session = q.Get("acquire")
			ok, err = t.lock(e)
		case q.Has("release"):
			e.Session = q.Get("release")
			ok = t.unlock(e)
		case q.Has("cas"):
			ok = t.setCAS(e, cas)
		default:
			t.set(e)
			ok = true
		}
		return err
	})
	if err != nil {
		return err
	}
	return writeJSON(w, r, http.StatusOK, ok)
}

func (s *Server) kvDelete(w http.ResponseWriter, r *http.Request) error {
	key, q := strings.TrimPrefix(r.URL.Path, kvRoot), r.URL.Query()
	if key == "" && !q.Has("recurse") {
		return failf(http.StatusBadRequest, "Missing key name")
	}
	var cas uint64
	if q.Has("cas") {
		if q.Has("recurse") {
			return failf(http.StatusBadRequest, "Conflicting flags: cas and recurse")
		}
		n, err := strconv.ParseUint(q.Get("cas"), 10, 64)
		if err != nil {
			return err
		}
		cas = n
	}
	ok := true
	err := s.update(func(t *tx) error {
		switch {
		case q.Has("recurse"):
			t.deleteTree(key)
		case q.Has("cas"):
			ok = t.deleteCAS(key, cas)
		default:
			t.delete(key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return writeJSON(w, r, http.StatusOK, ok)
}

// set stores a key. Its holder stays, but the count of its locks begins again: so does Consul. Storing what is there
// already changes no index.
func (t *tx) set(e entry) *entry {
	e.Session = ""
	if old, ok := t.state.KV[e.Key]; ok {
		e.Session = old.Session
	}
	return t.store(e)
}

func (t *tx) store(e entry) *entry {
	e.CreateIndex, e.ModifyIndex = t.index, t.index
	if old, ok := t.state.KV[e.Key]; ok {
		e.CreateIndex = old.CreateIndex
		if old.Flags == e.Flags && old.LockIndex == e.LockIndex && old.Session == e.Session && bytes.Equal(old.Value, e.Value) {
			return old
		}
	}
	t.state.KV[e.Key] = &e
	delete(t.state.Tombstones, e.Key) // the key's own index is higher now
	t.touch(tableKV)
	return &e
}

// setCAS stores a key whose ModifyIndex is still cas; 0 means that there must be none.
func (t *tx) setCAS(e entry, cas uint64) bool {
	var now uint64
	if old, ok := t.state.KV[e.Key]; ok {
		now = old.ModifyIndex
	}
	if now != cas {
		return false
	}
	t.set(e)
	return true
}

// lock stores a key and gives it to a session, which may be its holder already.
func (t *tx) lock(e entry) (bool, error) {
	if _, ok := t.state.Sessions[e.Session]; !ok {
		return false, failf(http.StatusInternalServerError, "invalid session %q", e.Session)
	}
	if until, ok := t.delays[e.Key]; ok {
		if time.Now().Before(until) {
			return false, nil
		}
		delete(t.delays, e.Key)
	}
	old, ok := t.state.KV[e.Key]
	switch {
	case !ok:
		e.LockIndex = 1
	case old.Session == e.Session:
		e.LockIndex = old.LockIndex
	case old.Session != "":
		return false, nil
	default:
		e.LockIndex = old.LockIndex + 1
	}
	t.store(e)
	return true, nil
}

// unlock stores a key and takes it from the session that holds it.
func (t *tx) unlock(e entry) bool {
	old, ok := t.state.KV[e.Key]
	if !ok || old.Session != e.Session {
		return false
	}
	e.LockIndex, e.Session = old.LockIndex, ""
	t.store(e)
	return true
}

func (t *tx) delete(key string) {
	if _, ok := t.state.KV[key]; !ok {
		return
	}
	delete(t.state.KV, key)
	t.bury(key)
}

// deleteCAS deletes a key whose ModifyIndex is still cas; one that is gone already is as wanted.
func (t *tx) deleteCAS(key string, cas uint64) bool {
	if old, ok := t.state.KV[key]; ok && old.ModifyIndex != cas {
		return false
	}
	t.delete(key)
	return true
}

func (t *tx) deleteTree(prefix string) {
	before := len(t.state.KV)
	maps.DeleteFunc(t.state.KV, func(key string, _ *entry) bool { return strings.HasPrefix(key, prefix) })
	if len(t.state.KV) < before {
		t.bury(prefix)
	}
}

// bury remembers the index of a deletion, so that lists of the prefix change.
func (t *tx) bury(key string) {
	t.state.Tombstones[key] = t.index
	t.touch(tableKV)
	if len(t.state.Tombstones) <= maxTombstones {
		return
	}
	oldest := slices.Sorted(maps.Values(t.state.Tombstones))[maxTombstones/2]
	maps.DeleteFunc(t.state.Tombstones, func(_ string, index uint64) bool { return index < oldest })
}
