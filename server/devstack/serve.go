package devstack

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/crumpet-paas/crumpet/server/devstack/consul"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/executor"
	"github.com/crumpet-paas/crumpet/server/devstack/router"
	"github.com/crumpet-paas/crumpet/server/devstack/vault"
)

// options are the flags of Serve; each part reads those it knows.
type options struct {
	listen, admin, metrics string
	data, dir              string
	nomad, name            string
	consul, vault          string
	minPort, maxPort       int
	log                    *slog.Logger
}

// Serve is the body of `crumpet devstack NAME ...`: a stand-in (consul, vault, nomad, router), a further client of
// Nomad's, a task's executor or the guard. It logs to stderr, ends gracefully on SIGTERM, and returns the exit code.
func Serve(ctx context.Context, name string, args []string, stderr io.Writer) int {
	if name == "executor" {
		return executor.Main(args, os.Stdin, os.Stdout)
	}
	level := slog.LevelInfo
	if os.Getenv("CRUMPET_DEV_DEBUG") != "" {
		level = slog.LevelDebug
	}
	o := options{log: slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level}))}
	flags := flag.NewFlagSet("crumpet devstack "+name, flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.listen, "listen", "", "host:port to serve on")
	flags.StringVar(&o.admin, "admin", "", "host:port of the router's admin API")
	flags.StringVar(&o.metrics, "metrics", "", "host:port of the router's metrics")
	flags.StringVar(&o.data, "data", "", "folder of the state")
	flags.StringVar(&o.dir, "dir", "", "data folder of the dev that the guard guards")
	flags.StringVar(&o.nomad, "nomad", "", "URL of the Nomad that a further client belongs to")
	flags.StringVar(&o.name, "name", "", "name of a client's node; the host's unless said")
	flags.StringVar(&o.consul, "consul", "", "URL of Consul")
	flags.StringVar(&o.vault, "vault", "", "URL of Vault")
	flags.IntVar(&o.minPort, "min-port", 0, "first dynamic port for tasks")
	flags.IntVar(&o.maxPort, "max-port", 0, "last dynamic port for tasks")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	parts := map[string]func(context.Context, options) error{
		"consul": serveConsul, "vault": serveVault, "nomad": serveNomad, "router": serveRouter, "client": serveClient,
		"guard": func(_ context.Context, o options) error { return serveGuard(o) },
	}
	part, ok := parts[name]
	if !ok {
		o.log.Error("no such part of the stack", "name", name)
		return 2
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := part(ctx, o); err != nil {
		o.log.Error("stopped", "name", name, "err", err)
		return 1
	}
	return 0
}

func serveConsul(ctx context.Context, o options) error {
	s, err := consul.Open(consul.Config{Data: o.data, Log: o.log})
	if err != nil {
		return err
	}
	return serveHTTP(ctx, o, s, s.Run)
}

func serveVault(ctx context.Context, o options) error {
	s, err := vault.Open(vault.Config{Data: o.data, Log: o.log})
	if err != nil {
		return err
	}
	return serveHTTP(ctx, o, s, s.Run)
}

// serveNomad starts tasks by this same program: "devstack executor".
func serveNomad(ctx context.Context, o options) error {
	s, err := nomad.Open(nomad.Config{
		Data: o.data, ConsulAddr: o.consul, VaultAddr: o.vault, Advertise: o.listen,
		Name: o.name, DynamicPortMin: o.minPort, DynamicPortMax: o.maxPort, Log: o.log,
	})
	if err != nil {
		return err
	}
	return serveHTTP(ctx, o, s, s.Run)
}

// serveClient is a further node of the stand-in's.
func serveClient(ctx context.Context, o options) error {
	return nomad.Attach(ctx, o.nomad, nomad.ClientSpec{Name: o.name, MinPort: o.minPort, MaxPort: o.maxPort}, o.log)
}

func serveRouter(ctx context.Context, o options) error {
	s, err := router.Open(router.Config{
		Listen: o.listen, Admin: o.admin, Metrics: o.metrics, ConsulAddr: o.consul, KVPath: kvPath, ChecksRequired: "all",
		ShutdownWait: shutdownWait, Log: o.log,
	})
	if err != nil {
		return err
	}
	return s.Run(ctx)
}

func serveGuard(o options) error {
	if o.dir == "" {
		return errors.New("--dir is missing: without it there is nothing to guard")
	}
	guard(o.log, os.Stdin, o.dir)
	return nil
}

// serveHTTP serves a stand-in's API while its loops run. At the end blocking queries get a moment to finish.
func serveHTTP(ctx context.Context, o options, h http.Handler, run func(context.Context) error) error {
	listener, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	o.log.Info("listening", "addr", listener.Addr().String())
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() {
		served <- server.Serve(listener)
		cancel()
	}()
	failure := run(ctx)
	cancel()
	bounded, stop := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer stop()
	if err := server.Shutdown(bounded); err != nil {
		_ = server.Close()
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		failure = errors.Join(failure, err)
	}
	return failure
}
