package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// jwtConfig says whose tokens a mount believes.
type jwtConfig struct {
	JWKSURL     string
	PubKeys     []string // PEM
	BoundIssuer string
	DefaultRole string
	Algorithms  []string
}

// jwtRole says which of them log in, and as what.
type jwtRole struct {
	BoundAudiences   []string
	BoundClaims      map[string][]string
	BoundClaimsType  string // "string" or "glob"
	BoundSubject     string
	UserClaim        string
	UserClaimPointer bool
	ClaimMappings    map[string]string
	Leeway           time.Duration
	Policies         []string
	TTL, MaxTTL      time.Duration
	Period           time.Duration
	ExplicitMax      time.Duration
	NoDefaultPolicy  bool
	Uses             int
}

// jwt answers auth/MOUNT/config and auth/MOUNT/role; login is answered without a token, see Server.login.
func (s *Server) jwt(req *request) (*reply, error) {
	mountPath, rest, _ := strings.Cut(strings.TrimPrefix(req.path, "auth/"), "/")
	a := s.state.Auths[mountPath+"/"]
	if a == nil {
		return nil, failf(http.StatusNotFound, "no handler for route %q. route entry not found.", req.path)
	}
	switch {
	case rest == "config" && req.op == capRead:
		if a.Config == nil {
			return nil, notFound()
		}
		return &reply{data: a.Config.describe()}, nil
	case rest == "config" && req.op == capUpdate:
		return nil, s.configureJWT(req, a)
	case (rest == "role/" || rest == "role") && req.op == capList:
		names := slices.Sorted(maps.Keys(a.Roles))
		if len(names) == 0 {
			return nil, notFound()
		}
		return &reply{data: map[string]any{"keys": names}}, nil
	case strings.HasPrefix(rest, "role/"):
		return s.role(req, a, strings.ToLower(strings.TrimPrefix(rest, "role/")))
	}
	return nil, unserved(req.path)
}

func (c *jwtConfig) describe() map[string]any {
	return map[string]any{
		"jwks_url": c.JWKSURL, "jwt_validation_pubkeys": c.PubKeys, "bound_issuer": c.BoundIssuer,
		"default_role": c.DefaultRole, "jwt_supported_algs": c.Algorithms,
	}
}

func (s *Server) configureJWT(req *request, a *authMount) error {
	var body struct {
		JWKSURL       string `json:"jwks_url"`
		JWKSCA        string `json:"jwks_ca_pem"`
		PubKeys       list   `json:"jwt_validation_pubkeys"`
		DiscoveryURL  string `json:"oidc_discovery_url"`
		BoundIssuer   string `json:"bound_issuer"`
		DefaultRole   string `json:"default_role"`
		SupportedAlgs list   `json:"jwt_supported_algs"`
	}
	if err := req.decode(&body); err != nil {
		return err
	}
	if body.DiscoveryURL != "" || body.JWKSCA != "" {
		return failf(http.StatusNotImplemented, "the embedded Vault has neither OIDC discovery nor a CA for the JWKS address")
	}
	c := &jwtConfig{
		JWKSURL: body.JWKSURL, PubKeys: body.PubKeys, BoundIssuer: body.BoundIssuer, DefaultRole: body.DefaultRole, Algorithms: body.SupportedAlgs,
	}
	if (c.JWKSURL == "") == (len(c.PubKeys) == 0) {
		return failf(http.StatusBadRequest, "exactly one of 'jwt_validation_pubkeys' or 'jwks_url' must be set")
	}
	// Asked at once, as Vault does, so that a wrong address is found by who writes it. It is a short call on this machine.
	ctx, cancel := context.WithTimeout(context.Background(), s.client.Timeout)
	defer cancel()
	if _, err := s.keysOf(ctx, c); err != nil {
		if c.JWKSURL != "" {
			return failf(http.StatusBadRequest, "error checking jwks URL")
		}
		return failf(http.StatusBadRequest, "error parsing public key: %v", err)
	}
	a.Config = c
	req.dirty = true
	return nil
}

// roleBody is the body of a role; token_ names came later than the others, which Vault still takes.
type roleBody struct {
	RoleType         string                     `json:"role_type"`
	BoundAudiences   list                       `json:"bound_audiences"`
	BoundClaims      map[string]json.RawMessage `json:"bound_claims"`
	BoundClaimsType  string                     `json:"bound_claims_type"`
	BoundSubject     string                     `json:"bound_subject"`
	UserClaim        string                     `json:"user_claim"`
	UserClaimPointer bool                       `json:"user_claim_json_pointer"`
	ClaimMappings    map[string]string          `json:"claim_mappings"`
	Leeway           duration                   `json:"clock_skew_leeway"`
	Policies         list                       `json:"token_policies"`
	OldPolicies      list                       `json:"policies"`
	TTL              duration                   `json:"token_ttl"`
	MaxTTL           duration                   `json:"token_max_ttl"`
	Period           duration                   `json:"token_period"`
	ExplicitMax      duration                   `json:"token_explicit_max_ttl"`
	NoDefaultPolicy  bool                       `json:"token_no_default_policy"`
	Uses             int                        `json:"token_num_uses"`
	TokenType        string                     `json:"token_type"`
}

func (s *Server) role(req *request, a *authMount, name string) (*reply, error) {
	switch req.op {
	case capRead:
		if role := a.Roles[name]; role != nil {
			return &reply{data: role.describe()}, nil
		}
		return nil, notFound()
	case capDelete:
		delete(a.Roles, name)
		req.dirty = true
		return nil, nil
	case capUpdate:
		var body roleBody
		if err := req.decode(&body); err != nil {
			return nil, err
		}
		role, err := body.role()
		if err != nil {
			return nil, err
		}
		a.Roles[name] = role
		req.dirty = true
		return nil, nil
	}
	return nil, unserved(req.path)
}

func (body *roleBody) role() (*jwtRole, error) {
	switch {
	case body.RoleType != "" && body.RoleType != "jwt":
		return nil, failf(http.StatusNotImplemented, "the embedded Vault has roles of type jwt only")
	case body.TokenType != "" && body.TokenType != "service" && body.TokenType != "default" && body.TokenType != "default-service":
		return nil, failf(http.StatusNotImplemented, "the embedded Vault has service tokens only, not %q", body.TokenType)
	case body.UserClaim == "":
		return nil, failf(http.StatusBadRequest, "a user claim must be defined on the role")
	case body.BoundClaimsType != "" && body.BoundClaimsType != "string" && body.BoundClaimsType != "glob":
		return nil, failf(http.StatusBadRequest, "invalid 'bound_claims_type': %s", body.BoundClaimsType)
	case len(body.BoundAudiences) == 0 && len(body.BoundClaims) == 0 && body.BoundSubject == "":
		return nil, failf(http.StatusBadRequest, "must have at least one bound constraint when creating/updating a role")
	}
	claims := map[string][]string{}
	for name, raw := range body.BoundClaims {
		var values list
		if err := json.Unmarshal(raw, &values); err != nil {
			return nil, failf(http.StatusBadRequest, "bound claim %q is neither a text nor a list of texts", name)
		}
		if len(values) == 0 {
			return nil, failf(http.StatusBadRequest, "bound claim %q has no value", name)
		}
		claims[name] = values
	}
	kind := body.BoundClaimsType
	if kind == "" {
		kind = "string"
	}
	policies := body.Policies
	if len(policies) == 0 {
		policies = body.OldPolicies
	}
	return &jwtRole{
		BoundAudiences: body.BoundAudiences, BoundClaims: claims, BoundClaimsType: kind, BoundSubject: body.BoundSubject,
		UserClaim: body.UserClaim, UserClaimPointer: body.UserClaimPointer, ClaimMappings: body.ClaimMappings,
		Leeway: time.Duration(body.Leeway), Policies: policies, TTL: time.Duration(body.TTL), MaxTTL: time.Duration(body.MaxTTL),
		Period: time.Duration(body.Period), ExplicitMax: time.Duration(body.ExplicitMax),
		NoDefaultPolicy: body.NoDefaultPolicy, Uses: body.Uses,
	}, nil
}

func (r *jwtRole) describe() map[string]any {
	return map[string]any{
		"role_type": "jwt", "bound_audiences": r.BoundAudiences, "bound_claims": r.BoundClaims, "bound_claims_type": r.BoundClaimsType,
		"bound_subject": r.BoundSubject, "user_claim": r.UserClaim, "user_claim_json_pointer": r.UserClaimPointer,
		"claim_mappings": r.ClaimMappings, "clock_skew_leeway": seconds(r.Leeway), "token_policies": r.Policies,
		"token_ttl": seconds(r.TTL), "token_max_ttl": seconds(r.MaxTTL), "token_period": seconds(r.Period),
		"token_explicit_max_ttl": seconds(r.ExplicitMax), "token_no_default_policy": r.NoDefaultPolicy,
		"token_num_uses": r.Uses, "token_type": "default-service",
	}
}

// login trades a JWT for a token. The keys are fetched without mu: nobody shall wait for another server.
func (s *Server) login(ctx context.Context, mountPath string, req *request) (*reply, error) {
	var body struct {
		Role string `json:"role"`
		JWT  string `json:"jwt"`
	}
	if err := req.decode(&body); err != nil {
		return nil, err
	}
	a, role, err := s.roleOf(mountPath, &body.Role)
	if err != nil {
		return nil, err
	}
	if body.JWT == "" {
		return nil, failf(http.StatusBadRequest, "missing token")
	}
	keys, err := s.keysOf(ctx, a.Config)
	if err != nil {
		return nil, failf(http.StatusBadRequest, "error validating token: %v", err)
	}
	user, meta, err := role.verify(a.Config, keys, body.JWT, s.cfg.Now())
	if err != nil {
		return nil, failf(http.StatusBadRequest, "%v", err)
	}
	meta["role"] = body.Role

	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return nil, sealed()
	}
	ttl := role.TTL
	if role.MaxTTL > 0 && (ttl == 0 || ttl > role.MaxTTL) {
		ttl = role.MaxTTL
	}
	t := &token{
		Policies: policySet(role.Policies, !role.NoDefaultPolicy), Meta: meta, DisplayName: strings.TrimSuffix(mountPath, "/") + "-" + user,
		Path: "auth/" + mountPath + "login", EntityID: entityID(a.Accessor, user), TTL: ttl, Period: role.Period,
		ExplicitMax: role.ExplicitMax, Renewable: true, Orphan: true, Uses: role.Uses,
	}
	if role.ExplicitMax == 0 {
		t.ExplicitMax = role.MaxTTL
	}
	s.issue(t)
	if err := s.save(); err != nil {
		return nil, err
	}
	return &reply{auth: s.authOf(t)}, nil
}

// roleOf finds what a login needs. Configurations and roles are replaced, never changed, so they may be used without mu.
func (s *Server) roleOf(mountPath string, name *string) (authMount, *jwtRole, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == nil {
		return authMount{}, nil, sealed()
	}
	a := s.state.Auths[mountPath]
	if a == nil {
		return authMount{}, nil, denied() // who has no token is not told which mounts there are
	}
	if a.Config == nil {
		return authMount{}, nil, failf(http.StatusBadRequest, "could not load configuration")
	}
	if *name == "" {
		*name = a.Config.DefaultRole
	}
	if *name == "" {
		return authMount{}, nil, failf(http.StatusBadRequest, "missing role")
	}
	role := a.Roles[strings.ToLower(*name)]
	if role == nil {
		return authMount{}, nil, failf(http.StatusBadRequest, "role %q could not be found", *name)
	}
	return *a, role, nil
}

// entityID is the same for every login of a user at a mount.
func entityID(accessor, user string) string {
	sum := sha256.Sum256([]byte(accessor + "/" + user))
	return hex.EncodeToString(sum[:16])
}
