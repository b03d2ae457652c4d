package static

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// drain is how long requests under way may take once the end has come: less than the 10 s an instance
// has by default between the stop signal and SIGKILL.
const drain = 8 * time.Second

// Serve serves dir at addr until ctx ends, and then finishes the requests under way.
func Serve(ctx context.Context, dir, addr string) error {
	site, err := Open(dir)
	if err != nil {
		return fmt.Errorf("open site: %w", err)
	}
	defer site.Close() //nolint:errcheck // nothing was written
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{Handler: site, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve site: %w", err)
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	err = server.Shutdown(ending)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close()
	}
	if err != nil {
		return fmt.Errorf("end site: %w", err)
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve site: %w", err)
	}
	return nil
}
