package paas_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestASecretShowsItselfToRevealOnly(t *testing.T) {
	t.Parallel()
	secret := paas.NewSecret("hunter2")
	holder := struct {
		Password paas.Secret
		Pointer  *paas.Secret
	}{secret, &secret}
	var seen bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&seen, verb+verb, secret, holder)
	}
	text, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	seen.Write(text)
	log := slog.New(slog.NewJSONHandler(&seen, nil))
	log.Info("x", "secret", secret, "holder", holder)
	slog.New(slog.NewTextHandler(&seen, nil)).Info("x", "secret", secret, "holder", holder)
	if s := seen.String(); strings.Contains(s, "hunter2") || strings.Contains(s, "68756e74657232") || !strings.Contains(s, paas.Hidden) {
		t.Errorf("seen: %s", s)
	}
	if secret.Reveal() != "hunter2" || secret.Empty() || !secret.Equal(paas.NewSecret("hunter2")) || secret.Equal(paas.NewSecret("hunter3")) {
		t.Error("the secret is not what was hidden")
	}
	if none := (paas.Secret{}); !none.Empty() || none.String() != "" {
		t.Error("no secret looks like one")
	}
}
