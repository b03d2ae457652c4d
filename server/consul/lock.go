package consul

import (
	"context"
	"fmt"
	"sync"
	"time"

	consulapi "github.com/hashicorp/consul/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// LockConfig says which key is a lock, and whose end gives it free.
type LockConfig struct {
	Key    string // whose session is the holder
	Holder string // written to the key, for a person who looks
	// Check is the id of a check on this agent; when it is critical the lock is free at once, and not only
	// after the TTL. Optional; the check must be there before the lock can be taken.
	Check string
	TTL   time.Duration // of the session; 10 s, the shortest Consul takes, by default. Consul may wait twice as long
	Delay time.Duration // after a holder was lost until the next can be; 1 s by default, Consul's own is 15 s
}

// Lock is a key of Consul's that one session holds at a time.
type Lock struct {
	client *Client
	cfg    LockConfig
}

const (
	lockWait  = 30 * time.Second // one look at a key that another holds
	lockRetry = 250 * time.Millisecond
	lockTries = 5 * time.Second // with one session, at a key that is free but still delayed
)

// Lock makes a lock; nothing is sent yet.
func (c *Client) Lock(cfg LockConfig) *Lock {
	if cfg.TTL == 0 {
		cfg.TTL = 10 * time.Second
	}
	if cfg.Delay == 0 {
		cfg.Delay = time.Second
	}
	return &Lock{client: c, cfg: cfg}
}

// Acquire blocks until the lock is ours. held ends with ctx, or as soon as the lock may be another's:
// when the key says so, when Consul no longer knows the session, or when it could not be asked for a TTL.
// release gives the lock back. Codes: those of the client.
func (l *Lock) Acquire(ctx context.Context) (held context.Context, release func(), err error) {
	for {
		if err := l.untilFree(ctx); err != nil {
			return nil, nil, err
		}
		began := time.Now()
		session, err := l.session(ctx)
		if err != nil {
			return nil, nil, err
		}
		ours, err := l.take(ctx, session)
		if err != nil || !ours {
			l.destroy(ctx, session)
		}
		if err != nil {
			return nil, nil, err
		}
		if ours {
			held, release := l.hold(ctx, session, began)
			return held, release, nil
		}
	}
}

// untilFree waits until no session holds the key.
func (l *Lock) untilFree(ctx context.Context) error {
	for index := uint64(0); ; {
		pair, next, err := l.read(ctx, index)
		if err != nil {
			return err
		}
		if pair == nil || pair.Session == "" {
			return nil
		}
		if next < index { // Consul was restored: begin anew
			next = 0
		}
		index = next
	}
}

// read gives the key, nil if it is not there, once it has changed since index.
func (l *Lock) read(ctx context.Context, index uint64) (*consulapi.KVPair, uint64, error) {
	callCtx, cancel := context.WithTimeout(ctx, lockWait+lockWait/16+l.client.timeout)
	defer cancel()
	q := (&consulapi.QueryOptions{RequireConsistent: true, WaitIndex: index, WaitTime: lockWait}).WithContext(callCtx)
	pair, meta, err := l.client.api.KV().Get(l.cfg.Key, q)
	if err != nil {
		return nil, 0, l.client.fail(ctx, err, fmt.Sprintf("read the lock %s", l.cfg.Key))
	}
	return pair, max(meta.LastIndex, 1), nil
}

func (l *Lock) session(ctx context.Context) (string, error) {
	w, cancel := l.client.write(ctx)
	defer cancel()
	entry := &consulapi.SessionEntry{
		Name: "crumpet leader", TTL: l.cfg.TTL.String(), LockDelay: l.cfg.Delay, Behavior: consulapi.SessionBehaviorRelease,
	}
	if l.cfg.Check != "" {
		entry.ServiceChecks = []consulapi.ServiceCheck{{ID: l.cfg.Check}}
	}
	id, _, err := l.client.api.Session().Create(entry, w)
	if err != nil {
		return "", l.client.fail(ctx, err, "make a session for the lock "+l.cfg.Key)
	}
	return id, nil
}

// take tries to lock the key while it is free: for a moment after the last holder was lost Consul gives
// it to nobody.
func (l *Lock) take(ctx context.Context, session string) (bool, error) {
	for end := time.Now().Add(lockTries); ; {
		w, cancel := l.client.write(ctx)
		pair := &consulapi.KVPair{Key: l.cfg.Key, Value: []byte(l.cfg.Holder), Session: session}
		done, _, err := l.client.api.KV().Acquire(pair, w)
		cancel()
		if err != nil {
			return false, l.client.fail(ctx, err, "take the lock "+l.cfg.Key)
		}
		if done {
			return true, nil
		}
		now, _, err := l.read(ctx, 0)
		if err != nil {
			return false, err
		}
		if now != nil && now.Session != "" || time.Now().After(end) {
			return false, nil
		}
		if err := sleep(ctx, lockRetry); err != nil {
			return false, err
		}
	}
}

// hold renews the session and watches the key until release is called.
func (l *Lock) hold(ctx context.Context, session string, began time.Time) (context.Context, func()) {
	held, lose := context.WithCancelCause(ctx)
	watched, done := context.WithCancel(ctx)
	var loops sync.WaitGroup
	loops.Go(func() { l.renew(watched, session, began, lose) })
	loops.Go(func() { l.watch(watched, session, lose) })
	return held, func() {
		lose(nil)
		done()
		loops.Wait()
		l.free(ctx, session)
	}
}

func (l *Lock) lost(why string) error {
	return paas.Errorf(paas.Unavailable, "The lock %s in Consul is lost: %s.", l.cfg.Key, why)
}

// renew keeps the session. By our own clock it ends a TTL after the last renewal that Consul answered was
// sent; Consul never ends it sooner.
func (l *Lock) renew(ctx context.Context, session string, last time.Time, lose context.CancelCauseFunc) {
	for {
		if sleep(ctx, l.cfg.TTL/3) != nil {
			return
		}
		sent := time.Now()
		renewing, cancel := context.WithDeadline(ctx, last.Add(l.cfg.TTL))
		entry, _, err := l.client.api.Session().Renew(session, (&consulapi.WriteOptions{}).WithContext(renewing))
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil && entry == nil:
			lose(l.lost("its session has ended"))
			return
		case err == nil:
			last = sent
		case time.Since(last) >= l.cfg.TTL:
			lose(l.lost("Consul did not answer for " + l.cfg.TTL.String()))
			return
		}
	}
}

// watch sees at once when the key is no longer ours.
func (l *Lock) watch(ctx context.Context, session string, lose context.CancelCauseFunc) {
	for index := uint64(0); ctx.Err() == nil; {
		pair, next, err := l.read(ctx, index)
		switch {
		case err != nil:
			_ = sleep(ctx, time.Second) // renew decides when that is too long; ctx is looked at above
			index = 0
		case pair == nil || pair.Session != session:
			lose(l.lost("another server has it, or may have it"))
			return
		case next < index:
			index = 0
		default:
			index = next
		}
	}
}

// free gives the lock back, so that the next holder need not wait for a TTL or a delay.
func (l *Lock) free(ctx context.Context, session string) {
	ctx = context.WithoutCancel(ctx)
	freeing, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	pair := &consulapi.KVPair{Key: l.cfg.Key, Value: []byte(l.cfg.Holder), Session: session}
	_, _, _ = l.client.api.KV().Release(pair, (&consulapi.WriteOptions{}).WithContext(freeing)) // else the TTL frees it
	l.destroy(ctx, session)
}

func (l *Lock) destroy(ctx context.Context, session string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	_, _ = l.client.api.Session().Destroy(session, (&consulapi.WriteOptions{}).WithContext(ctx)) // else its TTL ends it
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
