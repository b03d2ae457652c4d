package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Cost is how much work a hash by argon2id takes. It stands in the hash, so hashes of different costs may be in
// one store, and those of another than today's are made anew when their password is given.
type Cost struct {
	Memory  uint32 // KiB
	Time    uint32 // passes
	Threads uint8  // lanes
}

// DefaultCost is the second recommended option of RFC 9106, section 4: that for machines on which 2 GiB for one
// hash are too much. OWASP's list of passwords' storage begins below it.
func DefaultCost() Cost { return Cost{Memory: 64 << 10, Time: 3, Threads: 4} }

const (
	argonSalt = 16 // bytes
	argonKey  = 32 // bytes
)

const (
	// MinPassword is the shortest password, in characters: NIST SP 800-63B asks for 8 at least and OWASP's
	// ASVS for 12. Neither wants rules about kinds of letters: they make passwords that end in "1!".
	MinPassword = 12
	// MaxPassword bounds the work of reading one; a phrase fits.
	MaxPassword = 256

	hashesAtOnce = 4                // of DefaultCost 256 MiB at most, however many sign in
	hashWithin   = 10 * time.Second // for a turn to hash
)

// CheckPassword says with code invalid why a password is not taken for a user.
func CheckPassword(user, plain string) error {
	length, lower := utf8.RuneCountInString(plain), strings.ToLower(plain)
	switch {
	case !utf8.ValidString(plain):
		return weak("The password is not UTF-8 text.")
	case length < MinPassword:
		return weak("The password has %d characters; it takes at least %d. Some words in a row that nobody would say are a good one.", length, MinPassword)
	case len(plain) > MaxPassword:
		return weak("The password has %d bytes; at most %d are taken.", len(plain), MaxPassword)
	case user != "" && strings.Contains(lower, user) && strings.Trim(strings.ReplaceAll(lower, user, ""), "0123456789 .-_!") == "":
		return weak("The password is little more than the user's name, which is the first thing that is tried. Choose another one.")
	case distinct(plain) < 5:
		return weak("The password repeats a few characters, which is soon tried. Choose one with at least 5 different ones.")
	}
	return nil
}

func weak(format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	return &paas.Error{Code: paas.Invalid, Message: message, Faults: []paas.Fault{{Location: "password", Message: message}}}
}

func distinct(s string) int {
	seen := map[rune]bool{}
	for _, r := range s {
		seen[r] = true
	}
	return len(seen)
}

// Passwords hashes and verifies passwords, a few at once.
type Passwords struct {
	cost  Cost
	turns chan struct{} // one for each hash under way
	dummy string        // hash of a password that nobody has
}

// NewPasswords makes a Passwords whose hashes are of a cost; without one, of DefaultCost.
func NewPasswords(cost Cost) *Passwords {
	if cost == (Cost{}) {
		cost = DefaultCost()
	}
	salt, key := make([]byte, argonSalt), make([]byte, argonKey)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the program instead
	_, _ = rand.Read(key)
	return &Passwords{cost: cost, turns: make(chan struct{}, hashesAtOnce), dummy: phc{cost, salt, key}.String()}
}

// Hash gives a password's hash as a PHC string. Code: limited when too many are being hashed.
func (p *Passwords) Hash(ctx context.Context, plain string) (string, error) {
	salt := make([]byte, argonSalt)
	_, _ = rand.Read(salt) // never fails: crypto/rand ends the program instead
	key, err := p.derive(ctx, plain, phc{Cost: p.cost, salt: salt, key: make([]byte, argonKey)})
	if err != nil {
		return "", err
	}
	return phc{p.cost, salt, key}.String(), nil
}

// Verify says whether a password has a hash, and whether the hash is to be made anew with the parameters of
// today. Without a hash it does the same work, and says no. Codes: limited when too many are being hashed,
// internal when the hash can't be read.
func (p *Passwords) Verify(ctx context.Context, hashed, plain string) (ok, stale bool, err error) {
	none := hashed == ""
	if none {
		hashed = p.dummy
	}
	want, err := parsePHC(hashed)
	if err != nil {
		return false, false, paas.Wrap(paas.Internal, err, "A password's hash in the store can't be read.")
	}
	if len(plain) > MaxPassword {
		plain = "" // none has that length: as much work as for any other that is wrong
	}
	got, err := p.derive(ctx, plain, want)
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(got, want.key) == 1 && !none
	return ok, ok && (want.Cost != p.cost || len(want.key) != argonKey || len(want.salt) != argonSalt), nil
}

// derive waits for its turn: each hash takes its memory, and who asks for many at once is not to take all
// of the server's.
func (p *Passwords) derive(ctx context.Context, plain string, like phc) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, hashWithin)
	defer cancel()
	select {
	case p.turns <- struct{}{}:
	case <-ctx.Done():
		return nil, paas.Wrap(paas.Limited, ctx.Err(), "Too many are signing in at this moment. Try again in a few seconds.")
	}
	defer func() { <-p.turns }()
	return argon2.IDKey([]byte(plain), like.salt, like.Time, like.Memory, like.Threads, uint32(len(like.key))), nil //nolint:gosec // of a few bytes
}

// phc is a hash in the format of the Password Hashing Competition:
//
//	$argon2id$v=19$m=65536,t=3,p=4$SALT$KEY    both base64 without padding
type phc struct {
	Cost
	salt, key []byte
}

// String gives the text that is stored.
func (h phc) String() string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.Memory, h.Time, h.Threads, b64(h.salt), b64(h.key))
}

// The most that a stored hash may ask for: a row that somebody wrote by hand is not to take the machine.
const (
	maxMemory  = 1 << 20 // KiB
	maxTime    = 16
	maxThreads = 16
)

// parsePHC reads a hash. Its errors don't repeat it.
func parsePHC(text string) (phc, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return phc{}, fmt.Errorf("not an argon2id hash of version %d", argon2.Version)
	}
	var h phc
	settings := strings.Split(parts[3], ",")
	if len(settings) != 3 {
		return phc{}, fmt.Errorf("parameters of a hash are not m, t and p")
	}
	numbers := make([]uint32, 3)
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(settings[i], name)
		n, err := strconv.ParseUint(digits, 10, 32)
		most := []uint64{maxMemory, maxTime, maxThreads}[i]
		if !ok || err != nil || n < 1 || n > most {
			return phc{}, fmt.Errorf("parameter %s of a hash is not between 1 and %d", name[:1], most)
		}
		numbers[i] = uint32(n)
	}
	h.Cost = Cost{Memory: numbers[0], Time: numbers[1], Threads: uint8(numbers[2])}
	var err error
	if h.salt, err = base64.RawStdEncoding.Strict().DecodeString(parts[4]); err != nil || len(h.salt) < 8 || len(h.salt) > 64 {
		return phc{}, fmt.Errorf("salt of a hash can't be read")
	}
	if h.key, err = base64.RawStdEncoding.Strict().DecodeString(parts[5]); err != nil || len(h.key) < 16 || len(h.key) > 64 {
		return phc{}, fmt.Errorf("key of a hash can't be read")
	}
	return h, nil
}
