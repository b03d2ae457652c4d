package server

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/crumpet-paas/crumpet/server/auth"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/vault"
)

// TokenFile is the file in the data folder that holds the first token.
const TokenFile = "root-token"

// LockFolder makes sure that one server at a time has the data folder: SQLite would let two write, and
// both would take themselves for the leader.
func LockFolder(dir string) (*os.File, error) {
	path := filepath.Join(dir, "server.lock")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, paas.Wrap(paas.Internal, err, "The lock file %s can't be opened.", path)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close() // the lock's error is the one to report
		return nil, paas.Wrap(paas.Conflict, err, "Another crumpet server uses the data folder %s. Stop it first, or set another folder with `data`.", dir)
	}
	return f, nil
}

// firstToken adopts the token of the first user, if the store knows none yet. The file is written
// before the store, so that a crash between the two leaves a file that the next start adopts, never a
// token that nobody knows. Of several servers that start at once one has its token adopted, and the others
// take their files back.
func (s *Server) firstToken(ctx context.Context) error {
	known, err := s.store.Tokens(ctx)
	if err != nil || len(known) > 0 {
		return err
	}
	if s.cfg.FirstToken != "" {
		return s.givenToken(ctx)
	}
	path := filepath.Join(s.cfg.Data, TokenFile)
	_, err = os.Stat(path)
	made := errors.Is(err, fs.ErrNotExist) // else somebody put it there, who may know it from elsewhere
	plain, err := RootToken(s.cfg.Data)
	if err != nil {
		return err
	}
	adopted, err := s.auth.AdoptFirst(ctx, "root", plain)
	switch {
	case err != nil:
		return err
	case adopted:
		s.log.Info("first token adopted", "path", path)
	case made:
		return os.Remove(path)
	}
	return nil
}

// givenToken adopts the first token that an operator has chosen. Of several servers that start at once one adopts it.
func (s *Server) givenToken(ctx context.Context) error {
	text, err := os.ReadFile(s.cfg.FirstToken)
	if err != nil {
		return paas.Wrap(paas.Invalid, err, "The first token can't be read from %s. Check first_token_file.", s.cfg.FirstToken)
	}
	adopted, err := s.auth.AdoptFirst(ctx, "root", strings.TrimSpace(string(text)))
	if err == nil && adopted {
		s.log.Info("first token adopted", "path", s.cfg.FirstToken)
	}
	return err
}

// RootToken gives the first token of the server whose data folder is dir, from its file, which is
// made when missing (mode 0600).
func RootToken(dir string) (string, error) {
	path := filepath.Join(dir, TokenFile)
	text, err := os.ReadFile(path)
	if err == nil {
		return strings.TrimSpace(string(text)), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", paas.Wrap(paas.Internal, err, "The first token can't be read from %s.", path)
	}
	plain := auth.NewToken()
	if err := writeSecret(path, plain); err != nil {
		return "", paas.Wrap(paas.Internal, err, "The first token can't be written to %s.", path)
	}
	return plain, nil
}

func writeSecret(path, text string) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// platformKey reads the key that signs artifact addresses. It waits for a Vault that is starting or
// being unsealed.
func platformKey(ctx context.Context, v *vault.Client, log *slog.Logger) ([]byte, error) {
	ctx, stop := context.WithTimeout(ctx, keyWait)
	defer stop()
	for told := false; ; told = true {
		key, err := v.PlatformKey(ctx, "artifacts")
		if err == nil {
			return key, nil
		}
		if paas.CodeOf(err) != paas.Unavailable {
			return nil, err
		}
		if !told {
			log.Warn("waiting for vault", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(500 * time.Millisecond):
		}
	}
}
