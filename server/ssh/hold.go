package ssh

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
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
	exitHeld   = 43
)

// The lock is flock's, and so ends with the process that has it; that ends with its input, or without a beat. The
// beats are read by a program that is no part of a pipe, so that nothing outlives the shell with the lock.
const holdScript = `mkdir -p /run/lock
exec 9>>/run/lock/crumpet-%[1]s || exit 1
flock -n 9 || { cat /run/lock/crumpet-%[1]s; exit %[2]d; }
printf '%%s\n' %[3]s > /run/lock/crumpet-%[1]s
echo held
while [ -n "$(timeout %[4]d head -c 1 9>&-)" ]; do :; done
`

// Hold takes a lock of that name on the machine, until release, the end of this process or that of ctx. Code:
// conflict where another holds it, named as its holder was given.
func (h *Host) Hold(ctx context.Context, name, holder string) (release func(), err error) {
	session, client, err := h.session(ctx)
	if err != nil {
		return nil, err
	}
	input, err := session.StdinPipe()
	if err != nil {
		return nil, errors.Join(err, session.Close())
	}
	output, err := session.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, session.Close())
	}
	var said tail
	session.Stderr = &said
	ended := context.AfterFunc(ctx, func() { _ = session.Close() })
	fail := func(err error) (func(), error) {
		ended()
		_ = session.Close()
		return nil, err
	}
	if err := session.Start(h.command(fmt.Sprintf(holdScript, name, exitHeld, quote(holder), beatWithin))); err != nil {
		h.forget(client)
		return fail(paas.Wrap(paas.Unavailable, err, "Machine %q closed the SSH connection: %s.", h.name, short(err)))
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	if strings.TrimSpace(line) == "held" {
		return h.beat(ctx, session, input, ended), nil
	}
	waited := session.Wait()
	exit, _ := errors.AsType[*ssh.ExitError](waited)
	switch {
	case exit != nil && exit.ExitStatus() == exitHeld:
		return fail(paas.Errorf(paas.Conflict, "Another run holds the lock of machine %q: %s. Wait for its end; a lock whose holder is gone ends after %d s.", h.name, strings.TrimSpace(line), beatWithin))
	case exit != nil:
		return fail(paas.Wrap(paas.Internal, waited, "Machine %q gives no lock: %s", h.name, said.String()))
	}
	return fail(paas.Wrap(paas.Unavailable, errors.Join(err, waited), "Machine %q closed the SSH connection.", h.name))
}

// beat keeps the lock until what it gives is called, which waits for the other end.
func (h *Host) beat(ctx context.Context, session *ssh.Session, input io.WriteCloser, ended func() bool) func() {
	ctx, stop := context.WithCancel(ctx)
	var beats sync.WaitGroup
	beats.Go(func() {
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		for {
			if _, err := io.WriteString(input, "."); err != nil {
				return
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	})
	var once sync.Once
	return func() {
		once.Do(func() {
			stop()
			beats.Wait()
			_ = input.Close()
			late := time.AfterFunc(5*time.Second, func() { _ = session.Close() })
			_ = session.Wait() // else the next one may find it held
			late.Stop()
			ended()
			_ = session.Close()
		})
	}
}
