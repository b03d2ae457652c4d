package bootstrap

import (
	"bytes"
	"context"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/crumpet-paas/crumpet/server/agents"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// vault runs a server of Vault on each machine that is one. They hold nothing yet, or are sealed: that is unseal's.
type vault struct{}

func (vault) Name() string { return "vault" }

func (vault) About() string { return "a server of Vault on each server, over TLS" }

func (vault) Plan(ctx context.Context, w *World) ([]Change, error) {
	parts, err := w.vaultParts(ctx)
	if err != nil {
		return nil, err
	}
	return w.PlanParts(ctx, parts)
}

func (vault) Do(ctx context.Context, w *World) error {
	parts, err := w.vaultParts(ctx)
	if err != nil {
		return err
	}
	before := w.seals(ctx)
	within := 2 * time.Minute
	if w.Fleet.Seal.Kind == fleet.Shares {
		within = 30 * time.Second // nobody unseals it meanwhile
	}
	err = w.MakeParts(ctx, Cluster{
		Parts: parts, Within: within,
		// A server that was open is to be open again before the next one is restarted: the others hold the quorum.
		Healthy: func(ctx context.Context) error {
			now := w.seals(ctx)
			for _, m := range w.Fleet.Of(fleet.Server) {
				switch is, was := now[m.Name], before[m.Name]; {
				case is.err != nil:
					return is.err
				case was.open() && !is.open():
					return w.sealed(m.Name)
				}
			}
			return nil
		},
		Leader: w.vaultLeader,
	})
	return w.whyClosed(ctx, err)
}

// whyClosed adds to an error what a server of Vault that does not answer, or else one that is sealed, writes of it.
func (w *World) whyClosed(ctx context.Context, err error) error {
	if paas.CodeOf(err) != paas.Unavailable {
		return err
	}
	states := w.seals(ctx)
	for _, ill := range []func(s sealState) bool{
		func(s sealState) bool { return s.err != nil },
		func(s sealState) bool { return s.Initialized && s.Sealed },
	} {
		for _, m := range w.Fleet.Of(fleet.Server) {
			if ill(states[m.Name]) {
				return w.withWords(ctx, m, agents.VaultService(m), err)
			}
		}
	}
	return err
}

func (vault) Undo(ctx context.Context, w *World) error {
	parts, err := w.vaultParts(ctx)
	if err != nil {
		return err
	}
	if err := w.EndParts(ctx, parts); err != nil {
		return err
	}
	return w.forget(ctx, keptVaultNew, KeptVaultToken, KeptShares, KeptRecovery)
}

// forget takes names out of what is kept.
func (w *World) forget(ctx context.Context, names ...string) error {
	for _, name := range names {
		if w.Kept.Get(name) == "" {
			continue
		}
		if err := w.Kept.Put(ctx, name, ""); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) vaultParts(ctx context.Context) ([]Part, error) {
	secrets, err := w.sealSecrets(ctx)
	if err != nil {
		return nil, err
	}
	certificate, key := agents.Cert(fleet.Vault)
	var parts []Part
	for _, m := range w.Fleet.Of(fleet.Server) {
		service := agents.VaultService(m)
		parts = append(parts, Part{
			Machine: m, Service: service, Version: w.Fleet.Program(fleet.Vault).Version,
			Files:   filesOf(agents.VaultFiles(w.Fleet, m, secrets), service.User),
			Watched: []string{agents.CAFile, certificate, key},
			Breaks:  w.vaultBreaks(m),
		})
	}
	return parts, nil
}

func (w *World) vaultBreaks(m fleet.Machine) string {
	if w.Fleet.Seal.Kind == fleet.Shares {
		return fmt.Sprintf("Vault on %s is sealed until %d shares unseal it; the others serve.", m.Name, w.Fleet.Seal.Threshold)
	}
	return ""
}

// sealSecrets reads from files here what a transit seal needs.
func (w *World) sealSecrets(ctx context.Context) (s agents.VaultSecrets, err error) {
	seal := w.Fleet.Seal
	if seal.Kind != fleet.Transit {
		return s, nil
	}
	if s.SealToken, err = w.sealFile(ctx, "token", seal.TokenFile); err != nil {
		return s, err
	}
	authority, err := w.sealFile(ctx, "authority", seal.CAFile)
	if err != nil || authority == "" {
		return s, err
	}
	if !x509.NewCertPool().AppendCertsFromPEM([]byte(authority)) {
		return s, paas.Errorf(paas.Invalid, "The file %s of the authority of Vault's seal holds no certificate: write it in PEM, -----BEGIN CERTIFICATE-----.", seal.CAFile)
	}
	s.SealCA = authority + "\n"
	return s, nil
}

// sealFile reads one, "" where none is named.
func (w *World) sealFile(ctx context.Context, what, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	file, err := w.Open(ctx, path)
	if err != nil {
		return "", paas.Wrap(paas.CodeOf(err), err, "The %s of Vault's seal can't be read from %s. Check seal \"transit\".", what, path)
	}
	defer func() { _ = file.Close() }() // only read
	text, err := io.ReadAll(io.LimitReader(file, 64<<10))
	if err != nil {
		return "", paas.Wrap(paas.Invalid, err, "The %s of Vault's seal can't be read from %s.", what, path)
	}
	if text = bytes.TrimSpace(text); len(text) == 0 {
		return "", paas.Errorf(paas.Invalid, "The file %s of the %s of Vault's seal is empty.", path, what)
	}
	return string(text), nil
}

// sealState is what one server of Vault says of itself.
type sealState struct {
	Initialized bool `json:"initialized"`
	Sealed      bool `json:"sealed"`
	Progress    int  `json:"progress"`
	err         error
}

func (s sealState) open() bool { return s.err == nil && s.Initialized && !s.Sealed }

// seals asks each server of Vault, without a token.
func (w *World) seals(ctx context.Context) map[string]sealState {
	all := map[string]sealState{}
	for _, m := range w.Fleet.Of(fleet.Server) {
		all[m.Name] = w.seal(ctx, m.Name)
	}
	return all
}

func (w *World) seal(ctx context.Context, machine string) (s sealState) {
	s.err = w.Send(ctx, Request{Machine: machine, Program: fleet.Vault, Method: http.MethodGet, Path: "/v1/sys/seal-status", NoToken: true, Out: &s})
	return s
}

// sealed says what to do about a server that only keepers can open.
func (w *World) sealed(machine string) error {
	if w.Fleet.Seal.Kind == fleet.Shares {
		return paas.Errorf(paas.Conflict, "Vault on %s is sealed. Have %d shares brought by crumpet cluster unseal, then run up again.", machine, w.Fleet.Seal.Threshold)
	}
	return paas.Errorf(paas.Unavailable, "Vault on %s is sealed, though it should unseal itself: its log says what keeps it from the key (%s).", machine, w.Fleet.Seal.Kind)
}

// vaultLeader is the machine whose server leads, "" where none does.
func (w *World) vaultLeader(ctx context.Context) (string, error) {
	for _, m := range w.Fleet.Of(fleet.Server) {
		var leader struct {
			Self bool `json:"is_self"`
		}
		err := w.Send(ctx, Request{Machine: m.Name, Program: fleet.Vault, Method: http.MethodGet, Path: "/v1/sys/leader", NoToken: true, Out: &leader})
		if err == nil && leader.Self {
			return m.Name, nil
		}
	}
	return "", nil
}
