package bootstrap

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"time"

	"github.com/crumpet-paas/crumpet/server/fleet"
)

// Host is one machine of a fleet, reached as a user who may do everything there. Codes: unavailable for one that
// does not answer, not_found for a file that is not there. Paths are below the machine's Root; a command runs in it.
type Host interface {
	// Run runs a shell script; its input may hold secrets, its text must not. A status other than 0 is an
	// error, with the end of what it wrote to stderr.
	Run(ctx context.Context, script string, input []byte) (output []byte, err error)
	Read(ctx context.Context, path string) ([]byte, error)
	// Write puts a file in place whole or not at all. Folders above it are made.
	Write(ctx context.Context, f File) error
	// Upload is Write of a root's file that is too large for memory.
	Upload(ctx context.Context, path string, content io.Reader, size int64, mode fs.FileMode) error
	// Dial opens a connection that begins on the machine: its own loopback is reached so.
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	// Hold takes a lock of that name on the machine, until release or the end of this process. Another may have
	// it once lost is closed. Code: conflict where another holds it; who is what the other gave as holder.
	Hold(ctx context.Context, name, holder string) (lost <-chan struct{}, release func(), err error)
}

// File is what lies on a machine.
type File struct {
	Path    string
	Content []byte
	Mode    fs.FileMode
	Owner   string // "USER:GROUP", or one name for both; root unless said
}

// World is what steps work with.
type World struct {
	Fleet fleet.Fleet
	Hosts map[string]Host // by the machine's name
	Kept  *Kept
	Log   *slog.Logger
	Now   func() time.Time
	// Open reads a file of this machine, or a URL that begins with https:// or file://. Code: not_found, also for a
	// folder.
	Open func(ctx context.Context, source string) (io.ReadCloser, error)
	// Seal encrypts to one keeper alone.
	Seal func(keeper fleet.Keeper, plain []byte) ([]byte, error)
	// Platform runs the platform's own jobs; without one there are none.
	Platform Platform
	// Say tells the operator of progress inside a step: one short sentence, without secrets.
	Say func(format string, args ...any)
	// Warn tells of what works and is not wise; the same may be said again. It may be nil.
	Warn func(format string, args ...any)
}

// Change is one thing that is not as wished.
type Change struct {
	Machine string `json:"machine,omitempty"` // "" for the whole cluster
	Text    string `json:"text"`              // "write /etc/consul.d/crumpet.hcl", "start consul": imperative, without secrets
	Breaks  string `json:"breaks,omitempty"`  // what stops working meanwhile, a sentence; "" for nothing
}

// Step makes one part of the world so.
type Step interface {
	Name() string  // short, lower case, unique: a word of the command line
	About() string // what it makes so, a sentence
	// Plan says what Do would change. It changes nothing. What can't be known before an earlier step is done
	// is planned as if nothing were there.
	Plan(ctx context.Context, w *World) ([]Change, error)
	Do(ctx context.Context, w *World) error
	// Undo takes back what Do did, or gives the reason why that can't be. It may be called at any time.
	Undo(ctx context.Context, w *World) error
}
