package vault

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

const systemTTL = 768 * time.Hour

// badRequest gives an error that has no status of its own the status 400.
func badRequest(err error) error {
	if _, ok := errors.AsType[*failure](err); ok {
		return err
	}
	return failf(http.StatusBadRequest, "%v", err)
}

// mountOf finds the engine of a path and the rest of the path below it.
func (st *state) mountOf(path string) (m *mount, rest string) {
	for prefix, candidate := range st.Mounts {
		if below, ok := strings.CutPrefix(path, prefix); ok {
			return candidate, below // no mount lies below another
		}
	}
	return nil, ""
}

// kind is the type as it is shown, and the options that go with it.
func (m *mount) kind() (string, map[string]string) {
	if m.Type == databaseType {
		return m.Type, map[string]string{}
	}
	return "kv", map[string]string{"version": "2"}
}

func (m *mount) describe() map[string]any {
	kind, options := m.kind()
	return map[string]any{
		"type": kind, "description": m.Description, "accessor": m.Accessor, "uuid": m.UUID, "options": options,
		"config": mountConfig(m.DefaultTTL, m.MaxTTL), "local": false, "seal_wrap": false, "external_entropy_access": false,
	}
}

func (s *Server) mounts() *reply {
	data := map[string]any{"sys/": map[string]any{
		"type": "system", "description": "system endpoints used for control, policy and debugging", "accessor": "system_embedded",
		"options": nil, "config": mountConfig(0, 0), "local": false, "seal_wrap": true, "external_entropy_access": false,
	}}
	for path, m := range s.state.Mounts {
		data[path] = m.describe()
	}
	return &reply{data: data, flat: true}
}

// mountBody is the body of enabling and tuning.
type mountBody struct {
	Type        string            `json:"type"`
	Description *string           `json:"description"`
	Options     map[string]string `json:"options"`
	Config      struct {
		DefaultTTL duration `json:"default_lease_ttl"`
		MaxTTL     duration `json:"max_lease_ttl"`
	} `json:"config"`
	DefaultTTL *duration `json:"default_lease_ttl"`
	MaxTTL     *duration `json:"max_lease_ttl"`
}

// mount answers sys/mounts/PATH and sys/mounts/PATH/tune.
func (s *Server) mount(req *request, path string) (*reply, error) {
	path, tune := strings.CutSuffix(strings.TrimSuffix(path, "/"), "/tune")
	path += "/"
	m, found := s.state.Mounts[path]
	var body mountBody
	if err := req.decode(&body); err != nil {
		return nil, err
	}
	switch {
	case tune && !found:
		return nil, failf(http.StatusBadRequest, "cannot fetch sysview for path %q", path)
	case tune && req.op == capRead:
		data := mountConfig(systemTTL, systemTTL)
		if m.DefaultTTL > 0 {
			data["default_lease_ttl"] = seconds(m.DefaultTTL)
		}
		if m.MaxTTL > 0 {
			data["max_lease_ttl"] = seconds(m.MaxTTL)
		}
		data["description"] = m.Description
		_, data["options"] = m.kind()
		return &reply{data: data, flat: true}, nil
	case tune && req.op == capUpdate:
		if v := body.Options["version"]; v != "" && v != "2" {
			return nil, failf(http.StatusBadRequest, "cannot downgrade mount to version %q", v)
		}
		m.tune(body)
		req.dirty = true
		return nil, nil
	case tune:
		return nil, unserved(req.path)
	case req.op == capRead && !found:
		return nil, failf(http.StatusBadRequest, "No secret engine mount at %s", path)
	case req.op == capRead:
		return &reply{data: m.describe(), flat: true}, nil
	case req.op == capUpdate:
		return nil, s.enable(req, path, body)
	case req.op == capDelete:
		return s.disable(req, path)
	}
	return nil, unserved(req.path)
}

func (m *mount) tune(body mountBody) {
	if body.Description != nil {
		m.Description = *body.Description
	}
	if body.DefaultTTL != nil {
		m.DefaultTTL = time.Duration(*body.DefaultTTL)
	}
	if body.MaxTTL != nil {
		m.MaxTTL = time.Duration(*body.MaxTTL)
	}
}

func (s *Server) enable(req *request, path string, body mountBody) error {
	switch {
	case body.Type == databaseType:
	case body.Type == "kv-v2", body.Type == "kv" && body.Options["version"] == "2":
	case body.Type == "kv":
		return failf(http.StatusNotImplemented, "the embedded Vault has version 2 of kv only: set the option version")
	default:
		return failf(http.StatusBadRequest, "plugin not found in the catalog: %s", body.Type)
	}
	for _, reserved := range []string{"sys/", "auth/", "identity/", "cubbyhole/"} {
		if strings.HasPrefix(path, reserved) {
			return failf(http.StatusBadRequest, "cannot mount %q: the path is reserved", path)
		}
	}
	for old := range s.state.Mounts {
		if strings.HasPrefix(old, path) || strings.HasPrefix(path, old) {
			return failf(http.StatusBadRequest, "path is already in use at %s", old)
		}
	}
	m := &mount{
		Accessor: "kv_" + newID(8), UUID: newID(32), Secrets: map[string]*secret{}, Connections: map[string]*connection{}, Roles: map[string]*databaseRole{},
		DefaultTTL: time.Duration(body.Config.DefaultTTL), MaxTTL: time.Duration(body.Config.MaxTTL),
	}
	if body.Type == databaseType {
		m.Type, m.Accessor = databaseType, databaseType+"_"+newID(8)
	}
	m.tune(body)
	s.state.Mounts[path] = m
	req.dirty = true
	return nil
}

// uiMount says what a path's mount is: the question by which clients tell version 2 of kv from version 1.
func (s *Server) uiMount(req *request) (*reply, error) {
	path := strings.TrimPrefix(req.path, "sys/internal/ui/mounts/")
	full := strings.TrimSuffix(path, "/") + "/"
	for prefix, m := range s.state.Mounts {
		if strings.HasPrefix(full, prefix) && req.acl.sees(prefix) {
			data := m.describe()
			data["path"] = prefix
			return &reply{data: data}, nil
		}
	}
	return nil, failf(http.StatusForbidden,
		"preflight capability check returned 403, please ensure client's policies grant access to path %q", full)
}

func (a *authMount) describe() map[string]any {
	return map[string]any{
		"type": "jwt", "description": a.Description, "accessor": a.Accessor, "uuid": a.UUID, "options": map[string]string{},
		"config": mountConfig(0, 0), "local": false, "seal_wrap": false, "external_entropy_access": false,
	}
}

func (s *Server) auths() *reply {
	data := map[string]any{"token/": map[string]any{
		"type": "token", "description": "token based credentials", "accessor": "auth_token_embedded", "options": nil,
		"config": mountConfig(0, 0), "local": false, "seal_wrap": false, "external_entropy_access": false,
	}}
	for path, a := range s.state.Auths {
		data[path] = a.describe()
	}
	return &reply{data: data, flat: true}
}

// auth answers sys/auth/PATH.
func (s *Server) auth(req *request, path string) (*reply, error) {
	path = strings.TrimSuffix(path, "/") + "/"
	a, found := s.state.Auths[path]
	switch req.op {
	case capRead:
		if !found {
			return nil, failf(http.StatusBadRequest, "No auth engine at %s", path)
		}
		return &reply{data: a.describe(), flat: true}, nil
	case capDelete:
		delete(s.state.Auths, path)
		req.dirty = true
		return nil, nil
	case capUpdate:
		var body mountBody
		if err := req.decode(&body); err != nil {
			return nil, err
		}
		if body.Type != "jwt" {
			return nil, failf(http.StatusBadRequest, "plugin not found in the catalog: %s", body.Type)
		}
		if found || path == "token/" || strings.Count(path, "/") > 1 {
			return nil, failf(http.StatusBadRequest, "path is already in use at %s", path)
		}
		a = &authMount{Accessor: "auth_jwt_" + newID(8), UUID: newID(32), Roles: map[string]*jwtRole{}}
		if body.Description != nil {
			a.Description = *body.Description
		}
		s.state.Auths[path] = a
		req.dirty = true
		return nil, nil
	}
	return nil, unserved(req.path)
}
