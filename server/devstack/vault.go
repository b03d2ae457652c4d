package devstack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"sync"
)

// vaultKeys are the root token, the unseal key and the server's own token. They lie in the data folder,
// mode 0600: who can read them can read the vault's storage as well.
type vaultKeys struct {
	path string

	mu     sync.Mutex // guards what follows
	Root   string     `json:"root_token"`
	Unseal string     `json:"unseal_key"`
	Server string     `json:"server_token,omitempty"`
}

// readKeys reads a file of keys; without one the keys are empty.
func readKeys(path string) (*vaultKeys, error) {
	k := &vaultKeys{path: path}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return k, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read vault keys: %w", err)
	}
	if err := json.Unmarshal(text, k); err != nil {
		return nil, fmt.Errorf("read vault keys: %s: %w", path, err)
	}
	return k, nil
}

func (k *vaultKeys) root() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.Root
}

// ready makes a vault usable: it initializes a new one and unseals a sealed one, as after each start.
func (k *vaultKeys) ready(addr string) func(context.Context) error {
	return func(ctx context.Context) error {
		var status struct {
			Initialized bool `json:"initialized"`
			Sealed      bool `json:"sealed"`
		}
		if err := getJSON(ctx, addr+"/v1/sys/seal-status", &status); err != nil {
			return err
		}
		if !status.Initialized {
			if err := k.initialize(ctx, addr); err != nil {
				return err
			}
			status.Sealed = true
		}
		if status.Sealed {
			if err := k.unseal(ctx, addr); err != nil {
				return err
			}
		}
		return getJSON(ctx, addr+"/v1/sys/health", nil) // 200: unsealed and active
	}
}

func (k *vaultKeys) initialize(ctx context.Context, addr string) error {
	var made struct {
		Keys []string `json:"keys_base64"`
		Root string   `json:"root_token"`
	}
	err := putJSON(ctx, addr+"/v1/sys/init", map[string]int{"secret_shares": 1, "secret_threshold": 1}, &made)
	if err != nil {
		return fmt.Errorf("initialize vault: %w", err)
	}
	if len(made.Keys) != 1 {
		return fmt.Errorf("initialize vault: %d keys, want 1", len(made.Keys))
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Root, k.Unseal = made.Root, made.Keys[0]
	return writeJSON(k.path, k)
}

func (k *vaultKeys) unseal(ctx context.Context, addr string) error {
	k.mu.Lock()
	key := k.Unseal
	k.mu.Unlock()
	if key == "" {
		return fmt.Errorf("the vault is sealed and %s holds no key for it", k.path)
	}
	if err := putJSON(ctx, addr+"/v1/sys/unseal", map[string]string{"key": key}, nil); err != nil {
		return fmt.Errorf("unseal vault: %w", err)
	}
	return nil
}

func putJSON(ctx context.Context, url string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, url, bytes.NewReader(text))
	if err != nil {
		return err
	}
	return answerJSON(request, answer)
}
