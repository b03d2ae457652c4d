package sealed_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
	"filippo.io/age/armor"
	gossh "golang.org/x/crypto/ssh"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/sealed"
)

const passphrase = "open sesame"

// pair is a key file and its public key.
type pair struct{ path, public string }

func write(t *testing.T, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func ageKey(t *testing.T) pair {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	return pair{write(t, []byte("# created by a test\n"+id.String()+"\n")), id.Recipient().String()}
}

// encryptedAgeKey is what `age-keygen | age -p` gives.
func encryptedAgeKey(t *testing.T, armored bool) pair {
	t.Helper()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	to, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		t.Fatal(err)
	}
	to.SetWorkFactor(10)
	var text bytes.Buffer
	var out io.WriteCloser = nopCloser{&text}
	if armored {
		out = armor.NewWriter(&text)
	}
	w, err := age.Encrypt(out, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, id.String()); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Close(), out.Close()); err != nil {
		t.Fatal(err)
	}
	return pair{write(t, text.Bytes()), id.Recipient().String()}
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

func sshKey(t *testing.T, kind string, locked bool) pair {
	t.Helper()
	var private any
	var err error
	if kind == "rsa" {
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	} else {
		_, private, err = ed25519.GenerateKey(rand.Reader)
	}
	if err != nil {
		t.Fatal(err)
	}
	signer, err := gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(private, "")
	if locked {
		block, err = gossh.MarshalPrivateKeyWithPassphrase(private, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return pair{write(t, pem.EncodeToMemory(block)), string(gossh.MarshalAuthorizedKey(signer.PublicKey())) + " "}
}

func asks(answer string) sealed.Ask {
	return func(string) ([]byte, error) { return []byte(answer), nil }
}

func wantCode(t *testing.T, err error, code paas.Code, words ...string) {
	t.Helper()
	if paas.CodeOf(err) != code {
		t.Fatalf("code %q of %v, want %q", paas.CodeOf(err), err, code)
	}
	for _, word := range words {
		if !strings.Contains(paas.MessageOf(err), word) {
			t.Errorf("%q does not name %q", paas.MessageOf(err), word)
		}
	}
}

func TestEachKeeperOpensWhatIsSealedToAll(t *testing.T) {
	t.Parallel()
	keys := map[string]pair{
		"age": ageKey(t), "age with a passphrase": encryptedAgeKey(t, false), "age with a passphrase, armored": encryptedAgeKey(t, true),
		"ed25519": sshKey(t, "ed25519", false), "ed25519 with a passphrase": sshKey(t, "ed25519", true),
		"rsa": sshKey(t, "rsa", false), "rsa with a passphrase": sshKey(t, "rsa", true),
	}
	var public []string
	for _, k := range keys {
		public = append(public, k.public)
	}
	to, err := sealed.NewRecipients(public...)
	if err != nil {
		t.Fatal(err)
	}
	text, err := to.SealBytes([]byte("the secret"))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(text, []byte("the secret")) {
		t.Fatal("it is not sealed")
	}
	stranger := ageKey(t)
	for name, k := range keys {
		with, err := sealed.ReadIdentities(asks(passphrase), stranger.path, k.path)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if plain, err := with.OpenBytes(text); err != nil || string(plain) != "the secret" {
			t.Errorf("%s: %q, %v", name, plain, err)
		}
		if err := with.OneOf(to); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	with, err := sealed.ReadIdentities(nil, stranger.path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = with.OpenBytes(text)
	wantCode(t, err, paas.Forbidden, "others", stranger.path)
	wantCode(t, with.OneOf(to), paas.Forbidden)
	_, err = sealed.Identities{}.OpenBytes(text)
	wantCode(t, err, paas.Forbidden, "--identity")
}

func TestWrongAndMissingPassphrasesAreSaid(t *testing.T) {
	t.Parallel()
	for _, k := range []pair{encryptedAgeKey(t, false), sshKey(t, "ed25519", true)} {
		to, err := sealed.NewRecipients(k.public)
		if err != nil {
			t.Fatal(err)
		}
		for _, ask := range []sealed.Ask{asks("wrong"), nil} {
			with, err := sealed.ReadIdentities(ask, k.path)
			if err == nil {
				err = with.OneOf(to)
			}
			if err == nil {
				t.Fatal("opened without the passphrase")
			}
			if ask == nil {
				wantCode(t, err, paas.Invalid, "assphrase of "+k.path)
			}
		}
	}
}

func TestAStreamIsOpenedWholeOrNotAtAll(t *testing.T) {
	t.Parallel()
	key := ageKey(t)
	to, err := sealed.NewRecipients(key.public)
	if err != nil {
		t.Fatal(err)
	}
	plain := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
	var text bytes.Buffer
	w, err := to.Seal(&text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(w, bytes.NewReader(plain)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	with, err := sealed.ReadIdentities(nil, key.path)
	if err != nil {
		t.Fatal(err)
	}
	r, err := with.Open(bytes.NewReader(text.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	cut := text.Bytes()[:text.Len()-100]
	_, err = with.OpenBytes(cut)
	wantCode(t, err, paas.Invalid, "not whole")
	changed := bytes.Clone(text.Bytes())
	changed[len(changed)/2] ^= 1
	_, err = with.OpenBytes(changed)
	wantCode(t, err, paas.Invalid, "broken")
	_, err = with.OpenBytes([]byte("hello"))
	wantCode(t, err, paas.Invalid)
}

func TestKeysThatAreNoneAreNamed(t *testing.T) {
	t.Parallel()
	_, err := sealed.NewRecipients()
	wantCode(t, err, paas.Invalid)
	private := "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"
	_, err = sealed.NewRecipients(ageKey(t).public, private)
	wantCode(t, err, paas.Invalid, "ssh-ed25519")
	if strings.Contains(paas.MessageOf(err), private) {
		t.Error("a private key is shown")
	}
	_, err = sealed.ReadIdentities(nil, "/none/key")
	wantCode(t, err, paas.NotFound, "/none/key", "--identity")
	path := write(t, []byte("hello"))
	_, err = sealed.ReadIdentities(nil, path)
	wantCode(t, err, paas.Invalid, path, "age-keygen")
}
