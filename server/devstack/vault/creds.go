package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

const (
	alphabet       = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	passwordLength = 20
	longestName    = 63 // of a role of PostgreSQL
)

// random is text of n of these letters.
func random(n int, letters string) string {
	text := make([]byte, n)
	size := big.NewInt(int64(len(letters)))
	for i := range text {
		k, _ := rand.Int(rand.Reader, size) // never fails, see crypto/rand
		text[i] = letters[k.Int64()]
	}
	return string(text)
}

// newPassword has a letter of each kind, as rules of databases want it.
func newPassword() string {
	for {
		p := random(passwordLength, alphabet+"-")
		if strings.ContainsAny(p, alphabet[:26]) && strings.ContainsAny(p, alphabet[26:52]) && strings.ContainsAny(p, alphabet[52:]) && strings.Contains(p, "-") {
			return p
		}
	}
}

var unusual = regexp.MustCompile(`[^a-zA-Z0-9_.-]`)

// newUsername is v-TOKEN-ROLE-RANDOM-TIME as Vault makes it. It is put between quotes in SQL, and the name of a token
// may come from outside: what is unusual in it becomes a dash.
func newUsername(tokenName, role string, now time.Time) string {
	part := func(s string) string { return unusual.ReplaceAllString(s[:min(len(s), 8)], "-") }
	name := fmt.Sprintf("v-%s-%s-%s-%d", part(tokenName), part(role), random(20, alphabet), now.Unix())
	return name[:min(len(name), longestName)]
}

func (c *connection) allows(role string) bool {
	return slices.ContainsFunc(c.Allowed, func(pattern string) bool {
		before, after, star := strings.Cut(pattern, "*")
		if !star {
			return pattern == role
		}
		return strings.HasPrefix(role, before) && strings.HasSuffix(role, after) && len(role) >= len(before)+len(after)
	})
}

// creds answers MOUNT/creds/ROLE with a user made for this call, and the lease that ends it. The lease is saved before
// the user is made: whatever is cut off in between leaves a lease, whose end removes the user.
func (s *Server) creds(req *request, m *mount, mountPath, name string) (*reply, error) {
	role := m.Roles[name]
	if role == nil {
		return nil, failf(http.StatusBadRequest, "unknown role: %s", name)
	}
	c := m.Connections[role.Database]
	switch {
	case c == nil:
		return nil, internal("failed to find entry for connection with name: %q", role.Database)
	case !c.allows(name):
		return nil, internal("%q is not an allowed role", name)
	case len(role.Creation) == 0:
		return nil, internal("empty creation statements")
	}
	now := s.cfg.Now()
	ttl, warnings, err := role.ttl(m, 0, now, now)
	if err != nil {
		return nil, err
	}
	l := &lease{
		ID: path.Join(req.path, random(24, alphabet)), Mount: mountPath, Role: name, Database: role.Database, Revocation: role.Revocation,
		Username: newUsername(req.token.DisplayName, name, now), Token: req.token.ID, Issued: now, Expires: now.Add(ttl), Issuing: true,
	}
	s.state.Leases[l.ID] = l
	release := s.grab(l.ID) // a new id is nobody's
	req.dirty = true
	req.cut = func() {
		_ = s.look(func() error { delete(s.state.Leases, l.ID); return nil }) // sealed is as good
		release()
	}
	req.after = func(context.Context) (*reply, error) {
		defer s.hurry() // it may have ended already
		defer release()
		password := newPassword()
		failed := c.createUser(role.Creation, l.Username, password, l.Expires)
		var ended bool
		err := s.change(func() error {
			kept := s.state.Leases[l.ID]
			if kept == nil {
				ended = true
				return nil
			}
			kept.Issuing = false
			said, answered := errors.AsType[*pgconn.PgError](failed)
			_, away := errors.AsType[unreached](failed)
			switch {
			case away, answered && said.Severity == "ERROR":
				delete(s.state.Leases, l.ID) // the transaction is undone, or was never begun
			case failed != nil:
				kept.end(s.cfg.Now()) // it may have been committed
			}
			ended = kept.Ended
			return nil
		})
		switch {
		case err != nil:
			return nil, err
		case failed != nil:
			return nil, internal("%v", failed)
		case ended:
			// Its token, or the mount, went while the user was made.
			return nil, failf(http.StatusBadRequest, "Secret cannot be returned; its token has ended, so leased credentials were immediately revoked.")
		}
		return &reply{
			data: map[string]any{"username": l.Username, "password": password}, warnings: warnings,
			lease: &leased{ID: l.ID, Renewable: true, Seconds: seconds(ttl)},
		}, nil
	}
	return nil, nil
}
