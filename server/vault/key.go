package vault

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	vaultapi "github.com/hashicorp/vault/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	keyBytes   = 32
	keyField   = "key"
	mountTries = 20                     // a new KV v2 mount refuses writes while it sets itself up
	mountPause = 100 * time.Millisecond // between them
)

// PlatformKey gives the 32 bytes of one of Crumpet's own keys, and makes them at first use. Of
// several servers that ask first at the same time all get the same key.
func (c *Client) PlatformKey(ctx context.Context, name string) ([]byte, error) {
	if err := c.login(); err != nil {
		return nil, err
	}
	key, err := c.readKey(ctx, name)
	if err != nil || key != nil {
		return key, err
	}
	fresh := make([]byte, keyBytes)
	rand.Read(fresh) // never fails
	err = c.writeFirst(ctx, name, fresh)
	if err != nil && paas.CodeOf(err) != paas.Conflict {
		return nil, err
	}
	return c.readWritten(ctx, name)
}

// readWritten reads a key that is there. A server of OpenBao that follows may answer before it has heard of it.
func (c *Client) readWritten(ctx context.Context, name string) ([]byte, error) {
	pause := time.NewTicker(mountPause)
	defer pause.Stop()
	for range mountTries {
		key, err := c.readKey(ctx, name)
		if err != nil || key != nil {
			return key, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-pause.C:
		}
	}
	return nil, paas.Errorf(paas.Internal, "The key %s/platform/%s was deleted in Vault. Restore it with `vault kv undelete`, or remove its metadata to have a new one made.", c.cfg.Mount, name)
}

// readKey gives nil for a key that doesn't exist.
func (c *Client) readKey(ctx context.Context, name string) ([]byte, error) {
	callCtx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	secret, err := c.api.KVv2(c.cfg.Mount).Get(callCtx, "platform/"+name)
	if errors.Is(err, vaultapi.ErrSecretNotFound) {
		return nil, nil
	}
	if err != nil {
		err = c.fail(ctx, err, fmt.Sprintf("read platform key %q", name))
		if paas.CodeOf(err) == paas.NotFound { // the mount is missing
			return nil, nil
		}
		return nil, err
	}
	if secret.Data == nil { // its latest version is deleted
		return nil, nil
	}
	text, _ := secret.Data[keyField].(string)
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != keyBytes {
		return nil, paas.Errorf(paas.Internal, "The key %s/platform/%s in Vault is not %d bytes in base64. Restore an earlier version with `vault kv rollback`.", c.cfg.Mount, name, keyBytes)
	}
	return key, nil
}

// writeKey writes the first version of a key; the code is conflict if there is one.
func (c *Client) writeKey(ctx context.Context, name string, key []byte) error {
	callCtx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	data := map[string]any{keyField: base64.StdEncoding.EncodeToString(key)}
	_, err := c.api.KVv2(c.cfg.Mount).Put(callCtx, "platform/"+name, data, vaultapi.WithCheckAndSet(0))
	if err != nil {
		return c.fail(ctx, err, fmt.Sprintf("write platform key %q", name))
	}
	return nil
}

// writeFirst writes the first version of a key, makes the mount if it is missing, and waits while
// the mount sets itself up, whoever made it.
func (c *Client) writeFirst(ctx context.Context, name string, key []byte) error {
	pause := time.NewTimer(mountPause)
	defer pause.Stop()
	var err error
	for range mountTries {
		err = c.writeKey(ctx, name, key)
		switch {
		case paas.CodeOf(err) == paas.NotFound:
			if err := c.mount(ctx); err != nil {
				return err
			}
		case paas.CodeOf(err) == paas.Invalid && strings.Contains(err.Error(), "Upgrading"):
		default:
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for vault mount %q: %w", c.cfg.Mount, ctx.Err())
		case <-pause.C:
			pause.Reset(mountPause)
		}
	}
	return err
}

func (c *Client) mount(ctx context.Context) error {
	callCtx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	err := c.api.Sys().MountWithContext(callCtx, c.cfg.Mount, &vaultapi.MountInput{
		Type:        "kv",
		Description: "Keys and configuration of Crumpet",
		Options:     map[string]string{"version": "2"},
	})
	if err == nil {
		return nil
	}
	err = c.fail(ctx, err, fmt.Sprintf("make vault mount %q", c.cfg.Mount))
	if paas.CodeOf(err) == paas.Invalid && strings.Contains(err.Error(), "already in use") { // another server was faster
		return nil
	}
	return err
}
