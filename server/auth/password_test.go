package auth_test

import (
	"context"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/auth"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestPasswordsThatAreTakenAndNot(t *testing.T) {
	t.Parallel()
	for plain, taken := range map[string]bool{
		"correct horse battery":           true,
		"pässwörter zählen":               true,
		"ann-ann-ann-ann":                 false,
		"Ann1234567890":                   false,
		"short":                           false,
		"elevenchars":                     false,
		"twelve chars":                    true,
		"abababababababab":                false,
		"":                                false,
		"not utf-8 at all \xff\xfe":       false,
		strings.Repeat("0123456789", 26):  false,
		strings.Repeat("01234567", 32):    true,
		"ann and a good many other words": true,
	} {
		err := auth.CheckPassword("ann", plain)
		if (err == nil) != taken || (err != nil && paas.CodeOf(err) != paas.Invalid) {
			t.Errorf("%q: %v", plain, err)
		}
		if err != nil && len(plain) > 4 && strings.Contains(err.Error(), plain) {
			t.Errorf("the error repeats the password: %v", err)
		}
	}
}

// RFC 9106, section 4: the second recommended option is argon2id with t=3, p=4, m=2^16 (64 MiB), a salt of 128
// bits and a tag of 256 bits.
func TestWithoutACostAHashIsOfRFC9106sSecondOption(t *testing.T) {
	t.Parallel()
	hashed, err := auth.NewPasswords(auth.Cost{}).Hash(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(hashed, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != "v=19" || parts[3] != "m=65536,t=3,p=4" {
		t.Fatalf("hash is %q", hashed)
	}
	for i, bytes := range map[int]int{4: 16, 5: 32} {
		if b, err := base64.RawStdEncoding.DecodeString(parts[i]); err != nil || len(b) != bytes {
			t.Errorf("part %d of %q has %d bytes, want %d (%v)", i, hashed, len(b), bytes, err)
		}
	}
	ok, stale, err := auth.Cheap().Verify(t.Context(), hashed, "correct horse battery")
	if !ok || !stale || err != nil {
		t.Errorf("by one of another cost: %t, stale %t, %v: the cost is to be read from the hash", ok, stale, err)
	}
}

func TestAHashIsOfThisPasswordOnly(t *testing.T) {
	t.Parallel()
	p := auth.Cheap()
	hashed, err := p.Hash(t.Context(), "correct horse battery")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := p.Hash(t.Context(), "correct horse battery"); err != nil || again == hashed {
		t.Errorf("two hashes of one password are equal, or %v", err)
	}
	for plain, want := range map[string]bool{"correct horse battery": true, "correct horse batterY": false, "": false, strings.Repeat("x", 300): false} {
		ok, stale, err := p.Verify(t.Context(), hashed, plain)
		if ok != want || stale || err != nil {
			t.Errorf("%q: %t, stale %t, %v", plain, ok, stale, err)
		}
	}
}

// The hash is one of the test vectors of the reference implementation (src/test.c).
func TestAHashOfTheReferenceProgramIsUnderstoodAndMadeAnew(t *testing.T) {
	t.Parallel()
	const hashed = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	ok, stale, err := auth.Cheap().Verify(t.Context(), hashed, "password")
	if !ok || !stale || err != nil {
		t.Errorf("%t, stale %t, %v", ok, stale, err)
	}
}

func TestWithoutAHashNothingIsRight(t *testing.T) {
	t.Parallel()
	p := auth.Cheap()
	for _, plain := range []string{"", "x", "correct horse battery"} {
		if ok, _, err := p.Verify(t.Context(), "", plain); ok || err != nil {
			t.Errorf("%q: %t, %v", plain, ok, err)
		}
	}
}

func TestAHashThatCantBeReadIsAFaultAndNotAWrongPassword(t *testing.T) {
	t.Parallel()
	p := auth.Cheap()
	for _, hashed := range []string{
		"plain", "$argon2i$v=19$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=16$m=64,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=99999999,t=1,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=64,t=0,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
		"$argon2id$v=19$m=64,t=1,p=1$c29tZXNhbHQ$", "$argon2id$v=19$m=64,t=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
	} {
		ok, _, err := p.Verify(t.Context(), hashed, "password")
		if ok || paas.CodeOf(err) != paas.Internal || strings.Contains(err.Error(), "CTFhF") {
			t.Errorf("%q: %t, %v", hashed, ok, err)
		}
	}
}

func TestOnlySomeAreHashedAtOnce(t *testing.T) {
	t.Parallel()
	p := auth.Cheap()
	var free []func()
	for range auth.AtOnce {
		free = append(free, p.Hold())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := p.Hash(ctx, "correct horse battery"); paas.CodeOf(err) != paas.Limited {
		t.Errorf("one more than may be at once: %v", err)
	}
	free[0]()
	if _, err := p.Hash(t.Context(), "correct horse battery"); err != nil {
		t.Errorf("after a turn was free: %v", err)
	}
}

func TestLocksGrowFromAMinuteToAnHour(t *testing.T) {
	t.Parallel()
	for failures, want := range map[int]time.Duration{
		0: 0, 1: 0, 4: 0, 5: time.Minute, 6: 2 * time.Minute, 7: 4 * time.Minute, 10: 32 * time.Minute, 11: time.Hour, 12: time.Hour, 1000000: time.Hour,
	} {
		if got := auth.LockFor(failures); got != want {
			t.Errorf("%d failures lock for %s, want %s", failures, got, want)
		}
	}
}

func TestFiveTriesAreLookedAtAndThenOneAfterEachLock(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	user := paas.User{Name: "ann"}
	looked := 0
	for range 50 { // within one moment
		var ok bool
		if user, ok = auth.Attempt(user, now); ok {
			looked++
		}
	}
	if looked != 5 || user.LockedUntil == nil || !user.LockedUntil.Equal(now.Add(time.Minute)) {
		t.Fatalf("%d tries were looked at; locked until %v", looked, user.LockedUntil)
	}
	for _, lock := range []time.Duration{2 * time.Minute, 4 * time.Minute, 8 * time.Minute} {
		now = *user.LockedUntil
		var first, second bool
		user, first = auth.Attempt(user, now)
		user, second = auth.Attempt(user, now.Add(time.Second))
		if !first || second || !user.LockedUntil.Equal(now.Add(lock)) {
			t.Errorf("after a lock: first %t, second %t, locked until %v, want %v", first, second, user.LockedUntil, now.Add(lock))
		}
	}
}
