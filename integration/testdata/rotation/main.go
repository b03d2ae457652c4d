// Command rotation answers each request with what PostgreSQL says: which user it is there. Its credentials
// are in DATABASE_URL, or where that is missing in a file, which it reads again upon SIGHUP.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	d := &database{}
	if err := d.open(ctx); err != nil {
		log.Fatal(err)
	}
	go func() {
		for range hup {
			for err := d.open(ctx); err != nil && ctx.Err() == nil; err = d.open(ctx) {
				log.Printf("the new credentials don't work yet: %v", err)
				time.Sleep(100 * time.Millisecond)
			}
			log.Print("opened anew")
		}
	}()
	http.HandleFunc("/", d.answer)
	server := &http.Server{Addr: net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT"))}
	go func() {
		<-ctx.Done()
		_ = server.Shutdown(context.Background()) // the end of the program bounds it
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// database has one pool at a time. A request holds its pool while it asks, so that none is taken away from it.
type database struct {
	mu      sync.RWMutex
	pool    *pgxpool.Pool // guarded by mu
	address string        // guarded by mu
}

func (d *database) open(ctx context.Context) error {
	address := os.Getenv("DATABASE_URL")
	if address == "" {
		text, err := os.ReadFile(filepath.Join(os.Getenv("SERVICE_BINDING_ROOT"), "db", "uri"))
		if err != nil {
			return err
		}
		address = strings.TrimSpace(string(text))
	}
	d.mu.RLock()
	same := address == d.address
	d.mu.RUnlock()
	if same { // other files of the binding have changed
		return nil
	}
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		return errors.New("that is no address of a PostgreSQL") // err would show the password
	}
	cfg.MaxConns = 5
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err == nil {
		err = pool.Ping(ctx)
	}
	if err != nil {
		return err
	}
	d.mu.Lock()
	old := d.pool
	d.pool, d.address = pool, address
	d.mu.Unlock()
	if old != nil {
		old.Close()
	}
	return nil
}

func (d *database) answer(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 8*time.Second)
	defer cancel()
	d.mu.RLock()
	defer d.mu.RUnlock()
	var user string
	if err := d.pool.QueryRow(ctx, "SELECT session_user").Scan(&user); err != nil {
		log.Printf("the database refuses: %v", err)
		http.Error(w, "the database refuses", http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, os.Getenv("NOMAD_ALLOC_ID"), user)
}
