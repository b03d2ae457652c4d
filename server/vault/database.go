package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	vaultapi "github.com/hashicorp/vault/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// postgresPlugin is the part of Vault's database engine that speaks to PostgreSQL.
const postgresPlugin = "postgresql-database-plugin"

// namePrefix begins the name of all that the server's policy lets it touch in the database engine.
const namePrefix = "crumpet-"

// PutDatabase makes or changes a connection, once Vault could log in with it. Without a password the one
// that Vault has is kept. Codes: invalid (the database refuses it), unavailable (Vault, or the database for
// Vault), forbidden.
func (c *Client) PutDatabase(ctx context.Context, d paas.DatabaseConnection) error {
	to, err := c.databaseCall("write", "config", d.Name)
	if err != nil {
		return err
	}
	address, err := url.Parse(d.URL)
	if err != nil || address.Host == "" || address.User != nil {
		return paas.Errorf(paas.Invalid, "The address of a database must be postgresql://HOST:PORT/DATABASE, without user and password.")
	}
	body := map[string]any{
		"plugin_name": postgresPlugin,
		// The parts in braces are Vault's to fill, so that no secret stands in what it shows.
		"connection_url":    strings.Replace(address.String(), "://", "://{{username}}:{{password}}@", 1),
		"username":          d.Username,
		"allowed_roles":     d.Roles,
		"verify_connection": true,
		// One instance, one connection: an idle one each would use up the server's.
		"max_open_connections": 4, "max_idle_connections": 1, "max_connection_lifetime": "60s",
	}
	if !d.Password.Empty() {
		body["password"] = d.Password.Reveal()
	}
	_, err = c.write(ctx, to, body)
	return explainDatabase(err, address.Host, d.Username, d.Password)
}

// Database gives a connection without its password. Code not_found: there is none of that name.
func (c *Client) Database(ctx context.Context, name string) (paas.DatabaseConnection, error) {
	to, err := c.databaseCall("read", "config", name)
	if err != nil {
		return paas.DatabaseConnection{}, err
	}
	var body struct {
		Details struct {
			URL      string `json:"connection_url"`
			Username string `json:"username"`
		} `json:"connection_details"`
		Roles []string `json:"allowed_roles"`
	}
	if err := c.read(ctx, to, &body); err != nil {
		return paas.DatabaseConnection{}, err
	}
	return paas.DatabaseConnection{
		Name: name, URL: withoutUser(body.Details.URL), Username: body.Details.Username, Roles: body.Roles,
	}, nil
}

// withoutUser takes out what stands between the scheme and the host, which is no URL while it has braces.
func withoutUser(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if at := strings.LastIndex(rest, "@"); ok && at >= 0 {
		return scheme + "://" + rest[at+1:]
	}
	return address
}

// RotateDatabase has Vault give the connection's account a password that nobody else knows. It also proves
// that the one Vault had still worked. Codes: invalid (it did not), unavailable, forbidden.
func (c *Client) RotateDatabase(ctx context.Context, name string) error {
	to, err := c.databaseCall("rotate password of", "rotate-root", name)
	if err != nil {
		return err
	}
	_, err = c.write(ctx, to, nil)
	return explainDatabase(err, name, "", paas.Secret{})
}

// DeleteDatabase makes Vault forget a connection; none is as well. Leases of its roles can't be revoked
// afterwards.
func (c *Client) DeleteDatabase(ctx context.Context, name string) error {
	to, err := c.databaseCall("delete", "config", name)
	if err != nil {
		return err
	}
	return c.remove(ctx, to)
}

// PutDatabaseRole makes or changes a role. What it has issued is revoked as the role says then, so its
// statements must be able to end users that an earlier one made.
func (c *Client) PutDatabaseRole(ctx context.Context, r paas.DatabaseRole) error {
	to, err := c.databaseCall("write", "roles", r.Name)
	if err != nil {
		return err
	}
	_, err = c.write(ctx, to, map[string]any{
		"db_name": r.Connection, "creation_statements": r.Create, "revocation_statements": r.Revoke,
		"default_ttl": int(r.TTL.Seconds()), "max_ttl": int(r.Max.Seconds()),
	})
	return err
}

// DeleteDatabaseRole ends that credentials can be had of a role; none is as well. Those that were had live
// on: RevokeCredentials ends them.
func (c *Client) DeleteDatabaseRole(ctx context.Context, name string) error {
	to, err := c.databaseCall("delete", "roles", name)
	if err != nil {
		return err
	}
	return c.remove(ctx, to)
}

// Credentials has Vault make a user as a role says. Codes: not_found (the role), invalid (the database
// refuses it), unavailable, forbidden.
func (c *Client) Credentials(ctx context.Context, role string) (paas.DatabaseUser, error) {
	to, err := c.databaseCall("get credentials of", "creds", role)
	if err != nil {
		return paas.DatabaseUser{}, err
	}
	var answer *vaultapi.Secret
	err = c.do(ctx, to, func(ctx context.Context) (err error) {
		answer, err = c.api.Logical().ReadWithContext(ctx, to.path)
		return err
	})
	if err != nil {
		var known *paas.Error
		if errors.As(err, &known) && known.Err != nil && strings.Contains(known.Err.Error(), "unknown role") {
			return paas.DatabaseUser{}, paas.Wrap(paas.NotFound, known.Err, "Vault at %s has no role %s that credentials could be had of.", c.address, role)
		}
		return paas.DatabaseUser{}, explainDatabase(err, role, "", paas.Secret{})
	}
	var u paas.DatabaseUser
	if answer != nil {
		u.Username, _ = answer.Data["username"].(string)
		password, _ := answer.Data["password"].(string)
		u.Password, u.Lease, u.TTL = paas.NewSecret(password), answer.LeaseID, time.Duration(answer.LeaseDuration)*time.Second
	}
	if u.Username == "" || u.Password.Empty() || u.Lease == "" {
		return paas.DatabaseUser{}, paas.Errorf(paas.Internal, "Vault at %s answers %s with no credentials. Check that %s is a database engine.", c.address, to.path, c.cfg.Database)
	}
	return u, nil
}

// RevokeLease ends one user now, and whoever is connected as it; a lease that is gone is as well.
func (c *Client) RevokeLease(ctx context.Context, lease string) error {
	if !strings.HasPrefix(lease, c.cfg.Database+"/creds/"+namePrefix) {
		return paas.Errorf(paas.Invalid, "Lease %q is none of Crumpet's credentials.", lease)
	}
	_, err := c.write(ctx, call{does: "revoke a credential", path: "sys/leases/revoke"}, map[string]any{"lease_id": lease, "sync": true})
	return explainDatabase(err, lease, "", paas.Secret{})
}

// RevokeCredentials ends all users of a role now, and whoever is connected as one of them. Codes:
// unavailable (Vault, or the database for Vault), invalid (the database refuses it), forbidden.
func (c *Client) RevokeCredentials(ctx context.Context, role string) error {
	if _, err := c.databaseCall("revoke credentials of", "creds", role); err != nil {
		return err
	}
	// Vault adds the slash that keeps generation 1 apart from 10.
	to := call{does: "revoke credentials of " + role, path: "sys/leases/revoke-prefix/" + c.cfg.Database + "/creds/" + role}
	_, err := c.write(ctx, to, map[string]any{"sync": true})
	return explainDatabase(err, role, "", paas.Secret{})
}

// Leases counts the users of one generation of a binding that Vault has made and not yet taken back.
func (c *Client) Leases(ctx context.Context, b paas.Binding, generation int) (int, error) {
	return c.CountCredentials(ctx, b.CredentialsRole(generation))
}

// CountCredentials counts the users of a role that Vault has made and not yet taken back.
func (c *Client) CountCredentials(ctx context.Context, role string) (int, error) {
	if _, err := c.databaseCall("count credentials of", "creds", role); err != nil {
		return 0, err
	}
	to := call{does: "count credentials of " + role, path: "sys/leases/lookup/" + c.cfg.Database + "/creds/" + role}
	var answer *vaultapi.Secret
	err := c.do(ctx, to, func(ctx context.Context) (err error) {
		answer, err = c.api.Logical().ListWithContext(ctx, to.path)
		return err
	})
	if err != nil || answer == nil { // none is answered with 404, which the client makes nil of
		return 0, err
	}
	keys, _ := answer.Data["keys"].([]any)
	return len(keys), nil
}

// databaseCall is one about a name in the database engine. Names with a slash would lead elsewhere.
func (c *Client) databaseCall(verb, kind, name string) (call, error) {
	rest, ok := strings.CutPrefix(name, namePrefix)
	if !ok || rest == "" || strings.ContainsFunc(rest, func(r rune) bool {
		return r != '-' && r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z')
	}) {
		return call{}, paas.Errorf(paas.Invalid, "Name %q is none of Crumpet's in Vault's database engine.", name)
	}
	return call{
		does: fmt.Sprintf("%s database %s %s", verb, kind, name), path: c.cfg.Database + "/" + kind + "/" + name,
		make: "vault secrets enable -path=" + c.cfg.Database + " database",
	}, nil
}

// The ways in which a database, or the way to it, fails: what Vault's driver says, and what is to be done.
var databaseFaults = []struct {
	says string
	code paas.Code
	do   string
}{
	{"password authentication failed", paas.Invalid, "it refuses the password: check user and password"},
	{"SASL", paas.Invalid, "it refuses the password: check user and password"},
	{"no pg_hba.conf entry", paas.Invalid, "its pg_hba.conf has no line that lets Vault's machine in as that user"},
	{"too many connections", paas.Unavailable, "all of its connections are in use: raise max_connections, or end some"},
	{"remaining connection slots", paas.Unavailable, "all of its connections are in use: raise max_connections, or end some"},
	{"x509:", paas.Invalid, "its certificate is not to be trusted: give Vault's machine the authority's certificate, or say sslmode in the URL"},
	{"refused TLS", paas.Invalid, "it speaks no TLS: turn ssl on there, or add ?sslmode=disable to the URL"},
	{"server refused", paas.Invalid, "it speaks no TLS: turn ssl on there, or add ?sslmode=disable to the URL"},
	{"permission denied", paas.Invalid, "the account may not do it: it must have CREATEROLE and CREATEDB"},
	{"must be superuser", paas.Invalid, "the account may not do it: it must have CREATEROLE and CREATEDB"},
	{"starting up", paas.Unavailable, "it is starting or shutting down"},
	{"shutting down", paas.Unavailable, "it is starting or shutting down"},
	{"no such host", paas.Unavailable, "its name is not known to Vault's machine"},
	{"hostname resolving", paas.Unavailable, "its name is not known to Vault's machine"},
	{"connection refused", paas.Unavailable, "nobody listens there"},
	{"connect error", paas.Unavailable, "it can't be reached from Vault's machine"},
	{"failed to connect", paas.Unavailable, "it can't be reached from Vault's machine"},
	{"failed to receive", paas.Unavailable, "it broke the connection"},
	{"unexpected EOF", paas.Unavailable, "it broke the connection"},
	{"conn closed", paas.Unavailable, "it broke the connection"},
	{"timeout", paas.Unavailable, "it does not answer in time"},
	{"deadline exceeded", paas.Unavailable, "it does not answer in time"},
}

// explainDatabase tells what a database said through Vault from what Vault itself says. The cause keeps
// Vault's words, without the password that was sent.
func explainDatabase(err error, at, user string, password paas.Secret) error {
	var known *paas.Error
	if !errors.As(err, &known) || known.Err == nil || known.Code == paas.Forbidden || known.Code == paas.NotFound {
		return err
	}
	text := withoutSecret(known.Err.Error(), password)
	cause := errors.New(text)
	for _, fault := range databaseFaults {
		if !strings.Contains(text, fault.says) || !strings.Contains(text, ": status ") { // else Vault itself was not reached
			continue
		}
		as := ""
		if user != "" {
			as = fmt.Sprintf(" as user %q", user)
		}
		return paas.Wrap(fault.code, cause, "Vault can't use the database at %s%s: %s.", at, as, fault.do)
	}
	return &paas.Error{Code: known.Code, Message: withoutSecret(known.Message, password), Err: cause}
}

// withoutSecret takes a password out of a text, however a driver or a URL writes it.
func withoutSecret(text string, password paas.Secret) string {
	if password.Empty() {
		return text
	}
	plain := password.Reveal()
	quoted, _ := json.Marshal(plain) // a text always can be
	for _, form := range []string{plain, url.QueryEscape(plain), url.PathEscape(plain), url.UserPassword("", plain).String()[1:], string(quoted[1 : len(quoted)-1])} {
		text = strings.ReplaceAll(text, form, paas.Hidden)
	}
	return text
}
