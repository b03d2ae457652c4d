package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// target is a server and the token for it.
type target struct {
	addr, token string
}

// devFile is where `crumpet dev`, run in this folder, says how to reach it.
var devFile = filepath.Join(".crumpet", "dev.json")

// target finds the server. Its address is the first of: --addr, CRUMPET_ADDR, a `crumpet dev` that
// runs in this folder, the last login, the default. The token is CRUMPET_TOKEN, or the one that
// login (or dev) stored for that address.
func (s *session) target() (target, error) {
	stored, err := loadCredentials()
	if err != nil {
		return target{}, err
	}
	dev := readDev()
	addr := normalAddr(cmp.Or(s.addr, os.Getenv("CRUMPET_ADDR"), dev.addr, stored.Current, client.DefaultAddr))
	token := os.Getenv("CRUMPET_TOKEN")
	if token == "" && addr == dev.addr {
		token = dev.token
	}
	return target{addr: addr, token: cmp.Or(token, stored.Servers[addr].Token)}, nil
}

func (s *session) teamName() string {
	return cmp.Or(s.team, os.Getenv("CRUMPET_TEAM"), paas.DefaultTeam)
}

// normalAddr makes equal what means the same server.
func normalAddr(addr string) string {
	if !strings.Contains(addr, "://") {
		addr = "http://" + addr
	}
	return strings.TrimSuffix(addr, "/")
}

// readDev reads dev.json. A file that others can write to, or that names another machine, may have
// come with somebody's repository, to have sources sent elsewhere: it is not believed.
func readDev() target {
	info, err := os.Stat(devFile)
	if err != nil || info.Mode().Perm()&0o077 != 0 {
		return target{}
	}
	text, err := os.ReadFile(devFile)
	if err != nil {
		return target{}
	}
	var dev struct{ Addr, Token string }
	if json.Unmarshal(text, &dev) != nil || !loopback(dev.Addr) {
		return target{}
	}
	return target{addr: normalAddr(dev.Addr), token: dev.Token}
}

func loopback(addr string) bool {
	u, err := url.Parse(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip != nil && ip.IsLoopback()
}

// credentials is the file of logins.
type credentials struct {
	Current string                `json:"current,omitempty"` // address of the last login
	Servers map[string]credential `json:"servers"`
}

type credential struct {
	Token string `json:"token"`
}

func credentialsPath() (string, error) {
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", paas.Wrap(paas.Invalid, err, "There is no folder for settings. Set HOME, or use CRUMPET_TOKEN instead of a login.")
	}
	return filepath.Join(dir, "crumpet", "credentials.json"), nil
}

func loadCredentials() (credentials, error) {
	c := credentials{Servers: map[string]credential{}}
	path, err := credentialsPath()
	if err != nil {
		return c, nil //nolint:nilerr // without a home there are no logins; CRUMPET_TOKEN may still do
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &c)
	}
	if err != nil {
		return c, paas.Wrap(paas.Invalid, err, "The file of logins, %s, can't be read. Delete it and log in again.", path)
	}
	if c.Servers == nil {
		c.Servers = map[string]credential{}
	}
	return c, nil
}

// save writes the file as a whole or not at all, readable by its owner only.
func (c credentials) save() error {
	path, err := credentialsPath()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	next, err := os.CreateTemp(filepath.Dir(path), ".credentials-*") // made with mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(next.Name()) //nolint:errcheck // gone already once it was renamed
	_, err = next.Write(append(text, '\n'))
	err = errors.Join(err, next.Sync(), next.Close())
	if err != nil {
		return err
	}
	return os.Rename(next.Name(), path)
}
