// Command task is what the jobs of the conformance suite run: a static program without any input but its
// environment, since a task under exec sees nothing else.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	switch {
	case len(os.Args) > 2 && os.Args[1] == "exit":
		code, _ := strconv.Atoi(os.Args[2]) // the suite passes numbers only
		fmt.Fprintln(os.Stderr, "leaving with", code)
		os.Exit(code)
	case len(os.Args) > 3 && os.Args[1] == "after":
		after, _ := time.ParseDuration(os.Args[2]) // none at all is allowed
		select {
		case <-ctx.Done():
		case <-time.After(after):
		}
		code, _ := strconv.Atoi(os.Args[3])
		os.Exit(code)
	case len(os.Args) > 3 && os.Args[1] == "trap":
		trapped := make(chan os.Signal, 1)
		signal.Notify(trapped, map[string]os.Signal{"SIGHUP": syscall.SIGHUP, "SIGUSR1": syscall.SIGUSR1}[os.Args[2]])
		fmt.Println("waiting for", os.Args[2])
		<-trapped
		code, _ := strconv.Atoi(os.Args[3])
		os.Exit(code)
	case len(os.Args) > 2 && os.Args[1] == "flood":
		size, _ := strconv.Atoi(os.Args[2]) // MiB
		for range size << 10 {
			fmt.Println(strings.Repeat("x", 1023))
		}
	case len(os.Args) > 1 && os.Args[1] == "probe":
		probe()
	case len(os.Args) > 1 && os.Args[1] == "stubborn":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("listening to nobody")
		select {}
	case len(os.Args) > 1 && os.Args[1] == "idle":
		<-ctx.Done()
	default:
		serve(ctx)
	}
}

// probe is a check from inside: it says what the file "health" of the allocation holds, and leaves with the
// code it begins with.
func probe() {
	text, err := os.ReadFile(os.Getenv("NOMAD_ALLOC_DIR") + "/data/health")
	if err != nil {
		text = []byte("0 well")
	}
	first, rest, _ := strings.Cut(string(text), " ")
	code, _ := strconv.Atoi(first)
	fmt.Print(rest)
	os.Exit(code)
}

// serve answers on HOST:PORT until SIGTERM.
func serve(ctx context.Context) {
	var sick atomic.Bool
	mux := http.NewServeMux()
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getenv("GREETING")) })
	mux.HandleFunc("/health", func(w http.ResponseWriter, _ *http.Request) {
		if sick.Load() {
			http.Error(w, "sick", http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("POST /grpc.health.v1.Health/Check", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		status := byte(1) // SERVING
		if sick.Load() {
			status = 2
		}
		_, _ = w.Write([]byte{0, 0, 0, 0, 2, 1 << 3, status}) // who asked may have left
		w.Header().Set("Grpc-Status", "0")
	})
	mux.HandleFunc("/sick", func(http.ResponseWriter, *http.Request) { sick.Store(true) })
	mux.HandleFunc("/well", func(http.ResponseWriter, *http.Request) { sick.Store(false) })
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what came is shown
		fmt.Fprint(w, r.Method, " ", r.Header.Get("X-Color"), " ", string(body))
	})
	mux.HandleFunc("/health/{text}", func(w http.ResponseWriter, r *http.Request) {
		if err := os.WriteFile(os.Getenv("NOMAD_ALLOC_DIR")+"/data/health", []byte(r.PathValue("text")), 0o600); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("/uid", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, os.Getuid()) })
	mux.HandleFunc("/write/{name}", func(w http.ResponseWriter, r *http.Request) {
		if err := os.WriteFile(os.Getenv("NOMAD_TASK_DIR")+"/"+r.PathValue("name"), nil, 0o600); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	var signals atomic.Int32
	mux.HandleFunc("/signals", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, signals.Load()) })
	came := make(chan os.Signal, 1)
	signal.Notify(came, syscall.SIGUSR1)
	go func() {
		for range came {
			signals.Add(1)
		}
	}()
	mux.HandleFunc("/say/{word}", func(_ http.ResponseWriter, r *http.Request) { fmt.Println(r.PathValue("word")) })
	mux.HandleFunc("/exit/{code}", func(_ http.ResponseWriter, r *http.Request) {
		code, _ := strconv.Atoi(r.PathValue("code"))
		os.Exit(code)
	})
	mux.HandleFunc("/file/{name...}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, os.Getenv("NOMAD_TASK_DIR")+"/"+r.PathValue("name"))
	})
	mux.HandleFunc("/alloc/{name...}", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, os.Getenv("NOMAD_ALLOC_DIR")+"/"+r.PathValue("name"))
	})
	mux.HandleFunc("/facts", func(w http.ResponseWriter, _ *http.Request) {
		dir, _ := os.Getwd() // empty says enough
		_ = json.NewEncoder(w).Encode(map[string]any{"args": os.Args[1:], "dir": dir, "env": os.Environ()})
	})
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{
		Addr: net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT")), Handler: mux, ReadHeaderTimeout: time.Second, Protocols: protocols,
	}
	fmt.Println("listening")
	go func() {
		<-ctx.Done()
		_ = server.Close() // the end of the process ends the rest
	}()
	if err := server.ListenAndServe(); ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("ended")
}
