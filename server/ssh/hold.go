package ssh

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	beatEvery = 10 * time.Second
	// beatWithin is after how many seconds without a beat a lock ends: its holder is gone, and its connection
	// may not know.
	beatWithin = 60
	// missedWithin is how long no beat may be answered until the lock is taken for lost, here: before it has ended there.
	missedWithin = 40 * time.Second
	exitHeld     = 43
)

// The lock is flock's, and so ends with the process that has it; that ends with its input, or without a beat. The
// beats are read by a program that is no part of a pipe, so that nothing outlives the shell with the lock; each is
// answered.
const holdScript = `mkdir -p /run/lock
exec 9>>/run/lock/crumpet-%[1]s || exit 1
flock -n 9 || { cat /run/lock/crumpet-%[1]s; exit %[2]d; }
printf '%%s\n' %[3]s > /run/lock/crumpet-%[1]s
echo held
while [ -n "$(timeout %[4]d head -c 1 9>&-)" ]; do echo heard; done
`

// hold is a lock on a machine, and the connection that keeps it.
type hold struct {
	client  *ssh.Client
	session *ssh.Session
	input   io.WriteCloser
	output  *bufio.Reader
	lost    chan struct{} // closed by listen
	ended   func() bool   // of the context that would end it
}

// Hold takes a lock of that name on the machine, until release, the end of this process or that of ctx. It has a
// connection of its own, as others are dropped when a call on them hangs. After lost is closed another may have the
// lock: the connection broke, or the machine answers no more. Code: conflict where another holds it, named as its
// holder was given.
func (h *Host) Hold(ctx context.Context, name, holder string) (lost <-chan struct{}, release func(), err error) {
	client, err := h.network.dial(ctx, h.name, h.address)
	if err != nil {
		return nil, nil, err
	}
	k := &hold{client: client, lost: make(chan struct{})}
	k.ended = context.AfterFunc(ctx, func() { _ = client.Close() })
	if err := h.take(k, name, holder); err != nil {
		k.ended()
		_ = client.Close()
		return nil, nil, err
	}
	h.mu.Lock()
	h.holds = append(h.holds, k)
	h.mu.Unlock()
	return k.lost, h.beat(ctx, k), nil
}

// take asks for the lock, and gives an error where it is not given.
func (h *Host) take(k *hold, name, holder string) (err error) {
	closed := func(err error) error {
		return paas.Wrap(paas.Unavailable, err, "Machine %q closed the SSH connection: %s.", h.name, short(err))
	}
	if k.session, err = k.client.NewSession(); err != nil {
		return closed(err)
	}
	if k.input, err = k.session.StdinPipe(); err != nil {
		return err
	}
	output, err := k.session.StdoutPipe()
	if err != nil {
		return err
	}
	k.output = bufio.NewReader(output)
	var said tail
	k.session.Stderr = &said
	if err := k.session.Start(h.command(fmt.Sprintf(holdScript, name, exitHeld, quote(holder), beatWithin))); err != nil {
		return closed(err)
	}
	line, err := k.output.ReadString('\n')
	if strings.TrimSpace(line) == "held" {
		return nil
	}
	waited := k.session.Wait()
	exit, _ := errors.AsType[*ssh.ExitError](waited)
	switch {
	case exit != nil && exit.ExitStatus() == exitHeld:
		return paas.Errorf(paas.Conflict, "Another run holds the lock of machine %q: %s. Wait for its end; a lock whose holder is gone ends after %d s.", h.name, strings.TrimSpace(line), beatWithin)
	case exit != nil:
		return paas.Wrap(paas.Internal, waited, "Machine %q gives no lock: %s", h.name, said.String())
	}
	return paas.Wrap(paas.Unavailable, errors.Join(err, waited), "Machine %q closed the SSH connection.", h.name)
}

// beat keeps the lock until what it gives is called, which waits for the other end.
func (h *Host) beat(ctx context.Context, k *hold) (release func()) {
	ctx, stop := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() { k.send(ctx, h.network.beat()) })
	heard := sync.WaitGroup{}
	heard.Go(func() { k.listen(h.network.missed()) })
	var once sync.Once
	return func() {
		once.Do(func() {
			stop()
			running.Wait()
			_ = k.input.Close()
			late := time.AfterFunc(5*time.Second, func() { _ = k.client.Close() })
			heard.Wait() // else the next one may find it held
			late.Stop()
			k.ended()
			_ = k.client.Close()
			h.drop(k)
		})
	}
}

// send sends beats until ctx ends or the connection breaks.
func (k *hold) send(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if _, err := io.WriteString(k.input, "."); err != nil {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// listen hears the answers to beats until there are no more: the lock is lost then, unless it is given back.
func (k *hold) listen(within time.Duration) {
	defer close(k.lost)
	silent := time.AfterFunc(within, func() { _ = k.client.Close() })
	defer silent.Stop()
	for {
		if _, err := k.output.ReadString('\n'); err != nil {
			return
		}
		silent.Reset(within)
	}
}

func (h *Host) drop(k *hold) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.holds = slices.DeleteFunc(h.holds, func(other *hold) bool { return other == k })
}
