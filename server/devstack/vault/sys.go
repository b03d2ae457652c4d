package vault

import (
	"encoding/base64"
	"encoding/hex"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// open answers what needs no token and works while sealed.
func (s *Server) open(req *request) (ans *reply, err error, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case req.path == "sys/health" && req.op == capRead:
		return s.health(req), nil, true
	case req.path == "sys/seal-status" && req.op == capRead:
		return s.sealStatus(), nil, true
	case req.path == "sys/leader" && req.op == capRead:
		return &reply{bare: true, data: map[string]any{"ha_enabled": false}}, nil, true
	case req.path == "sys/init" && req.op == capRead:
		return &reply{bare: true, data: map[string]any{"initialized": s.initialized}}, nil, true
	case req.path == "sys/init" && req.op == capUpdate:
		ans, err = s.init(req)
		return ans, err, true
	case req.path == "sys/unseal" && req.op == capUpdate:
		ans, err = s.unseal(req)
		return ans, err, true
	}
	return nil, nil, false
}

// health answers in the status code; the caller may choose the codes.
func (s *Server) health(req *request) *reply {
	status := func(param string, otherwise int) int {
		if n, err := strconv.Atoi(req.query.Get(param)); err == nil {
			return n
		}
		return otherwise
	}
	sealed := s.state == nil
	data := map[string]any{
		"initialized": s.initialized, "sealed": sealed, "standby": sealed, "version": apiVersion,
		"performance_standby": false, "replication_performance_mode": "disabled", "replication_dr_mode": "disabled",
		"server_time_utc": s.cfg.Now().Unix(),
	}
	code := status("activecode", http.StatusOK)
	switch {
	case !s.initialized:
		code = status("uninitcode", http.StatusNotImplemented)
	case sealed:
		code = status("sealedcode", http.StatusServiceUnavailable)
	default:
		data["cluster_name"], data["cluster_id"] = "embedded", s.state.ClusterID
	}
	return &reply{status: code, bare: true, data: data}
}

func (s *Server) sealStatus() *reply {
	shares := 0
	if s.initialized {
		shares = 1
	}
	data := map[string]any{
		"type": "shamir", "initialized": s.initialized, "sealed": s.state == nil, "t": shares, "n": shares, "progress": 0,
		"nonce": "", "version": apiVersion, "migration": false, "recovery_seal": false, "storage_type": "file",
	}
	if s.state != nil {
		data["cluster_name"], data["cluster_id"] = "embedded", s.state.ClusterID
	}
	return &reply{bare: true, data: data}
}

// init makes the key share and the root token, and seals, as a real Vault does.
func (s *Server) init(req *request) (*reply, error) {
	if s.initialized {
		return nil, failf(http.StatusBadRequest, "Vault is already initialized")
	}
	body := struct {
		Shares    int `json:"secret_shares"`
		Threshold int `json:"secret_threshold"`
	}{1, 1}
	if err := req.decode(&body); err != nil {
		return nil, err
	}
	if body.Shares != 1 || body.Threshold != 1 {
		return nil, failf(http.StatusNotImplemented, "the embedded Vault has one key share: secret_shares and secret_threshold must be 1")
	}
	now := s.cfg.Now()
	root := &token{
		ID: newTokenID(), Accessor: newID(24), Policies: []string{rootPolicy}, DisplayName: "root", Path: "auth/token/root",
		Created: now, Issued: now, Orphan: true,
	}
	st := newState(newID(32))
	st.Tokens[root.ID] = root
	key := newKey()
	sealed, err := seal(key, st)
	if err != nil {
		return nil, err
	}
	// The share first: a state without its key could never be opened again.
	if err := writeFile(s.path(keyFile), []byte(hex.EncodeToString(key)+"\n")); err != nil {
		return nil, err
	}
	if err := writeFile(s.path(stateFile), sealed); err != nil {
		return nil, err
	}
	s.initialized = true
	return &reply{bare: true, data: map[string]any{
		"keys": []string{hex.EncodeToString(key)}, "keys_base64": []string{base64.StdEncoding.EncodeToString(key)}, "root_token": root.ID,
	}}, nil
}

func (s *Server) unseal(req *request) (*reply, error) {
	var body struct {
		Key   string `json:"key"`
		Reset bool   `json:"reset"`
	}
	if err := req.decode(&body); err != nil {
		return nil, err
	}
	if body.Reset || s.state != nil {
		return s.sealStatus(), nil
	}
	if !s.initialized {
		return nil, failf(http.StatusBadRequest, "Vault is not initialized")
	}
	if body.Key == "" {
		return nil, failf(http.StatusBadRequest, "'key' must be specified in request body as JSON, or 'reset' set to true")
	}
	key, err := parseKey(body.Key)
	if err != nil {
		return nil, failf(http.StatusBadRequest, "%v", err)
	}
	sealed, err := readOptional(s.path(stateFile))
	if err != nil {
		return nil, err
	}
	st, err := unseal(key, sealed)
	if err != nil {
		return nil, failf(http.StatusBadRequest, "%v", err)
	}
	s.key, s.state = key, st
	s.state.adopt(s.cfg.Now())
	s.hurry()
	return s.sealStatus(), nil
}

// sys answers sys/ for a token that may call it.
func (s *Server) sys(req *request) (*reply, error) {
	path := strings.TrimPrefix(req.path, "sys/")
	switch {
	case path == "seal" && req.op == capUpdate:
		if err := s.save(); err != nil {
			return nil, err
		}
		s.key, s.state, req.dirty = nil, nil, false
		return nil, nil
	case path == "capabilities-self" && req.op == capUpdate:
		return s.capabilitiesSelf(req)
	case path == "policies/acl/" && req.op == capList, path == "policies/acl" && req.op == capRead:
		return &reply{data: map[string]any{"keys": slices.Sorted(maps.Keys(s.policies()))}}, nil
	case strings.HasPrefix(path, "policies/acl/"):
		return s.policy(req, strings.ToLower(strings.TrimPrefix(path, "policies/acl/")))
	case path == "mounts" && req.op == capRead:
		return s.mounts(), nil
	case strings.HasPrefix(path, "mounts/"):
		return s.mount(req, strings.TrimPrefix(path, "mounts/"))
	case strings.HasPrefix(path, "leases/"):
		return s.leases(req, strings.TrimPrefix(path, "leases/"))
	case path == "auth" && req.op == capRead:
		return s.auths(), nil
	case strings.HasPrefix(path, "auth/"):
		return s.auth(req, strings.TrimPrefix(path, "auth/"))
	}
	return nil, unserved(req.path)
}

func (s *Server) capabilitiesSelf(req *request) (*reply, error) {
	var body struct {
		Paths list `json:"paths"`
		Path  list `json:"path"`
	}
	if err := req.decode(&body); err != nil {
		return nil, err
	}
	paths := append(body.Paths, body.Path...)
	if len(paths) == 0 {
		return nil, failf(http.StatusBadRequest, "paths must be supplied")
	}
	data := map[string]any{}
	for _, path := range paths {
		caps := slices.Clone(req.acl.capsOf(path, false))
		if len(caps) == 0 {
			caps = []string{capDeny}
		}
		slices.Sort(caps)
		data[path] = slices.Compact(caps)
		if len(paths) == 1 {
			data["capabilities"] = data[path]
		}
	}
	return &reply{data: data, flat: true}, nil
}

// policies are all policies by name, with root, which has no text.
func (s *Server) policies() map[string]string {
	all := maps.Clone(s.state.Policies)
	all[rootPolicy] = ""
	return all
}

func (s *Server) policy(req *request, name string) (*reply, error) {
	switch req.op {
	case capRead:
		text, ok := s.policies()[name]
		if !ok {
			return nil, notFound()
		}
		return &reply{data: map[string]any{"name": name, "policy": text}}, nil
	case capUpdate:
		var body struct {
			Policy string `json:"policy"`
		}
		if err := req.decode(&body); err != nil {
			return nil, err
		}
		if name == rootPolicy {
			return nil, failf(http.StatusBadRequest, "cannot update %q policy", name)
		}
		if body.Policy == "" {
			return nil, failf(http.StatusBadRequest, "'policy' parameter not supplied or empty")
		}
		if raw, err := base64.StdEncoding.DecodeString(body.Policy); err == nil {
			body.Policy = string(raw)
		}
		if _, err := parsePolicy(body.Policy); err != nil {
			return nil, badRequest(err)
		}
		s.state.Policies[name] = body.Policy
		req.dirty = true
		return nil, nil
	case capDelete:
		if name == rootPolicy || name == "default" {
			return nil, failf(http.StatusBadRequest, "cannot delete %q policy", name)
		}
		delete(s.state.Policies, name)
		req.dirty = true
		return nil, nil
	}
	return nil, unserved(req.path)
}

// mountConfig is the part of a mount's description that says how long its leases are.
func mountConfig(defaultTTL, maxTTL time.Duration) map[string]any {
	return map[string]any{"default_lease_ttl": seconds(defaultTTL), "max_lease_ttl": seconds(maxTTL), "force_no_cache": false}
}
