package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/devstack"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// devAdmin is who signs in at the pages of a dev.
const devAdmin = "admin"

// devLogin is the local admin of a dev.
type devLogin struct {
	password string
	made     bool // just now
}

// read reads the password of the admin from its file, which is made when missing (mode 0600).
func (l *devLogin) read(data string) error {
	path := filepath.Join(data, "admin-password")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		l.made, text = true, []byte(strings.ToLower(rand.Text())+"\n")
		err = os.WriteFile(path, text, 0o600)
	}
	l.password = strings.TrimSpace(string(text))
	return err
}

// devServes does what an operator would do first, once the server of a dev serves. A dev goes on without: what
// could not be done is said.
func (s *session) devServes(ctx context.Context, stack devstack.Stack, token string, admin *devLogin) error {
	api, err := client.New(client.Config{Addr: stack.Addr, Token: token})
	if err != nil {
		return err
	}
	if err := admin.make(ctx, api); err != nil && ctx.Err() == nil {
		s.say("Nobody can sign in at the pages: %s", sentenceOf(err))
	}
	return s.devDatabases(ctx, stack, token)
}

// make makes the admin. One that is there keeps its password, which a person may have changed, unless the file
// of it was deleted.
func (l *devLogin) make(ctx context.Context, api *client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := api.CreateUser(ctx, wire.CreateUser{Name: devAdmin, Admin: true, Password: wire.Value(l.password)})
	if paas.CodeOf(err) != paas.Conflict {
		return err
	}
	if !l.made {
		return nil
	}
	password := wire.Value(l.password)
	_, err = api.UpdateUser(ctx, devAdmin, wire.UpdateUser{Password: &password})
	return err
}
