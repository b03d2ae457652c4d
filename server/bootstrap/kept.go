package bootstrap

import (
	"context"
	"maps"
	"sync"
)

// Kept are the secrets that a cluster is made with, and no program gives a second time. They are sealed to the
// fleet's keepers wherever they are written down.
type Kept struct {
	mu     sync.Mutex
	values map[string]string
	save   func(ctx context.Context, values map[string]string) error
}

// Names of what is kept.
const (
	KeptCA           = "ca"           // certificate and key of the internal authority, PEM
	KeptGossip       = "gossip"       // Consul's gossip key, base64
	KeptNomadGossip  = "nomad-gossip" // Nomad's
	KeptConsulToken  = "consul-token" // management
	KeptNomadToken   = "nomad-token"  // management
	KeptVaultToken   = "vault-token"  // root, until up ends: it is revoked then
	KeptShares       = "vault-shares" // each sealed to its keeper alone, so that the others can't read it
	KeptRecovery     = "vault-recovery"
	KeptCrumpetToken = "crumpet-token" // the operators' token of Crumpet
)

// NewKept makes one that holds values and hands each new whole to save before Put returns.
func NewKept(values map[string]string, save func(ctx context.Context, values map[string]string) error) *Kept {
	k := &Kept{values: map[string]string{}, save: save}
	maps.Copy(k.values, values)
	return k
}

// Get gives what is kept under a name, "" for nothing.
func (k *Kept) Get(name string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.values[name]
}

// Put keeps a value; "" forgets it. When it returns without an error the value outlives this process.
func (k *Kept) Put(ctx context.Context, name, value string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := maps.Clone(k.values)
	if next[name] = value; value == "" {
		delete(next, name)
	}
	if err := k.save(ctx, next); err != nil {
		return err
	}
	k.values = next
	return nil
}

// Ensure gives what is kept under a name, and keeps what made gives where nothing is.
func (k *Kept) Ensure(ctx context.Context, name string, made func() (string, error)) (string, error) {
	if value := k.Get(name); value != "" {
		return value, nil
	}
	value, err := made()
	if err != nil {
		return "", err
	}
	return value, k.Put(ctx, name, value)
}
