package vault

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// defaultLeeway is how far clocks may differ, as in Vault.
const defaultLeeway = time.Minute

// signatures are the algorithms that a mount takes unless it names its own: all with a public key, and none without.
var signatures = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512, jose.PS256, jose.PS384, jose.PS512, jose.EdDSA,
}

// keysOf are the public keys of a mount. They are fetched at each login: a rotation must not wait for a cache.
func (s *Server) keysOf(ctx context.Context, c *jwtConfig) ([]jose.JSONWebKey, error) {
	if c.JWKSURL == "" {
		var keys []jose.JSONWebKey
		for _, text := range c.PubKeys {
			block, _ := pem.Decode([]byte(text))
			if block == nil {
				return nil, errors.New("a key is not PEM")
			}
			key, err := x509.ParsePKIXPublicKey(block.Bytes)
			if err != nil {
				return nil, err
			}
			keys = append(keys, jose.JSONWebKey{Key: key})
		}
		return keys, nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.JWKSURL, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetch keys: %s", resp.Status)
	}
	var set jose.JSONWebKeySet
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxBody)).Decode(&set); err != nil {
		return nil, fmt.Errorf("fetch keys: %w", err)
	}
	return set.Keys, nil
}

// verify checks a JWT against a mount and a role, and says who it is and what is known of them.
func (r *jwtRole) verify(c *jwtConfig, keys []jose.JSONWebKey, raw string, now time.Time) (user string, meta map[string]string, err error) {
	algs := signatures
	if len(c.Algorithms) > 0 {
		algs = nil
		for _, name := range c.Algorithms {
			if alg := jose.SignatureAlgorithm(name); slices.Contains(signatures, alg) {
				algs = append(algs, alg)
			}
		}
	}
	parsed, err := jwt.ParseSigned(raw, algs)
	if err != nil {
		return "", nil, fmt.Errorf("error validating token: %w", err)
	}
	var std jwt.Claims
	claims := map[string]any{}
	if !signedBy(parsed, keys, &std, &claims) {
		return "", nil, errors.New("error validating token: no known key successfully validated the token signature")
	}
	if err := r.checkStandard(c, std, now); err != nil {
		return "", nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(r.BoundClaims)) {
		values, ok := textsOf(claim(claims, name))
		if !ok {
			return "", nil, fmt.Errorf("error validating claims: claim %q is missing", name)
		}
		if !slices.ContainsFunc(values, func(v string) bool { return r.bound(name, v) }) {
			return "", nil, fmt.Errorf("error validating claims: claim %q does not match any associated bound claim values", name)
		}
	}
	value := claims[r.UserClaim]
	if r.UserClaimPointer {
		value = claim(claims, r.UserClaim)
	}
	user, ok := value.(string)
	if !ok {
		return "", nil, fmt.Errorf("claim %q not found in token", r.UserClaim)
	}
	meta = map[string]string{}
	for from, to := range r.ClaimMappings {
		if values, ok := textsOf(claim(claims, from)); ok {
			meta[to] = strings.Join(values, ",")
		}
	}
	return user, meta, nil
}

// signedBy tries the key that the token names, or all if it names none.
func signedBy(parsed *jwt.JSONWebToken, keys []jose.JSONWebKey, into ...any) bool {
	var kid string
	if len(parsed.Headers) > 0 {
		kid = parsed.Headers[0].KeyID
	}
	for _, key := range keys {
		if kid != "" && key.KeyID != "" && key.KeyID != kid {
			continue
		}
		if parsed.Claims(key.Key, into...) == nil {
			return true
		}
	}
	return false
}

// checkStandard checks times, issuer, audience and subject.
func (r *jwtRole) checkStandard(c *jwtConfig, std jwt.Claims, now time.Time) error {
	if std.Expiry == nil && std.NotBefore == nil && std.IssuedAt == nil {
		return errors.New("error validating token: no issue time, notBefore, or expiration time encoded in token")
	}
	leeway := r.Leeway
	if leeway <= 0 {
		leeway = defaultLeeway
	}
	if err := std.ValidateWithLeeway(jwt.Expected{Time: now}, leeway); err != nil {
		return fmt.Errorf("error validating token: %w", err)
	}
	switch {
	case c.BoundIssuer != "" && std.Issuer != c.BoundIssuer:
		return errors.New("error validating token: invalid issuer (iss) claim")
	case r.BoundSubject != "" && std.Subject != r.BoundSubject:
		return errors.New("error validating token: invalid subject (sub) claim")
	case len(r.BoundAudiences) == 0 && len(std.Audience) > 0:
		return errors.New("error validating token: audience claim found in JWT but no audiences bound to the role")
	case len(r.BoundAudiences) > 0 && !slices.ContainsFunc(r.BoundAudiences, std.Audience.Contains):
		return errors.New("error validating token: invalid audience (aud) claim: audience claim does not match any bound audience")
	}
	return nil
}

// bound says whether a claim's value is one of those that the role names.
func (r *jwtRole) bound(name, value string) bool {
	return slices.ContainsFunc(r.BoundClaims[name], func(want string) bool {
		if r.BoundClaimsType == "glob" {
			return globbed(want, value)
		}
		return want == value
	})
}

// globbed compares with a text in which each star stands for anything.
func globbed(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[last])
}

// claim looks a claim up by name, or by JSON pointer if the name begins with a slash.
func claim(claims map[string]any, name string) any {
	if !strings.HasPrefix(name, "/") {
		return claims[name]
	}
	var at any = claims
	for step := range strings.SplitSeq(name[1:], "/") {
		object, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(step)]
	}
	return at
}

// textsOf reads a claim that is a text, a truth, a number, or a list of them.
func textsOf(value any) ([]string, bool) {
	switch value := value.(type) {
	case string:
		return []string{value}, true
	case bool:
		return []string{strconv.FormatBool(value)}, true
	case float64:
		return []string{strconv.FormatFloat(value, 'f', -1, 64)}, true
	case []any:
		var all []string
		for _, v := range value {
			texts, ok := textsOf(v)
			if !ok {
				return nil, false
			}
			all = append(all, texts...)
		}
		return all, true
	}
	return nil, false
}
