package vault

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const defaultMaxVersions = 10

// exists tells create from update, for the paths where Vault does; elsewhere a write is always an update.
func (s *Server) exists(path string) bool {
	m, rest := s.state.mountOf(path)
	if m == nil {
		return true
	}
	kind, key, _ := strings.Cut(rest, "/")
	switch {
	case m.Type == databaseType && kind == "config":
		return m.Connections[key] != nil
	case m.Type == databaseType && kind == "roles":
		return m.Roles[key] != nil
	case kind != "data" && kind != "metadata":
		return true
	}
	return m.Secrets[key] != nil
}

// kv answers the paths of a mount.
func (s *Server) kv(req *request, m *mount, rest string) (*reply, error) {
	if err := relative(rest); err != nil {
		return nil, err
	}
	kind, key, _ := strings.Cut(rest, "/")
	if rest == "config" {
		return m.config(req)
	}
	if req.op != capList && req.op != capRead && strings.HasSuffix(key, "/") {
		return nil, failf(http.StatusBadRequest, "cannot write to a path ending in '/'")
	}
	switch {
	case kind == "metadata":
		return s.metadata(req, m, key)
	case key == "":
	case kind == "data":
		switch req.op {
		case capRead:
			return s.read(req, m, key)
		case capUpdate:
			return s.write(req, m, key)
		case capPatch:
			return s.patch(req, m, key)
		case capDelete:
			if sec := m.Secrets[key]; sec != nil {
				sec.each([]int{sec.Current}, func(v *version) { v.delete(s.cfg.Now()) })
				req.dirty = true
			}
			return nil, nil
		}
	case kind == "delete" && req.op == capUpdate:
		return s.versions(req, m, key, func(v *version) { v.delete(s.cfg.Now()) })
	case kind == "undelete" && req.op == capUpdate:
		return s.versions(req, m, key, func(v *version) { v.Deletion = time.Time{} })
	case kind == "destroy" && req.op == capUpdate:
		return s.versions(req, m, key, func(v *version) { v.Data, v.Destroyed = nil, true })
	}
	return &reply{status: http.StatusNotFound, warnings: []string{
		"Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API endpoints to use.",
	}}, nil
}

func (v *version) delete(now time.Time) {
	if !v.Destroyed && !v.deleted(now) {
		v.Deletion = now
	}
}

// each runs fn on the versions that are there.
func (sec *secret) each(numbers []int, fn func(*version)) {
	for _, n := range numbers {
		if v := sec.Versions[n]; v != nil {
			fn(v)
		}
	}
}

func (s *Server) versions(req *request, m *mount, key string, fn func(*version)) (*reply, error) {
	var body struct {
		Versions []json.Number `json:"versions"`
	}
	if err := req.decode(&body); err != nil {
		return nil, err
	}
	if len(body.Versions) == 0 {
		return nil, failf(http.StatusBadRequest, "No version number provided")
	}
	var numbers []int
	for _, number := range body.Versions {
		n, err := strconv.Atoi(number.String())
		if err != nil {
			return nil, failf(http.StatusBadRequest, "version %q is not a number", number)
		}
		numbers = append(numbers, n)
	}
	if sec := m.Secrets[key]; sec != nil {
		sec.each(numbers, fn)
		req.dirty = true
	}
	return nil, nil
}

// describe is the metadata that goes with a value.
func (v *version) describe(sec *secret, number int) map[string]any {
	return map[string]any{
		"version": number, "created_time": stamp(v.Created), "deletion_time": stamp(v.Deletion), "destroyed": v.Destroyed,
		"custom_metadata": sec.Custom,
	}
}

func (s *Server) read(req *request, m *mount, key string) (*reply, error) {
	sec := m.Secrets[key]
	if sec == nil {
		return nil, notFound()
	}
	number := sec.Current
	if text := req.query.Get("version"); text != "" && text != "0" {
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, failf(http.StatusBadRequest, "version %q is not a number", text)
		}
		number = n
	}
	v := sec.Versions[number]
	if v == nil {
		return nil, notFound()
	}
	ans := &reply{data: map[string]any{"data": v.Data, "metadata": v.describe(sec, number)}}
	if v.Destroyed || v.deleted(s.cfg.Now()) {
		// A version that was deleted still says that it was, and when.
		ans.status = http.StatusNotFound
		ans.data = map[string]any{"data": nil, "metadata": v.describe(sec, number)}
	}
	return ans, nil
}

type writeBody struct {
	Data    json.RawMessage `json:"data"`
	Options struct {
		CAS *int `json:"cas"`
	} `json:"options"`
}

func (s *Server) write(req *request, m *mount, key string) (*reply, error) {
	var body writeBody
	if err := req.decode(&body); err != nil {
		return nil, err
	}
	var fields map[string]json.RawMessage
	if len(body.Data) == 0 || bytes.Equal(body.Data, []byte("null")) {
		return nil, failf(http.StatusBadRequest, "no data provided")
	}
	if err := json.Unmarshal(body.Data, &fields); err != nil {
		return nil, failf(http.StatusBadRequest, "data is not an object")
	}
	return s.put(req, m, key, body)
}

// patch merges an object into the current version (RFC 7396, one level: a null takes a field away).
func (s *Server) patch(req *request, m *mount, key string) (*reply, error) {
	var body writeBody
	if err := req.decode(&body); err != nil {
		return nil, err
	}
	sec := m.Secrets[key]
	if sec == nil || sec.Versions[sec.Current] == nil {
		return nil, notFound()
	}
	if v := sec.Versions[sec.Current]; v.Destroyed || v.deleted(s.cfg.Now()) {
		return nil, notFound()
	}
	merged, err := mergePatch(sec.Versions[sec.Current].Data, body.Data)
	if err != nil {
		return nil, failf(http.StatusBadRequest, "data is not an object")
	}
	body.Data = merged
	return s.put(req, m, key, body)
}

// mergePatch is RFC 7396 on raw values, so that numbers stay as they were written.
func mergePatch(target, patch json.RawMessage) (json.RawMessage, error) {
	var changes, fields map[string]json.RawMessage
	if err := json.Unmarshal(patch, &changes); err != nil || changes == nil {
		return patch, err // not an object: it replaces the target
	}
	if json.Unmarshal(target, &fields) != nil || fields == nil {
		fields = map[string]json.RawMessage{}
	}
	for name, change := range changes {
		if string(change) == "null" {
			delete(fields, name)
			continue
		}
		if !strings.HasPrefix(string(change), "{") {
			fields[name] = change
			continue
		}
		merged, err := mergePatch(fields[name], change)
		if err != nil {
			return nil, err
		}
		fields[name] = merged
	}
	return json.Marshal(fields)
}

// put stores a new version if the check-and-set allows it, and drops the oldest beyond the limit.
func (s *Server) put(req *request, m *mount, key string, body writeBody) (*reply, error) {
	now := s.cfg.Now()
	sec := m.Secrets[key]
	if sec == nil {
		sec = &secret{Created: now, Versions: map[int]*version{}}
	}
	switch cas := body.Options.CAS; {
	case cas == nil && (m.Config.CASRequired || sec.CASRequired):
		return nil, failf(http.StatusBadRequest, "check-and-set parameter required for this call")
	case cas != nil && *cas != sec.Current:
		return nil, failf(http.StatusBadRequest, "check-and-set parameter did not match the current version")
	}
	v := &version{Data: body.Data, Created: now}
	if after := firstPositive(sec.DeleteAfter, m.Config.DeleteAfter); after > 0 {
		v.Deletion = now.Add(after)
	}
	sec.Current++
	sec.Updated = now
	sec.Versions[sec.Current] = v
	limit := firstPositive(sec.MaxVersions, m.Config.MaxVersions, defaultMaxVersions)
	if oldest := sec.Current - limit + 1; oldest > 1 {
		sec.Oldest = oldest
		maps.DeleteFunc(sec.Versions, func(n int, _ *version) bool { return n < oldest })
	}
	m.Secrets[key] = sec
	req.dirty = true
	return &reply{data: v.describe(sec, sec.Current)}, nil
}

func firstPositive[T int | time.Duration](values ...T) T {
	for _, v := range values {
		if v > 0 {
			return v
		}
	}
	return 0
}
