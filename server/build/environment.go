package build

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// environment is all that a builder's programs see of the server's.
type environment struct {
	program string   // go
	vars    []string // NAME=value
	secrets []string // parts of the values that must not be shown
}

// The settings by which the toolchain reaches modules, as go itself knows them (also from its own
// file of settings, which the build's HOME does not have).
var toolchainSettings = []string{"GOPROXY", "GONOPROXY", "GOPRIVATE", "GOSUMDB", "GONOSUMDB", "GOINSECURE", "GOTOOLCHAIN"}

// How the network is reached from this machine.
var networkSettings = []string{
	"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR",
}

// environment makes the builder's. Everything else the server was started with, such as its tokens,
// stays out.
func (b *Builds) environment(ctx context.Context, builder paas.Builder) (environment, error) {
	if builder != paas.BuilderGo {
		return environment{}, nil // it runs no program
	}
	program, err := exec.LookPath(b.Go)
	if err != nil {
		return environment{}, paas.Wrap(paas.Unavailable, err,
			"The server has no Go toolchain: %q is not on its PATH. Install Go there, or push what you built with builder = \"none\".", b.Go)
	}
	home := filepath.Join(b.Dir, "home")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return environment{}, paas.Wrap(paas.Internal, err, "The folder for builds can't be written.")
	}
	env := environment{program: program, vars: []string{
		"PATH=" + lookup(b.Environ, "PATH"),
		"HOME=" + home,
		"GOENV=off",
		"GOFLAGS=-modcacherw", // so that an operator can remove the cache like any folder
		"GOCACHE=" + filepath.Join(b.Cache, "build"),
		"GOMODCACHE=" + filepath.Join(b.Cache, "mod"),
		"GOPATH=" + filepath.Join(b.Cache, "path"),
		"CGO_ENABLED=0",
		"GOOS=" + b.OS,
		"GOARCH=" + b.Arch,
	}}
	for _, name := range networkSettings {
		env.add(name, lookup(b.Environ, name))
	}
	settings, err := b.toolchain(ctx, program)
	if err != nil {
		return environment{}, err
	}
	for _, name := range toolchainSettings {
		env.add(name, settings[name])
	}
	return env, nil
}

// toolchain asks go for its settings as it has them for the server.
func (b *Builds) toolchain(ctx context.Context, program string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, program, append([]string{"env", "-json"}, toolchainSettings...)...)
	command.Dir = b.Dir
	command.Env = b.Environ
	ownGroup(command)
	text, err := command.Output()
	if err != nil {
		return nil, paas.Wrap(paas.Unavailable, err, "The Go toolchain on the server does not work: \"go env\" failed.")
	}
	settings := map[string]string{}
	if err := json.Unmarshal(text, &settings); err != nil {
		return nil, paas.Wrap(paas.Unavailable, err, "The Go toolchain on the server does not work: \"go env\" gave no JSON.")
	}
	return settings, nil
}

// add passes a setting on, and remembers passwords in its URLs.
func (e *environment) add(name, value string) {
	if value == "" {
		return
	}
	e.vars = append(e.vars, name+"="+value)
	for part := range strings.FieldsFuncSeq(value, func(r rune) bool { return r == ',' || r == '|' || r == ' ' }) {
		u, err := url.Parse(part)
		if err != nil || u.User == nil {
			continue
		}
		if password, ok := u.User.Password(); ok && password != "" {
			e.secrets = append(e.secrets, password, url.QueryEscape(password), url.PathEscape(password))
		} else if u.User.Username() != "" { // a token in the place of the name
			e.secrets = append(e.secrets, u.User.Username())
		}
	}
	slices.Sort(e.secrets)
	e.secrets = slices.Compact(e.secrets)
}

func lookup(environ []string, name string) string {
	value := ""
	for _, v := range environ { // the last one counts, as for exec
		if rest, ok := strings.CutPrefix(v, name+"="); ok {
			value = rest
		}
	}
	return value
}

// ownGroup makes the command the head of a process group, and the end of its context the end of all
// of the group: go starts compilers and linkers.
func ownGroup(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error {
		if err := syscall.Kill(-command.Process.Pid, syscall.SIGKILL); err != nil {
			return fmt.Errorf("kill process group: %w", err)
		}
		return nil
	}
	command.WaitDelay = 5 * time.Second
}
