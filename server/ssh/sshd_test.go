package ssh_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gossh "golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"github.com/crumpet-paas/crumpet/server/ssh"
)

// sshd is an SSH server that runs what it is asked to on this machine.
type sshd struct {
	listener net.Listener
	hostKeys []gossh.Signer
	allowed  gossh.PublicKey

	noForwarding bool
	slow         chan struct{} // sessions wait until it is closed, where it is not nil

	mu     sync.Mutex
	conns  []net.Conn
	asked  []string // commands
	served sync.WaitGroup
	silent atomic.Bool
}

func newKey(t testing.TB) gossh.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// startSSHD starts one, and gives a configuration that reaches it.
func startSSHD(t testing.TB, change ...func(*sshd)) (*sshd, ssh.Config) {
	t.Helper()
	folder := t.TempDir()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := gossh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	keyFile := filepath.Join(folder, "id")
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := gossh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &sshd{listener: listener, hostKeys: []gossh.Signer{newKey(t)}, allowed: signer.PublicKey()}
	for _, c := range change {
		c(d)
	}
	d.served.Go(d.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		d.cut()
		d.served.Wait()
	})
	known := filepath.Join(folder, "known_hosts")
	line := knownhosts.Line([]string{listener.Addr().String()}, d.hostKeys[0].PublicKey())
	if err := os.WriteFile(known, []byte(line+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return d, ssh.Config{User: "root", Port: d.port(), KeyFile: keyFile, KnownHosts: known, Timeout: 10 * time.Second}
}

func (d *sshd) port() int {
	return d.listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it listens on tcp
}

// cut ends every connection.
func (d *sshd) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.conns {
		_ = c.Close()
	}
	d.conns = nil
}

// silence has the server hear everything and answer nothing any more.
func (d *sshd) silence() { d.silent.Store(true) }

// mutable is a connection that may be silenced.
type mutable struct {
	net.Conn
	silent *atomic.Bool
}

func (m *mutable) Write(p []byte) (int, error) {
	if m.silent.Load() {
		return len(p), nil
	}
	return m.Conn.Write(p)
}

func (d *sshd) commands() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.asked...)
}

func (d *sshd) serve() {
	config := &gossh.ServerConfig{PublicKeyCallback: func(_ gossh.ConnMetadata, key gossh.PublicKey) (*gossh.Permissions, error) {
		if string(key.Marshal()) != string(d.allowed.Marshal()) {
			return nil, errors.New("unknown key")
		}
		return &gossh.Permissions{}, nil
	}}
	for _, key := range d.hostKeys {
		config.AddHostKey(key)
	}
	for {
		accepted, err := d.listener.Accept()
		if err != nil {
			return
		}
		conn := net.Conn(&mutable{accepted, &d.silent})
		d.mu.Lock()
		d.conns = append(d.conns, conn)
		d.mu.Unlock()
		d.served.Go(func() {
			_, channels, requests, err := gossh.NewServerConn(conn, config)
			if err != nil {
				_ = conn.Close()
				return
			}
			d.served.Go(func() { gossh.DiscardRequests(requests) })
			for c := range channels {
				d.served.Go(func() { d.channel(c) })
			}
		})
	}
}

func (d *sshd) channel(c gossh.NewChannel) {
	switch {
	case c.ChannelType() == "direct-tcpip" && d.noForwarding:
		_ = c.Reject(gossh.Prohibited, "open failed")
	case c.ChannelType() == "direct-tcpip":
		d.forward(c)
	case c.ChannelType() == "session":
		d.session(c)
	default:
		_ = c.Reject(gossh.UnknownChannelType, "no")
	}
}

func (d *sshd) forward(c gossh.NewChannel) {
	var to struct {
		Host   string
		Port   uint32
		Origin string
		From   uint32
	}
	if err := gossh.Unmarshal(c.ExtraData(), &to); err != nil {
		_ = c.Reject(gossh.ConnectionFailed, err.Error())
		return
	}
	target, err := net.Dial("tcp", net.JoinHostPort(to.Host, strconv.Itoa(int(to.Port))))
	if err != nil {
		_ = c.Reject(gossh.ConnectionFailed, "connection refused")
		return
	}
	channel, requests, err := c.Accept()
	if err != nil {
		return
	}
	d.served.Go(func() { gossh.DiscardRequests(requests) })
	d.served.Go(func() { _, _ = io.Copy(target, channel); _ = target.Close() })
	_, _ = io.Copy(channel, target)
	_ = channel.Close()
}

func (d *sshd) session(c gossh.NewChannel) {
	channel, requests, err := c.Accept()
	if err != nil {
		return
	}
	defer func() { _ = channel.Close() }()
	for r := range requests {
		if r.Type != "exec" {
			_ = r.Reply(false, nil)
			continue
		}
		command := string(r.Payload[4:])
		d.mu.Lock()
		d.asked = append(d.asked, command)
		d.mu.Unlock()
		_ = r.Reply(true, nil)
		d.served.Go(func() { gossh.DiscardRequests(requests) })
		if d.slow != nil {
			<-d.slow
		}
		cmd := exec.Command("sh", "-c", command)
		cmd.Stdout, cmd.Stderr = channel, channel.Stderr()
		input, err := cmd.StdinPipe()
		if err != nil {
			return
		}
		if err := cmd.Start(); err != nil {
			return
		}
		// A real sshd, too, closes the input of a program whose connection broke, and does not kill it.
		d.served.Go(func() { _, _ = io.Copy(input, channel); _ = input.Close() })
		status := 0
		if err := cmd.Wait(); err != nil {
			status = 255
			if exit, ok := errors.AsType[*exec.ExitError](err); ok {
				status = exit.ExitCode()
			}
		}
		_, _ = channel.SendRequest("exit-status", false, binary.BigEndian.AppendUint32(nil, uint32(status)))
		return
	}
}
