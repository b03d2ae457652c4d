package sealed

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Recipients are those who may open what is sealed: each alone.
type Recipients struct {
	list []age.Recipient
	keys []string // the same as texts, without comments
}

// NewRecipients reads public keys: age1..., ssh-ed25519 or ssh-rsa. Code: invalid, naming the first that is none.
func NewRecipients(publicKeys ...string) (Recipients, error) {
	if len(publicKeys) == 0 {
		return Recipients{}, paas.Errorf(paas.Invalid, "There is nobody to seal for.")
	}
	var r Recipients
	for _, text := range publicKeys {
		text = strings.TrimSpace(text)
		one, err := recipient(text)
		if err != nil {
			return Recipients{}, paas.Wrap(paas.Invalid, err, "%q is not a public key: write age1..., ssh-ed25519 AAAA... or ssh-rsa AAAA... .", first(text))
		}
		r.list = append(r.list, one)
		fields := strings.Fields(text)
		r.keys = append(r.keys, strings.Join(fields[:min(2, len(fields))], " "))
	}
	slices.Sort(r.keys)
	return r, nil
}

func recipient(text string) (age.Recipient, error) {
	if strings.HasPrefix(text, "ssh-") {
		return agessh.ParseRecipient(text)
	}
	list, err := age.ParseRecipients(strings.NewReader(text))
	if err != nil {
		return nil, err
	}
	return list[0], nil
}

// first is enough of a key to know it by. Whoever pastes a private key by mistake does not see it again in a log.
func first(text string) string {
	const enough = 16
	if len(text) > enough {
		return text[:enough] + "..."
	}
	return text
}

// Seal gives a writer for what is to be sealed to w. It is whole only once it is closed without an error.
func (r Recipients) Seal(w io.Writer) (io.WriteCloser, error) {
	sealing, err := age.Encrypt(w, r.list...)
	if err != nil {
		return nil, paas.Wrap(paas.Internal, err, "Sealing failed.")
	}
	return sealing, nil
}

// SealBytes seals a text.
func (r Recipients) SealBytes(plain []byte) ([]byte, error) {
	var buffer bytes.Buffer
	w, err := r.Seal(&buffer)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buffer.Bytes(), nil
}
