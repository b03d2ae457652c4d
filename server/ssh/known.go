package ssh

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// known are the keys of machines.
type known struct {
	path  string
	trust bool
	port  int

	mu sync.Mutex // guards the file
}

// check finds a file that is none, before the first machine is spoken to.
func (k *known) check() error {
	_, err := k.read()
	return err
}

func (k *known) read() (ssh.HostKeyCallback, error) {
	callback, err := knownhosts.New(k.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return func(string, net.Addr, ssh.PublicKey) error { return &knownhosts.KeyError{} }, nil
	case err != nil:
		return nil, paas.Wrap(paas.Invalid, err, "The file of known hosts, %s, can't be read: %s.", k.path, err)
	}
	return callback, nil
}

// algorithms are those of the keys that are known of a machine: asked for another one, it would show a key that
// looks changed. None, and so all, for a machine that is not known.
func (k *known) algorithms(at string) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	callback, err := k.read()
	if err != nil {
		return nil // verify says it
	}
	probe, err := ssh.NewPublicKey(ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if err != nil {
		return nil
	}
	var list []string
	if mismatch, ok := errors.AsType[*knownhosts.KeyError](callback(at, tcp(at), probe)); ok {
		for _, want := range mismatch.Want {
			switch kind := want.Key.Type(); kind {
			case ssh.KeyAlgoRSA:
				list = append(list, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512)
			default:
				list = append(list, kind)
			}
		}
	}
	return slices.Compact(list)
}

// verify is nil for a key that is known, or was just written down.
func (k *known) verify(name, at string, remote net.Addr, key ssh.PublicKey) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	callback, err := k.read()
	if err != nil {
		return err
	}
	err = callback(at, remote, key)
	if err == nil {
		return nil
	}
	shown := ssh.FingerprintSHA256(key)
	mismatch, isMismatch := errors.AsType[*knownhosts.KeyError](err)
	switch {
	case !isMismatch:
		return paas.Wrap(paas.Forbidden, err, "Machine %q at %s shows a key that %s forbids.", name, at, k.path)
	case len(mismatch.Want) > 0:
		return paas.Errorf(paas.Forbidden, "Machine %q at %s shows another key (%s) than %s has in line %d. If it was made anew, remove the old key with `ssh-keygen -R '%s' -f %s`; if not, somebody may be in between.",
			name, at, shown, k.path, mismatch.Want[0].Line, knownhosts.Normalize(at), k.path)
	case !k.trust:
		return paas.Errorf(paas.Forbidden, "The key of machine %q at %s is not known. It shows %s: compare, then run `%s`, or use --trust-new-hosts.", name, at, shown, k.scan(at))
	}
	return k.add(at, key)
}

// scan is the command that writes a key down.
func (k *known) scan(at string) string {
	host, port, _ := net.SplitHostPort(at)
	option := ""
	if port != "22" {
		option = "-p " + port + " "
	}
	return fmt.Sprintf("ssh-keyscan %s%s >> %s", option, host, k.path)
}

func (k *known) add(at string, key ssh.PublicKey) error {
	fail := func(err error) error {
		return paas.Wrap(paas.Invalid, err, "The key of %s can't be written to %s.", at, k.path)
	}
	if err := os.MkdirAll(filepath.Dir(k.path), 0o700); err != nil {
		return fail(err)
	}
	before, err := os.ReadFile(k.path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fail(err)
	}
	line := knownhosts.Line([]string{at}, key) + "\n"
	if len(before) > 0 && !bytes.HasSuffix(before, []byte("\n")) {
		line = "\n" + line
	}
	file, err := os.OpenFile(k.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fail(err)
	}
	buffer := bufio.NewWriter(file)
	_, _ = buffer.WriteString(line) // Flush gives its error
	if err := errors.Join(buffer.Flush(), file.Close()); err != nil {
		return fail(err)
	}
	return nil
}

// tcp is the address that a name has, as the callback wants it: IP addresses are all that a fleet has.
func tcp(at string) net.Addr {
	host, _, _ := net.SplitHostPort(at)
	return &net.TCPAddr{IP: net.ParseIP(strings.Trim(host, "[]"))}
}
