package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"path"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Longest that calls may take, where their context says nothing shorter.
const (
	runWithin    = 15 * time.Minute
	fileWithin   = 2 * time.Minute
	uploadWithin = 30 * time.Minute
)

// exitMissing is what our own scripts exit with where a file is not there.
const exitMissing = 44

// File is what lies on a machine.
type File struct {
	Path    string
	Content []byte
	Mode    fs.FileMode
	Owner   string // "USER:GROUP", or one name for both; root unless said
}

// Host is one machine. Its methods may be called at the same time.
type Host struct {
	network             *Network
	name, address, root string

	mu     sync.Mutex // guards what follows
	client *ssh.Client
	holds  []*hold // locks that are held, each with a connection of its own
}

// Host gives a machine; nothing is sent yet. All paths are below root, and commands run in it, by chroot where it
// is another than "/".
func (n *Network) Host(name, address, root string) *Host {
	return &Host{network: n, name: name, address: address, root: root}
}

// Close ends the connection, and with theirs the locks that are held.
func (h *Host) Close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, k := range h.holds {
		_ = k.client.Close()
	}
	client := h.client
	h.client = nil
	if client == nil {
		return nil
	}
	if err := client.Close(); err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

// connected gives the connection, made where there is none.
func (h *Host) connected(ctx context.Context) (*ssh.Client, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.client == nil {
		client, err := h.network.dial(ctx, h.name, h.address)
		if err != nil {
			return nil, err
		}
		h.client = client
	}
	return h.client, nil
}

// forget drops a connection that broke, unless another caller has a new one already.
func (h *Host) forget(broken *ssh.Client) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.client == broken {
		h.client = nil
	}
	_ = broken.Close()
}

// session opens one on the connection, and on a new one where the old has broken since.
func (h *Host) session(ctx context.Context) (*ssh.Session, *ssh.Client, error) {
	for again := false; ; again = true {
		client, err := h.connected(ctx)
		if err != nil {
			return nil, nil, err
		}
		// A connection that hangs ends with the context.
		ended := context.AfterFunc(ctx, func() { h.forget(client) })
		session, err := client.NewSession()
		ended()
		if err == nil {
			return session, client, nil
		}
		h.forget(client)
		if again || ctx.Err() != nil {
			return nil, nil, paas.Wrap(paas.Unavailable, err, "Machine %q closed the SSH connection: %s.", h.name, short(err))
		}
	}
}

// Run runs a shell script; its input may hold secrets, its text must not.
func (h *Host) Run(ctx context.Context, script string, input []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, runWithin)
	defer cancel()
	output, err := h.run(ctx, script, bytes.NewReader(input))
	if exit, ok := errors.AsType[*exitError](err); ok {
		return output, paas.Wrap(paas.Internal, err, "A command on machine %q ended with status %d: %s", h.name, exit.status, exit.said)
	}
	return output, err
}

// exitError is a status other than 0.
type exitError struct {
	status int
	said   string // end of stderr
}

func (e *exitError) Error() string { return fmt.Sprintf("status %d", e.status) }

// run gives an exitError for a script that failed, and a paas.Error for a machine that did.
func (h *Host) run(ctx context.Context, script string, input io.Reader) ([]byte, error) {
	session, client, err := h.session(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { _ = session.Close() }()
	ended := context.AfterFunc(ctx, func() {
		// The program over there gets a signal where sshd can; and we wait no longer.
		_ = session.Signal(ssh.SIGTERM)
		_ = session.Close()
	})
	defer ended()
	var output bytes.Buffer
	var said tail
	session.Stdin, session.Stdout, session.Stderr = input, &output, &said
	err = session.Run(h.command(script))
	if err == nil {
		return output.Bytes(), nil
	}
	if ctx.Err() != nil {
		return output.Bytes(), paas.Wrap(paas.Unavailable, ctx.Err(), "Machine %q did not answer in time, or the run was interrupted.", h.name)
	}
	if exit, ok := errors.AsType[*ssh.ExitError](err); ok {
		text := said.String()
		if exit.Signal() != "" {
			text = strings.TrimSpace("ended by signal " + exit.Signal() + " " + text)
		}
		return output.Bytes(), &exitError{exit.ExitStatus(), text}
	}
	h.forget(client)
	return output.Bytes(), paas.Wrap(paas.Unavailable, err, "The SSH connection to machine %q broke while a command ran: %s.", h.name, short(err))
}

// command is what sshd runs: the script as root, below the machine's root.
func (h *Host) command(script string) string {
	command := "/bin/sh -c " + quote(script)
	if h.root != "" && path.Clean(h.root) != "/" {
		command = "chroot " + quote(path.Clean(h.root)) + " " + command
	}
	if h.network.config.User != "root" {
		command = "sudo -n -- " + command
	}
	return command
}

// Read gives a file.
func (h *Host) Read(ctx context.Context, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, fileWithin)
	defer cancel()
	content, err := h.run(ctx, fmt.Sprintf("[ -e %[1]s ] || exit %[2]d\nexec cat -- %[1]s", quote(name), exitMissing), nil)
	exit, failed := errors.AsType[*exitError](err)
	switch {
	case failed && exit.status == exitMissing:
		return nil, paas.Errorf(paas.NotFound, "Machine %q has no file %s.", h.name, name)
	case failed:
		return nil, paas.Wrap(paas.Internal, err, "File %s of machine %q can't be read: %s", name, h.name, exit.said)
	}
	return content, err
}

// Write puts a file in place whole or not at all, with the folders above it.
func (h *Host) Write(ctx context.Context, f File) error {
	ctx, cancel := context.WithTimeout(ctx, fileWithin)
	defer cancel()
	return h.put(ctx, f, bytes.NewReader(f.Content), int64(len(f.Content)))
}

// Upload is Write of a root's file that is too large for memory.
func (h *Host) Upload(ctx context.Context, name string, content io.Reader, size int64, mode fs.FileMode) error {
	ctx, cancel := context.WithTimeout(ctx, uploadWithin)
	defer cancel()
	return h.put(ctx, File{Path: name, Mode: mode}, content, size)
}

// putScript counts what came: a connection that breaks looks like the end of the input to cat. The new file is
// readable by its owner alone until it is whole.
const putScript = `set -e
dir=%[1]s; file=%[2]s; size=%[3]d
mkdir -p -- "$dir"
umask 077
tmp=$(mktemp -- "$dir/.crumpet.XXXXXXXX")
trap 'rm -f -- "$tmp"' EXIT
trap 'exit 1' HUP INT TERM
cat > "$tmp"
came=$(wc -c < "$tmp")
if [ "$came" -ne "$size" ]; then echo "only $came of $size bytes came" >&2; exit 1; fi
chown %[4]s -- "$tmp"
chmod %[5]o -- "$tmp"
sync -- "$tmp"
mv -f -T -- "$tmp" "$file"
`

func (h *Host) put(ctx context.Context, f File, content io.Reader, size int64) error {
	owner := f.Owner
	switch {
	case owner == "":
		owner = "root:root"
	case !strings.Contains(owner, ":"):
		owner += ":" + owner
	}
	script := fmt.Sprintf(putScript, quote(path.Dir(f.Path)), quote(f.Path), size, quote(owner), f.Mode.Perm())
	source := &counted{from: content}
	_, err := h.run(ctx, script, source)
	exit, failed := errors.AsType[*exitError](err)
	switch {
	case source.err != nil:
		return paas.Wrap(paas.CodeOf(source.err), source.err, "What is to be written to %s on machine %q can't be read here.", f.Path, h.name)
	case failed:
		return paas.Wrap(paas.Internal, err, "File %s can't be written on machine %q: %s", f.Path, h.name, exit.said)
	}
	return err
}

// counted keeps the error of a reader, which looks like one of the connection else.
type counted struct {
	from io.Reader
	err  error
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}

// Dial opens a connection that begins on the machine.
func (h *Host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	for again := false; ; again = true {
		client, err := h.connected(ctx)
		if err != nil {
			return nil, err
		}
		conn, err := client.DialContext(ctx, network, address)
		if err == nil {
			return conn, nil
		}
		refused, isRefused := errors.AsType[*ssh.OpenChannelError](err)
		switch {
		case isRefused && refused.Reason == ssh.Prohibited:
			return nil, paas.Wrap(paas.Forbidden, err, "The SSH server of machine %q allows no connections through it: set AllowTcpForwarding local in its sshd_config.", h.name)
		case isRefused:
			return nil, paas.Wrap(paas.Unavailable, err, "Nothing answers at %s on machine %q: %s.", address, h.name, refused.Message)
		case again || ctx.Err() != nil:
			return nil, paas.Wrap(paas.Unavailable, err, "Machine %q opened no connection to %s: %s.", h.name, address, short(err))
		}
		h.forget(client)
	}
}

// quote makes one word of the shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	const kept = 2000
	t.text = append(t.text, p...)
	if over := len(t.text) - kept; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return strings.TrimSpace(string(t.text)) }
