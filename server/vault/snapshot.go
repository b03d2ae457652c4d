package vault

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	vaultapi "github.com/hashicorp/vault/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// snapshotLimit bounds the copy of a whole state, or its way back.
const snapshotLimit = time.Hour

// Snapshot writes Vault's storage as it lies on disk, encrypted by its own key. An error of w ends it. Needs a token
// that may read sys/storage/raft/snapshot. Code invalid: the storage is not raft.
func (c *Client) Snapshot(ctx context.Context, w io.Writer) error {
	if err := c.login(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, snapshotLimit)
	defer cancel()
	if err := c.api.Sys().RaftSnapshotWithContext(limited, w); err != nil {
		return c.failSnapshot(ctx, err, "copy Vault's storage")
	}
	return nil
}

// RestoreSnapshot puts a storage in place of the one there is. It returns once Vault has all of it; that it is in place,
// only State's Cluster shows. Vault is sealed then, and wants the key shares that it
// had when the snapshot was taken; tokens are those of that time.
func (c *Client) RestoreSnapshot(ctx context.Context, r io.Reader) error {
	if err := c.login(); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, snapshotLimit)
	defer cancel()
	if err := c.api.Sys().RaftSnapshotRestoreWithContext(limited, r, true); err != nil {
		return c.failSnapshot(ctx, err, "restore Vault's storage")
	}
	return nil
}

// Begin initializes a new Vault and unseals it, with a key and a root token that this client alone knows and forgets:
// for one whose storage is about to be replaced. The key is cut into shares, of which threshold unseal it.
func (c *Client) Begin(ctx context.Context, shares, threshold int) error {
	limited, cancel := context.WithTimeout(ctx, beginLimit)
	defer cancel()
	c.api.SetClientTimeout(beginLimit) // an end in the midst of it loses the key
	defer c.api.SetClientTimeout(c.cfg.Timeout)
	seal, err := c.api.Sys().SealStatusWithContext(limited)
	if err != nil {
		return c.fail(ctx, err, "ask Vault for its seal")
	}
	request := &vaultapi.InitRequest{RecoveryShares: 1, RecoveryThreshold: 1}
	if seal.Type == shamir {
		request = &vaultapi.InitRequest{SecretShares: max(1, shares), SecretThreshold: max(1, threshold)}
	}
	made, err := c.api.Sys().InitWithContext(limited, request)
	if err != nil {
		return c.fail(ctx, err, "initialize Vault")
	}
	c.cfg.TokenFile = ""
	c.api.SetToken(made.RootToken)
	if seal.Type != shamir {
		return nil
	}
	for _, share := range made.KeysB64[:request.SecretThreshold] {
		if _, err := c.api.Sys().UnsealWithContext(limited, share); err != nil {
			return c.fail(ctx, err, "unseal Vault")
		}
	}
	return nil
}

// shamir is the seal whose key is cut into shares.
const shamir = "shamir"

// beginLimit bounds the making of a Vault's first keys.
const beginLimit = time.Minute

func (c *Client) failSnapshot(ctx context.Context, err error, does string) error {
	if answer, ok := errors.AsType[*vaultapi.ResponseError](err); ok {
		said := strings.Join(answer.Errors, "; ")
		if answer.StatusCode == http.StatusNotImplemented || strings.Contains(said, "raft storage is not in use") || strings.Contains(said, "unsupported path") {
			return paas.Wrap(paas.Invalid, err, "Vault at %s has no snapshots: its storage is not raft.", c.address)
		}
		if answer.StatusCode == http.StatusForbidden {
			return paas.Wrap(paas.Forbidden, err, "Vault at %s does not let the token in VAULT_TOKEN do it. Use one that may read and update sys/storage/raft/*.", c.address)
		}
	}
	return c.fail(ctx, err, does)
}

// State is how a Vault stands.
type State struct {
	Version     string
	Cluster     string // id that is made with its storage, and restored with it; "" while it is sealed
	Shares      int    // that its key is cut into; 0 where it unseals itself
	Threshold   int    // of them that unseal it
	Initialized bool
	Sealed      bool
	Standby     bool // another server leads, or none does yet
}

// State asks for it, without a token.
func (c *Client) State(ctx context.Context) (State, error) {
	limited, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	health, err := c.api.Sys().HealthWithContext(limited)
	if err != nil {
		return State{}, c.fail(ctx, err, "ask Vault for its health")
	}
	seal, err := c.api.Sys().SealStatusWithContext(limited)
	if err != nil {
		return State{}, c.fail(ctx, err, "ask Vault for its seal")
	}
	state := State{Version: health.Version, Cluster: health.ClusterID, Initialized: health.Initialized, Sealed: health.Sealed, Standby: health.Standby}
	if seal.Type == shamir {
		state.Shares, state.Threshold = seal.N, seal.T
	}
	return state, nil
}

// HasApps says whether there are configurations of apps. It is asked of a Vault that is about to be replaced, by whoever
// may do that: neither the server's policy nor an operator's lets a token list them. Code forbidden: it is not a root token.
func (c *Client) HasApps(ctx context.Context) (bool, error) {
	if err := c.login(); err != nil {
		return false, err
	}
	limited, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	list, err := c.api.Logical().ListWithContext(limited, c.cfg.Mount+"/metadata/apps")
	if err == nil {
		return list != nil, nil
	}
	answer, answered := errors.AsType[*vaultapi.ResponseError](err)
	switch {
	case answered && answer.StatusCode == http.StatusNotFound:
		return false, nil
	case answered && answer.StatusCode == http.StatusForbidden:
		return false, paas.Wrap(paas.Forbidden, err,
			"Vault at %s does not let this token see whether it holds configurations of apps. To replace all that it holds takes a root token of it: make one with `vault operator generate-root`, and set VAULT_TOKEN.", c.address)
	}
	return false, c.fail(ctx, err, "list configurations")
}
