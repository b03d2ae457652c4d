package sealed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Identities are the keys that somebody has: what is sealed to one of them opens.
type Identities struct {
	list  []age.Identity
	paths []string
}

// Ask asks for the passphrase of a key file.
type Ask func(prompt string) ([]byte, error)

// ReadIdentities reads key files: what age-keygen writes, also encrypted with a passphrase, and private SSH keys.
// A passphrase is asked for when the key is first needed. Codes: not_found, invalid.
func ReadIdentities(ask Ask, paths ...string) (Identities, error) {
	if ask == nil {
		ask = func(prompt string) ([]byte, error) {
			return nil, paas.Errorf(paas.Invalid, "%s is needed, and there is no terminal to ask for it on.", prompt)
		}
	}
	all := Identities{paths: paths}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if errors.Is(err, os.ErrNotExist) {
			return Identities{}, paas.Errorf(paas.NotFound, "There is no key file %s: name yours with --identity.", path)
		}
		if err != nil {
			return Identities{}, paas.Wrap(paas.Invalid, err, "The key file %s can't be read.", path)
		}
		list, err := identities(path, text, ask)
		if err != nil {
			return Identities{}, err
		}
		all.list = append(all.list, list...)
	}
	return all, nil
}

func identities(path string, text []byte, ask Ask) ([]age.Identity, error) {
	invalid := func(err error) error {
		return paas.Wrap(paas.Invalid, err, "%s holds no key that opens sealed files: name a private SSH key (ed25519 or rsa), or a file of age-keygen.", path)
	}
	switch {
	case bytes.HasPrefix(text, []byte("-----BEGIN AGE ENCRYPTED FILE-----")):
		return encrypted(path, armor.NewReader(bytes.NewReader(text)), ask)
	case bytes.HasPrefix(text, []byte("age-encryption.org/")):
		return encrypted(path, bytes.NewReader(text), ask)
	case bytes.HasPrefix(text, []byte("-----BEGIN")):
		id, err := agessh.ParseIdentity(text)
		if missing, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
			if id, err = withPassphrase(path, text, missing.PublicKey, ask); err != nil {
				return nil, err
			}
		}
		if err != nil {
			return nil, invalid(err)
		}
		return []age.Identity{id}, nil
	}
	list, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, invalid(err)
	}
	return list, nil
}

// withPassphrase gives an SSH key whose passphrase is asked for when something is sealed to it.
func withPassphrase(path string, text []byte, public ssh.PublicKey, ask Ask) (age.Identity, error) {
	if public == nil { // of the old format: the public key stands beside it
		line, err := os.ReadFile(path + ".pub")
		if err != nil {
			return nil, paas.Wrap(paas.Invalid, err, "The key %s has a passphrase and an old format: its public key is needed too, as %s.pub.", path, path)
		}
		if public, _, _, _, err = ssh.ParseAuthorizedKey(line); err != nil {
			return nil, paas.Wrap(paas.Invalid, err, "%s.pub is not a public key.", path)
		}
	}
	id, err := agessh.NewEncryptedSSHIdentity(public, text, func() ([]byte, error) { return ask("Passphrase of " + path) })
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "The key %s can't open sealed files: ed25519 and rsa can.", path)
	}
	return id, nil
}

// encrypted opens a file of age-keygen that has a passphrase.
func encrypted(path string, text io.Reader, ask Ask) ([]age.Identity, error) {
	passphrase, err := ask("Passphrase of " + path)
	if err != nil {
		return nil, err
	}
	key, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "That is no passphrase.")
	}
	plain, err := age.Decrypt(text, key)
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "The key file %s does not open with that passphrase.", path)
	}
	list, err := age.ParseIdentities(plain)
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "%s holds no key of age.", path)
	}
	return list, nil
}

// Open gives a reader of what was sealed. What it gives is genuine up to where it is read; that it is whole is
// known at its end. Codes: forbidden for what is sealed to others, invalid for what was changed or is not sealed.
func (i Identities) Open(r io.Reader) (io.Reader, error) {
	if len(i.list) == 0 {
		return nil, paas.Errorf(paas.Forbidden, "There is no key to open it with: name a key file with --identity.")
	}
	plain, err := age.Decrypt(r, i.list...)
	if none, ok := errors.AsType[*age.NoIdentityMatchError](err); ok {
		// A key whose passphrase was wrong or not given says why it did not fit.
		if why, ok := errors.AsType[*paas.Error](none); ok {
			return nil, why
		}
		return nil, paas.Wrap(paas.Forbidden, err, "It is sealed to others than %s.", strings.Join(i.paths, ", "))
	}
	if err != nil {
		if why, ok := errors.AsType[*paas.Error](err); ok {
			return nil, why
		}
		return nil, paas.Wrap(paas.Invalid, err, "It can't be opened: %s.", err)
	}
	return &opened{plain}, nil
}

// opened gives the errors of a reader their code.
type opened struct{ plain io.Reader }

func (o *opened) Read(p []byte) (int, error) {
	n, err := o.plain.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = paas.Wrap(paas.Invalid, err, "What was sealed is broken or not whole.")
	}
	return n, err
}

// OpenBytes opens a text.
func (i Identities) OpenBytes(sealed []byte) ([]byte, error) {
	r, err := i.Open(bytes.NewReader(sealed))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(r)
}

// OneOf is an error unless one of the keys opens what is sealed to the recipients. It may ask for a passphrase.
func (i Identities) OneOf(r Recipients) error {
	sealed, err := r.SealBytes([]byte("?"))
	if err != nil {
		return err
	}
	if _, err = i.OpenBytes(sealed); err != nil {
		return fmt.Errorf("try to open what is sealed to all keepers: %w", err)
	}
	return nil
}
