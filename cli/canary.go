package cli

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"
)

// canaryFiles are the source of the app that `crumpet cluster verify` pushes.
//
//go:embed canary
var canaryFiles embed.FS

const (
	canaryMark    = "VERIFY_CANARY" // where it is set, `crumpet static` answers as a canary
	canarySecret  = "VERIFY_SECRET" //nolint:gosec // a name
	canaryGrace   = 5 * time.Second
	canaryPattern = "canary heard "
)

// canaryAnswer is what a canary says of itself. Of its secret it tells the digest.
type canaryAnswer struct {
	Alloc  string `json:"alloc"`
	Secret string `json:"secret"` // SHA-256, "" without one
}

// serveCanary answers every request, and writes a line for each that brings a mark. It is what runs on a node, as
// `crumpet static` does: that program comes with every artifact of a static site, and no compiler is needed.
func serveCanary(ctx context.Context, out io.Writer, listen string) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", listen, err)
	}
	server := &http.Server{
		ReadHeaderTimeout: canaryGrace,
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if mark := r.URL.Query().Get("mark"); mark != "" {
				_, _ = fmt.Fprintf(out, "%s%q\n", canaryPattern, mark) // nobody is there to be told
			}
			answer := canaryAnswer{Alloc: os.Getenv("NOMAD_ALLOC_ID")}
			if secret := os.Getenv(canarySecret); secret != "" {
				answer.Secret = digestOf(secret)
			}
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(answer) // a reader that left needs no answer
		}),
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		<-ctx.Done()
		quiet, cancel := context.WithTimeout(context.WithoutCancel(ctx), canaryGrace)
		defer cancel()
		_ = server.Shutdown(quiet) // what is left is cut with the process
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	<-ended
	return nil
}

func digestOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
