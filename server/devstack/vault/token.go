package vault

import (
	"net/http"
	"slices"
	"strings"
	"time"

	vaultapi "github.com/hashicorp/vault/api"
)

func newTokenID() string { return "hvs." + newID(24) }

// tokenBody is the body of create.
type tokenBody struct {
	ID              string            `json:"id"`
	Policies        list              `json:"policies"`
	Meta            map[string]string `json:"meta"`
	NoParent        bool              `json:"no_parent"`
	NoDefaultPolicy bool              `json:"no_default_policy"`
	Renewable       *bool             `json:"renewable"`
	TTL             duration          `json:"ttl"`
	Period          duration          `json:"period"`
	ExplicitMaxTTL  duration          `json:"explicit_max_ttl"`
	DisplayName     string            `json:"display_name"`
	NumUses         int               `json:"num_uses"`
	Type            string            `json:"type"`
}

// tokens answers auth/token/.
func (s *Server) tokens(req *request) (*reply, error) {
	var other struct {
		Token     string   `json:"token"`
		Increment duration `json:"increment"`
	}
	switch name := strings.TrimPrefix(req.path, "auth/token/"); name {
	case "create", "create-orphan":
		if req.op == capUpdate {
			return s.createToken(req, name == "create-orphan")
		}
	case "lookup-self":
		if req.op == capRead || req.op == capUpdate {
			return s.lookup(req.token), nil
		}
	case "renew-self", "revoke-self":
		if req.op != capUpdate {
			break
		}
		if err := req.decode(&other); err != nil {
			return nil, err
		}
		if name == "renew-self" {
			return s.renew(req, req.token, time.Duration(other.Increment))
		}
		s.state.revoke(req.token.ID, s.cfg.Now())
		req.dirty = true
		return nil, nil
	case "lookup", "renew", "revoke":
		if req.op != capUpdate {
			break
		}
		if err := req.decode(&other); err != nil {
			return nil, err
		}
		t, ok := s.state.Tokens[other.Token]
		if !ok || t.expired(s.cfg.Now()) {
			if name == "revoke" {
				return nil, nil // gone already is as wanted
			}
			return nil, failf(http.StatusForbidden, "bad token")
		}
		switch name {
		case "lookup":
			return s.lookup(t), nil
		case "renew":
			return s.renew(req, t, time.Duration(other.Increment))
		}
		s.state.revoke(t.ID, s.cfg.Now())
		req.dirty = true
		return nil, nil
	}
	return nil, unserved(req.path)
}

func (s *Server) createToken(req *request, orphan bool) (*reply, error) {
	var body tokenBody
	if err := req.decode(&body); err != nil {
		return nil, err
	}
	if body.Type != "" && body.Type != "service" {
		return nil, failf(http.StatusNotImplemented, "the embedded Vault has service tokens only, not %q", body.Type)
	}
	parent := req.token
	sudo := req.acl.allows(req.path, capSudo)
	if (body.NoParent || body.ID != "" || body.Period > 0) && !sudo {
		return nil, failf(http.StatusBadRequest, "root or sudo privileges required to set no_parent, id or period")
	}
	if body.ID != "" && (strings.HasPrefix(body.ID, "hvs.") || s.state.Tokens[body.ID] != nil) {
		return nil, failf(http.StatusBadRequest, "cannot create a token with this id")
	}
	policies := slices.Clone(body.Policies)
	if len(policies) == 0 {
		policies = slices.Clone(parent.Policies)
	}
	policies = policySet(policies, !body.NoDefaultPolicy)
	if !sudo {
		for _, p := range policies {
			if p != "default" && !slices.Contains(parent.Policies, p) {
				return nil, failf(http.StatusBadRequest, "child policies must be subset of parent")
			}
		}
	}
	if slices.Contains(policies, rootPolicy) && !slices.Contains(parent.Policies, rootPolicy) {
		return nil, failf(http.StatusBadRequest, "root tokens may not be created without parent token being root")
	}
	t := &token{
		ID: body.ID, Policies: policies, Meta: body.Meta, DisplayName: "token", Path: req.path,
		TTL: time.Duration(body.TTL), Period: time.Duration(body.Period), ExplicitMax: time.Duration(body.ExplicitMaxTTL),
		Renewable: body.Renewable == nil || *body.Renewable, Orphan: orphan || body.NoParent, Uses: body.NumUses,
	}
	if body.DisplayName != "" {
		t.DisplayName = "token-" + body.DisplayName
	}
	if !t.Orphan {
		t.Parent = parent.ID
	}
	s.issue(t)
	req.dirty = true
	return &reply{auth: s.authOf(t)}, nil
}

// policySet is how Vault keeps policies: lower case, sorted, each once, and default among them unless that is unwanted.
func policySet(policies []string, withDefault bool) []string {
	var set []string
	for _, p := range policies {
		set = append(set, strings.ToLower(strings.TrimSpace(p)))
	}
	if slices.Contains(set, rootPolicy) {
		return []string{rootPolicy}
	}
	if withDefault {
		set = append(set, "default")
	}
	slices.Sort(set)
	return slices.Compact(set)
}

// issue completes a token and stores it. A root token without a TTL never expires; others live for systemTTL at most.
func (s *Server) issue(t *token) {
	now := s.cfg.Now()
	if t.ID == "" {
		t.ID = newTokenID()
	}
	t.Accessor, t.Created, t.Issued = newID(24), now, now
	isRoot := slices.Contains(t.Policies, rootPolicy)
	if t.Period > 0 {
		t.TTL = t.Period
	}
	if t.TTL == 0 && !isRoot {
		t.TTL = systemTTL
	}
	if t.Period == 0 {
		t.TTL = min(t.TTL, systemTTL)
	}
	if t.ExplicitMax > 0 {
		t.TTL = min(t.TTL, t.ExplicitMax)
	}
	if t.TTL > 0 {
		t.Expires = now.Add(t.TTL)
	} else {
		t.Renewable = false
	}
	s.state.Tokens[t.ID] = t
}

// renew moves a token's end: by its period, or by the increment up to the longest life it may have.
func (s *Server) renew(req *request, t *token, increment time.Duration) (*reply, error) {
	switch {
	case t.Expires.IsZero():
		return nil, failf(http.StatusBadRequest, "invalid lease ID")
	case !t.Renewable:
		return nil, failf(http.StatusBadRequest, "lease is not renewable")
	}
	now := s.cfg.Now()
	if increment <= 0 {
		increment = t.TTL
	}
	if t.Period > 0 {
		increment = t.Period
	}
	end := now.Add(increment)
	if t.Period == 0 {
		end = earlier(end, t.Created.Add(systemTTL))
	}
	if t.ExplicitMax > 0 {
		end = earlier(end, t.Created.Add(t.ExplicitMax))
	}
	t.Expires, t.Issued = end, now
	req.dirty = true
	return &reply{auth: s.authOf(t)}, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// revoke removes a token and those it made, and ends their leases.
func (st *state) revoke(id string, now time.Time) {
	delete(st.Tokens, id)
	st.endLeases(now, func(l *lease) bool { return l.Token == id })
	for child, t := range st.Tokens {
		if t.Parent == id {
			st.revoke(child, now)
		}
	}
}

func (s *Server) authOf(t *token) *vaultapi.SecretAuth {
	lease := 0
	if !t.Expires.IsZero() {
		lease = seconds(t.Expires.Sub(t.Issued)) // what was given, not what is left of it by now
	}
	return &vaultapi.SecretAuth{
		ClientToken: t.ID, Accessor: t.Accessor, Policies: t.Policies, TokenPolicies: t.Policies, Metadata: t.Meta,
		Orphan: t.Orphan, EntityID: t.EntityID, LeaseDuration: lease, Renewable: t.Renewable,
	}
}

func (s *Server) lookup(t *token) *reply {
	now := s.cfg.Now()
	data := map[string]any{
		"id": t.ID, "accessor": t.Accessor, "policies": t.Policies, "meta": t.Meta, "display_name": t.DisplayName, "path": t.Path,
		"entity_id": t.EntityID, "creation_time": t.Created.Unix(), "creation_ttl": seconds(t.TTL), "ttl": t.left(now),
		"expire_time": nil, "explicit_max_ttl": seconds(t.ExplicitMax), "num_uses": t.Uses, "orphan": t.Orphan,
		"renewable": t.Renewable, "type": "service",
	}
	if !t.Expires.IsZero() {
		data["expire_time"], data["issue_time"] = stamp(t.Expires), stamp(t.Issued)
	}
	if t.Period > 0 {
		data["period"] = seconds(t.Period)
	}
	return &reply{data: data}
}
