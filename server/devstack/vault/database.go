package vault

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

const postgresPlugin = "postgresql-database-plugin"

// connection is how a database engine reaches one PostgreSQL. It is replaced, never changed: work uses it without mu.
type connection struct {
	URL      string // with {{username}} and {{password}}
	Username string
	Password string
	Next     string // a password that a rotation has begun to set
	Allowed  []string
	Rotation []string
	Limits   map[string]any // of a pool, which there is none of here: given back as they came
}

// databaseRole says what a user is made with, for how long, and how it ends. It is replaced, never changed.
type databaseRole struct {
	Database   string
	Creation   []string
	Revocation []string
	Renewal    []string
	Rollback   []string // kept for who reads it; a creation that fails leaves nothing behind
	DefaultTTL time.Duration
	MaxTTL     time.Duration
}

// database answers the paths of a mount of type database.
func (s *Server) database(req *request, m *mount, rest string) (*reply, error) {
	kind, name, _ := strings.Cut(rest, "/")
	mountPath := strings.TrimSuffix(req.path, rest)
	switch {
	case strings.Contains(name, "/"):
	case kind == "config" && name == "":
		return listing(req, m.Connections)
	case kind == "roles" && name == "":
		return listing(req, m.Roles)
	case name == "":
	case kind == "config":
		return s.connection(req, m, mountPath, name)
	case kind == "roles":
		return databaseRoles(req, m, name)
	case kind == "rotate-root" && req.op == capUpdate:
		return s.rotateRoot(req, m, mountPath, name)
	case kind == "creds" && req.op == capRead:
		return s.creds(req, m, mountPath, name)
	}
	return nil, unserved(req.path)
}

func listing[T any](req *request, all map[string]T) (*reply, error) {
	if req.op != capList {
		return nil, failf(http.StatusMethodNotAllowed, "1 error occurred:\n\t* unsupported operation\n\n")
	}
	if len(all) == 0 {
		return nil, notFound()
	}
	return &reply{data: map[string]any{"keys": slices.Sorted(maps.Keys(all))}}, nil
}

// connection answers MOUNT/config/NAME.
func (s *Server) connection(req *request, m *mount, mountPath, name string) (*reply, error) {
	switch req.op {
	case capRead:
		if c := m.Connections[name]; c != nil {
			return &reply{data: c.describe()}, nil
		}
		return nil, notFound()
	case capDelete:
		delete(m.Connections, name)
		req.dirty = true
		return nil, nil
	case capUpdate:
		return nil, s.connect(req, m, mountPath, name)
	}
	return nil, unserved(req.path)
}

func (c *connection) describe() map[string]any {
	address := c.URL
	if u, err := url.Parse(address); err == nil {
		address = u.Redacted()
	}
	details := map[string]any{"connection_url": address, "username": c.Username}
	maps.Copy(details, c.Limits)
	return map[string]any{
		"plugin_name": postgresPlugin, "plugin_version": "", "connection_details": details, "allowed_roles": orEmpty(c.Allowed),
		"root_credentials_rotate_statements": orEmpty(c.Rotation), "password_policy": "",
	}
}

// orEmpty is a list as Vault shows it: none is [], not null.
func orEmpty(l []string) []string {
	if l == nil {
		return []string{}
	}
	return l
}

// connectionBody is the body of a connection; what is left out stays.
type connectionBody struct {
	Plugin      *string `json:"plugin_name"`
	URL         *string `json:"connection_url"`
	Username    *string `json:"username"`
	Password    *string `json:"password"`
	Verify      *bool   `json:"verify_connection"`
	Allowed     *list   `json:"allowed_roles"`
	Rotation    *texts  `json:"root_rotation_statements"`
	MaxOpen     any     `json:"max_open_connections"`
	MaxIdle     any     `json:"max_idle_connections"`
	MaxLifetime any     `json:"max_connection_lifetime"`

	NameTemplate string `json:"username_template"`
	Policy       string `json:"password_policy"`
	PrivateKey   string `json:"private_key"`
}

// connect writes a connection. The database is asked without mu, before anything is kept.
func (s *Server) connect(req *request, m *mount, mountPath, name string) error {
	var body connectionBody
	if err := req.decode(&body); err != nil {
		return err
	}
	if body.NameTemplate != "" || body.Policy != "" || body.PrivateKey != "" {
		return failf(http.StatusNotImplemented, "the embedded Vault has none of username_template, password_policy and private_key")
	}
	old := m.Connections[name]
	switch {
	case body.Plugin == nil && old != nil:
	case body.Plugin == nil || *body.Plugin == "":
		return failf(http.StatusBadRequest, "empty plugin name")
	case *body.Plugin != postgresPlugin:
		return failf(http.StatusNotImplemented, "the embedded Vault has %s only, not %q", postgresPlugin, *body.Plugin)
	}
	c := body.over(old)
	if c.URL == "" {
		return failf(http.StatusBadRequest, "error creating database object: connection_url cannot be empty")
	}
	for _, value := range []string{c.Username, c.Password} {
		if strings.Contains(value, "{{username}}") || strings.Contains(value, "{{password}}") {
			return failf(http.StatusBadRequest, "error creating database object: username and/or password cannot contain the template variables")
		}
	}
	verify := body.Verify == nil || *body.Verify
	req.after = func(ctx context.Context) (*reply, error) {
		if verify {
			if err := c.within(func(ctx context.Context, conn *pgx.Conn) error { return conn.Ping(ctx) }); err != nil {
				return nil, failf(http.StatusBadRequest, "error creating database object: error verifying connection: %v", err)
			}
		}
		err := s.change(func() error {
			m := s.state.Mounts[mountPath]
			if m == nil || m.Type != databaseType {
				return failf(http.StatusNotFound, "no handler for route %q. route entry not found.", req.path)
			}
			m.Connections[name] = c
			return nil
		})
		return nil, err
	}
	return nil
}

func (body *connectionBody) over(old *connection) *connection {
	c := &connection{}
	if old != nil {
		*c = *old
	}
	set := func(into, from *string) {
		if from != nil {
			*into = *from
		}
	}
	set(&c.URL, body.URL)
	set(&c.Username, body.Username)
	set(&c.Password, body.Password)
	if body.Password != nil {
		c.Next = ""
	}
	if body.Allowed != nil {
		c.Allowed = *body.Allowed
	}
	if body.Rotation != nil {
		c.Rotation = *body.Rotation
	}
	c.Limits = maps.Clone(c.Limits)
	for name, value := range map[string]any{
		"max_open_connections": body.MaxOpen, "max_idle_connections": body.MaxIdle, "max_connection_lifetime": body.MaxLifetime,
	} {
		if value == nil {
			continue
		}
		if c.Limits == nil {
			c.Limits = map[string]any{}
		}
		c.Limits[name] = value
	}
	return c
}

// rotateRoot gives the connection's user a password that only this server knows. It is kept before the database is
// told of it, so that one of the two passwords that are kept is right at every moment.
func (s *Server) rotateRoot(req *request, m *mount, mountPath, name string) (*reply, error) {
	c := m.Connections[name]
	switch {
	case c == nil:
		return nil, internal("failed to find entry for connection with name: %q", name)
	case c.Username == "":
		return nil, internal("unable to rotate root credentials: no username in configuration")
	case c.Password == "":
		return nil, internal("unable to rotate root credentials: no password in configuration")
	}
	req.after = func(ctx context.Context) (*reply, error) {
		release, err := s.hold(ctx, mountPath+"config/"+name)
		if err != nil {
			return nil, err
		}
		defer release()
		var c connection
		replace := func(edit func()) error {
			return s.change(func() error {
				m := s.state.Mounts[mountPath]
				if m == nil || m.Connections[name] == nil {
					return internal("failed to find entry for connection with name: %q", name)
				}
				c = *m.Connections[name]
				edit()
				kept := c
				m.Connections[name] = &kept
				return nil
			})
		}
		err = replace(func() {
			if c.Next == "" { // else one is on its way already, and the database may know it
				c.Next = newPassword()
			}
		})
		if err != nil {
			return nil, err
		}
		next := c.Next
		if err := c.setPassword(next); err != nil {
			return nil, internal("failed to update user: %v", err)
		}
		return nil, replace(func() {
			if c.Next == next {
				c.Password, c.Next = next, ""
			}
		})
	}
	return nil, nil
}

// roleRequest is the body of a role of a database; what is left out stays.
type roleRequest struct {
	Database       *string   `json:"db_name"`
	Creation       *texts    `json:"creation_statements"`
	Revocation     *texts    `json:"revocation_statements"`
	Renewal        *texts    `json:"renew_statements"`
	Rollback       *texts    `json:"rollback_statements"`
	DefaultTTL     *duration `json:"default_ttl"`
	MaxTTL         *duration `json:"max_ttl"`
	CredentialType string    `json:"credential_type"`
}

// databaseRoles answers MOUNT/roles/NAME.
func databaseRoles(req *request, m *mount, name string) (*reply, error) {
	switch req.op {
	case capRead:
		if r := m.Roles[name]; r != nil {
			return &reply{data: r.describe()}, nil
		}
		return nil, notFound()
	case capDelete:
		delete(m.Roles, name)
		req.dirty = true
		return nil, nil
	case capUpdate:
		var body roleRequest
		if err := req.decode(&body); err != nil {
			return nil, err
		}
		r, err := body.over(m.Roles[name])
		if err != nil {
			return nil, err
		}
		m.Roles[name] = r
		req.dirty = true
		return nil, nil
	}
	return nil, unserved(req.path)
}

func (body *roleRequest) over(old *databaseRole) (*databaseRole, error) {
	if body.CredentialType != "" && body.CredentialType != "password" {
		return nil, failf(http.StatusNotImplemented, "the embedded Vault has credentials of type password only, not %q", body.CredentialType)
	}
	r := &databaseRole{}
	if old != nil {
		*r = *old
	}
	if body.Database != nil {
		r.Database = *body.Database
	}
	if r.Database == "" {
		return nil, failf(http.StatusBadRequest, "database name is required")
	}
	for into, from := range map[*[]string]*texts{
		&r.Creation: body.Creation, &r.Revocation: body.Revocation, &r.Renewal: body.Renewal, &r.Rollback: body.Rollback,
	} {
		if from != nil {
			*into = slices.DeleteFunc(slices.Clone(*from), func(text string) bool { return strings.TrimSpace(text) == "" })
		}
	}
	if body.DefaultTTL != nil {
		r.DefaultTTL = time.Duration(*body.DefaultTTL)
	}
	if body.MaxTTL != nil {
		r.MaxTTL = time.Duration(*body.MaxTTL)
	}
	return r, nil
}

func (r *databaseRole) describe() map[string]any {
	return map[string]any{
		"db_name": r.Database, "creation_statements": orEmpty(r.Creation), "revocation_statements": orEmpty(r.Revocation),
		"renew_statements": orEmpty(r.Renewal), "rollback_statements": orEmpty(r.Rollback), "default_ttl": seconds(r.DefaultTTL),
		"max_ttl": seconds(r.MaxTTL), "credential_type": "password", "credential_config": nil,
	}
}

// ttl is how long a lease of the role lives from now on, and what Vault warns of when that is less than was asked for.
func (r *databaseRole) ttl(m *mount, increment time.Duration, issued, now time.Time) (time.Duration, []string, error) {
	longest := systemTTL
	if m.MaxTTL > 0 {
		longest = m.MaxTTL
	}
	if r.MaxTTL > 0 {
		longest = min(longest, r.MaxTTL)
	}
	ttl := systemTTL
	if m.DefaultTTL > 0 {
		ttl = m.DefaultTTL
	}
	if r.DefaultTTL > 0 {
		ttl = r.DefaultTTL
	}
	if increment > 0 {
		ttl = increment
	}
	left := issued.Truncate(time.Second).Add(longest).Sub(now.Truncate(time.Second))
	if left <= 0 {
		return 0, nil, failf(http.StatusBadRequest, "past the max TTL, cannot renew")
	}
	if ttl <= left {
		return ttl, nil, nil
	}
	warning := fmt.Sprintf("TTL of %q exceeded the effective max_ttl of %q; TTL value is capped accordingly", short(ttl), short(left))
	return left, []string{warning}, nil
}

// short is a duration without its zeros.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// internal is an error as Vault words those of an engine that are not the caller's fault.
func internal(format string, args ...any) error {
	return failf(http.StatusInternalServerError, "1 error occurred:\n\t* %s\n\n", fmt.Sprintf(format, args...))
}
