package ssh

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Config says how machines are reached.
type Config struct {
	User       string
	Port       int
	KeyFile    string // private key; "" for the agent
	Agent      string // socket of ssh-agent
	KnownHosts string // file
	TrustNew   bool   // write down the key of a machine that is not in KnownHosts
	Timeout    time.Duration
	// Ask asks the operator for the passphrase of a key. It may be nil.
	Ask func(prompt string) ([]byte, error)
}

// Network reaches machines as one user.
type Network struct {
	config Config
	known  *known
	auth   ssh.AuthMethod
	agent  net.Conn // nil without one
	// hurry is by how many times the beats of locks come sooner, for a test.
	hurry time.Duration
}

// beat is how often the holder of a lock tells that it lives, missed how long it may go unanswered.
func (n *Network) beat() time.Duration   { return beatEvery / max(n.hurry, 1) }
func (n *Network) missed() time.Duration { return missedWithin / max(n.hurry, 1) }

// Open reads the key, or finds the agent, and the known hosts. Codes: not_found, invalid, unavailable for an
// agent that does not answer.
func Open(c Config) (*Network, error) {
	n := &Network{config: c, known: &known{path: c.KnownHosts, trust: c.TrustNew, port: c.Port}}
	if err := n.known.check(); err != nil {
		return nil, err
	}
	if c.KeyFile != "" {
		signer, err := readKey(c.KeyFile, c.Ask)
		if err != nil {
			return nil, err
		}
		n.auth = ssh.PublicKeys(signer)
		return n, nil
	}
	if c.Agent == "" {
		return nil, paas.Errorf(paas.Invalid, "There is no key for SSH: name one as key_file in the ssh block, or start ssh-agent and add one with ssh-add.")
	}
	conn, err := net.DialTimeout("unix", c.Agent, c.Timeout)
	if err != nil {
		return nil, paas.Wrap(paas.Unavailable, err, "ssh-agent does not answer at %s: start it, or name a key as key_file in the ssh block.", c.Agent)
	}
	n.agent, n.auth = conn, ssh.PublicKeysCallback(agent.NewClient(conn).Signers)
	return n, nil
}

// Close ends the talk with the agent. Hosts are closed one by one.
func (n *Network) Close() error {
	if n.agent == nil {
		return nil
	}
	return n.agent.Close()
}

// readKey reads a private key, and asks for its passphrase where it has one.
func readKey(path string, ask func(string) ([]byte, error)) (ssh.Signer, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, paas.Errorf(paas.NotFound, "There is no SSH key %s: correct key_file in the ssh block, or make one with ssh-keygen -t ed25519.", path)
	}
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "The SSH key %s can't be read.", path)
	}
	signer, err := ssh.ParsePrivateKey(text)
	if _, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		if ask == nil {
			return nil, paas.Errorf(paas.Invalid, "The SSH key %s has a passphrase, and there is no terminal to ask for it on: add the key to ssh-agent and leave key_file out.", path)
		}
		passphrase, err := ask("Passphrase of " + path)
		if err != nil {
			return nil, err
		}
		if signer, err = ssh.ParsePrivateKeyWithPassphrase(text, passphrase); err != nil {
			return nil, paas.Wrap(paas.Invalid, err, "The SSH key %s does not open with that passphrase.", path)
		}
		return signer, nil
	}
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "%s is not a private SSH key.", path)
	}
	return signer, nil
}

// dial connects to a machine and signs in.
func (n *Network) dial(ctx context.Context, name, address string) (*ssh.Client, error) {
	at := net.JoinHostPort(address, strconv.Itoa(n.config.Port))
	ctx, cancel := context.WithTimeout(ctx, n.config.Timeout)
	defer cancel()
	// A machine that goes away while a command runs is noticed within half a minute.
	dialer := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 4}}
	conn, err := dialer.DialContext(ctx, "tcp", at)
	if err != nil {
		return nil, paas.Wrap(paas.Unavailable, err, "Machine %q does not answer at %s: %s. Is it up, and is its address in cluster.hcl right?", name, at, reason(err))
	}
	ended := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer ended()
	var refused error // by us: x/crypto/ssh gives only its text
	config := &ssh.ClientConfig{
		User: n.config.User, Auth: []ssh.AuthMethod{n.auth},
		HostKeyAlgorithms: n.known.algorithms(at),
		HostKeyCallback: func(host string, remote net.Addr, key ssh.PublicKey) error {
			refused = n.known.verify(name, at, remote, key)
			return refused
		},
	}
	client, channels, requests, err := ssh.NewClientConn(conn, at, config)
	if err != nil {
		_ = conn.Close()
		switch {
		case refused != nil:
			return nil, refused
		case ctx.Err() != nil:
			return nil, paas.Wrap(paas.Unavailable, err, "Machine %q accepts connections at %s, but no SSH server answered within %s.", name, at, n.config.Timeout)
		}
		return nil, paas.Wrap(paas.Unauthorized, err, "Machine %q at %s does not let %q in (%s): put the public key into ~%s/.ssh/authorized_keys there, or correct the ssh block.", name, at, n.config.User, short(err), n.config.User)
	}
	return ssh.NewClient(client, channels, requests), nil
}

// reason is why there is no connection, without the addresses that are said already.
func reason(err error) string {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		err = op.Err
	}
	if errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err) {
		return "no answer in time"
	}
	return err.Error()
}

func short(err error) string {
	text := err.Error()
	const longest = 160
	if len(text) > longest {
		return fmt.Sprintf("%s...", text[:longest])
	}
	return text
}
