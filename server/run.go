package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// drain is how long requests under way may take once the server is told to stop. Streams end at once.
const drain = 5 * time.Second

// Run serves until ctx ends, then lets requests under way finish. It returns when every goroutine it
// started has returned.
func (s *Server) Run(ctx context.Context) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", s.cfg.Listen, err)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	web := &http.Server{
		Handler:           s.api,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	var loops sync.WaitGroup
	var builds error
	loops.Go(func() {
		s.lead(ctx, func(ctx context.Context, _ int64) error { return s.watch.Run(ctx) }, s.deploy.Run, s.launch.Run, s.services.Run, s.nodes.Run, s.reviver.Run, s.retention.Run, s.repair.Run,
			func(ctx context.Context, epoch int64) error {
				if builds = s.builds.Run(ctx, epoch); builds != nil {
					stop()
				}
				return nil
			})
	})
	loops.Go(func() { _ = s.store.Run(ctx) }) // ends with ctx only
	loops.Go(func() { s.present(ctx, listener.Addr()) })
	loops.Go(func() { s.auth.Run(ctx) })
	loops.Go(func() { s.logs.Run(ctx) })
	loops.Go(func() { s.token.run(ctx) })
	loops.Go(func() { s.audit.Run(ctx) })
	loops.Go(func() { s.api.Warm(ctx) })
	loops.Go(func() { s.doctor.Run(ctx) })
	loops.Go(func() {
		<-ctx.Done()
		quiet, end := context.WithTimeout(context.WithoutCancel(ctx), drain)
		defer end()
		if web.Shutdown(quiet) != nil {
			_ = web.Close() // what is still open after the grace is cut
		}
	})
	s.log.Info("server listening", "address", listener.Addr().String(), "advertise", s.cfg.Advertise)
	err = web.Serve(listener)
	stop()
	loops.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, builds)
}
