package vault

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"

	vaultapi "github.com/hashicorp/vault/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// maxAnswer bounds an answer: the values of an app, each character escaped, and all its versions are less.
const maxAnswer = 8 << 20

// call is one request about an app.
type call struct {
	does  string // verb and object, for causes
	path  string // below /v1/
	query map[string][]string
	make  string // the command that makes the mount, for who has none
}

func (c *Client) kvCall(does, kind string, ref paas.AppRef) call {
	return call{
		does: does, path: strings.Join([]string{c.cfg.Mount, kind, "apps", ref.Team, ref.App, "config"}, "/"),
		make: "vault secrets enable -path=" + c.cfg.Mount + " kv-v2",
	}
}

// read gives what stands in data. A path where nothing is, is not_found.
func (c *Client) read(ctx context.Context, to call, into any) error {
	var raw []byte
	err := c.do(ctx, to, func(ctx context.Context) error {
		resp, err := c.api.Logical().ReadRawWithDataWithContext(ctx, to.path, to.query)
		if resp != nil {
			defer func() { _ = resp.Body.Close() }()
		}
		if err != nil {
			return err
		}
		raw, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		return err
	})
	if err != nil {
		return err
	}
	body := struct {
		Data any `json:"data"`
	}{into}
	if json.Unmarshal(raw, &body) != nil { // its error may hold a value
		return paas.Errorf(paas.Internal, "Vault at %s answers %s with something that is not of Vault's API. Check that vault.address is that of a Vault.", c.address, to.path)
	}
	return nil
}

// write sends a body and gives what is answered, nil for nothing.
func (c *Client) write(ctx context.Context, to call, body map[string]any) (answer *vaultapi.Secret, err error) {
	err = c.do(ctx, to, func(ctx context.Context) error {
		answer, err = c.api.Logical().WriteWithContext(ctx, to.path, body)
		return err
	})
	return answer, err
}

// remove deletes a path; that nothing is there is as wanted.
func (c *Client) remove(ctx context.Context, to call) error {
	return c.do(ctx, to, func(ctx context.Context) error {
		_, err := c.api.Logical().DeleteWithContext(ctx, to.path)
		return err
	})
}

func (c *Client) do(ctx context.Context, to call, send func(context.Context) error) error {
	if err := c.login(); err != nil {
		return err
	}
	callCtx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	if err := send(callCtx); err != nil {
		return c.explain(c.fail(ctx, err, to.does), to)
	}
	return nil
}

// explain says of a refused token which path it lacks, and of a missing mount how to make it.
func (c *Client) explain(err error, to call) error {
	var known *paas.Error
	if !errors.As(err, &known) {
		return err
	}
	switch {
	case known.Code == paas.Forbidden:
		return paas.Wrap(paas.Forbidden, known.Err,
			"Vault at %s refuses Crumpet's token for %s. Check that the token has not run out, and load policies/vault/server.hcl as its policy.", c.address, to.path)
	case known.Code == paas.NotFound && known.Err != nil && strings.Contains(known.Err.Error(), "no handler for route") && to.make != "":
		mount, _, _ := strings.Cut(strings.TrimPrefix(to.path, "auth/"), "/")
		return paas.Wrap(paas.Unavailable, known.Err, "Vault at %s has nothing mounted at %s/. Make it with `%s`.", c.address, mount, to.make)
	}
	return err
}

// checkRef makes sure that a name which stands in a path is a name: the paths are the border between apps.
func checkRef(ref paas.AppRef) error {
	for _, wrong := range []string{paas.CheckName("team", ref.Team, paas.MaxTeam), paas.CheckName("app", ref.App, paas.MaxApp)} {
		if wrong != "" {
			return &paas.Error{Code: paas.Invalid, Message: wrong}
		}
	}
	return nil
}

// accessName is the name of an app's role and of its policy.
func accessName(ref paas.AppRef) string { return paas.VaultRole(ref) }
