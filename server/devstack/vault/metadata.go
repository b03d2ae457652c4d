package vault

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// configBody is the body of a mount's config and of a key's metadata; what is left out stays.
type configBody struct {
	MaxVersions *int              `json:"max_versions"`
	CASRequired *bool             `json:"cas_required"`
	DeleteAfter *duration         `json:"delete_version_after"`
	Custom      map[string]string `json:"custom_metadata"`
}

func (c *kvConfig) change(body configBody) {
	if body.MaxVersions != nil {
		c.MaxVersions = *body.MaxVersions
	}
	if body.CASRequired != nil {
		c.CASRequired = *body.CASRequired
	}
	if body.DeleteAfter != nil {
		c.DeleteAfter = max(time.Duration(*body.DeleteAfter), 0)
	}
}

func (c *kvConfig) describe() map[string]any {
	return map[string]any{"max_versions": c.MaxVersions, "cas_required": c.CASRequired, "delete_version_after": c.DeleteAfter.String()}
}

// config answers MOUNT/config.
func (m *mount) config(req *request) (*reply, error) {
	switch req.op {
	case capRead:
		return &reply{data: m.Config.describe()}, nil
	case capUpdate:
		var body configBody
		if err := req.decode(&body); err != nil {
			return nil, err
		}
		m.Config.change(body)
		req.dirty = true
		return nil, nil
	}
	return nil, unserved(req.path)
}

// metadata answers MOUNT/metadata/KEY.
func (s *Server) metadata(req *request, m *mount, key string) (*reply, error) {
	if req.op == capList {
		keys := m.list(key)
		if len(keys) == 0 {
			return nil, notFound()
		}
		return &reply{data: map[string]any{"keys": keys}}, nil
	}
	sec := m.Secrets[key]
	switch req.op {
	case capRead:
		if sec == nil {
			return nil, notFound()
		}
		return &reply{data: sec.metadata()}, nil
	case capDelete:
		delete(m.Secrets, key)
		req.dirty = true
		return nil, nil
	case capUpdate, capPatch:
		if key == "" || (sec == nil && req.op == capPatch) {
			return nil, notFound()
		}
		body, err := customOf(req, sec)
		if err != nil {
			return nil, err
		}
		now := s.cfg.Now()
		if sec == nil {
			sec = &secret{Created: now, Versions: map[int]*version{}}
			m.Secrets[key] = sec
		}
		sec.change(body)
		if body.Custom != nil {
			sec.Custom = body.Custom
		}
		sec.MetaVersion++
		sec.Updated = now
		req.dirty = true
		return nil, nil
	}
	return nil, unserved(req.path)
}

// customOf reads the body; a patch changes single fields of the custom metadata, of which null takes one away.
func customOf(req *request, sec *secret) (configBody, error) {
	var body configBody
	if req.op == capUpdate {
		return body, req.decode(&body)
	}
	var patch struct {
		Custom map[string]*string `json:"custom_metadata"`
	}
	if err := req.decode(&patch); err != nil {
		return body, err
	}
	var rest map[string]json.RawMessage
	if err := req.decode(&rest); err != nil {
		return body, err
	}
	delete(rest, "custom_metadata")
	raw, err := json.Marshal(rest)
	if err != nil {
		return body, err
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		return body, failf(http.StatusBadRequest, "%v", err)
	}
	if patch.Custom != nil {
		body.Custom = maps.Clone(sec.Custom)
		if body.Custom == nil {
			body.Custom = map[string]string{}
		}
		for name, value := range patch.Custom {
			if value == nil {
				delete(body.Custom, name)
				continue
			}
			body.Custom[name] = *value
		}
	}
	return body, nil
}

func (sec *secret) metadata() map[string]any {
	versions := map[string]any{}
	for n, v := range sec.Versions {
		versions[strconv.Itoa(n)] = map[string]any{
			"created_time": stamp(v.Created), "deletion_time": stamp(v.Deletion), "destroyed": v.Destroyed,
		}
	}
	data := sec.describe()
	maps.Copy(data, map[string]any{
		"created_time": stamp(sec.Created), "updated_time": stamp(sec.Updated), "current_version": sec.Current,
		"oldest_version": sec.Oldest, "current_metadata_version": sec.MetaVersion, "custom_metadata": sec.Custom, "versions": versions,
	})
	return data
}

// list names what lies in a folder: keys, and folders with their slash.
func (m *mount) list(folder string) []string {
	names := map[string]bool{}
	for key := range m.Secrets {
		rest, ok := strings.CutPrefix(key, folder)
		if !ok || rest == "" {
			continue
		}
		if i := strings.Index(rest, "/"); i >= 0 {
			rest = rest[:i+1]
		}
		names[rest] = true
	}
	return slices.Sorted(maps.Keys(names))
}
