package auth

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// A stream is let in once and may stay open for days. So who reads it is looked at again whenever who may do
// what has changed, on any server, and when the token or the session comes to its end:
//
//	commit on any server --the store tells every server--> Wake --> Run: AccessVersion is another one?
//	                                                                 | yes, or a stream is new, or one is due
//	                                                                 v
//	                                                     still known? still allowed? --no--> its context ends
const (
	writeUsesEvery = 5 * time.Second
	lookEvery      = 15 * time.Second // should a wake-up have been lost
	sweepEvery     = time.Hour
	keepEnded      = 30 * 24 * time.Hour // a token that has ended stays in lists
	againAfter     = time.Second         // the store did not answer
	blindFor       = 30 * time.Second    // how long a stream goes on while the store does not say whether it may
	callWithin     = 10 * time.Second
)

// watched is an open stream.
type watched struct {
	who  paas.Identity
	act  paas.Act
	end  context.CancelCauseFunc
	due  time.Time // when to look again: when its token or session ends; guarded by Auth.mu
	once bool      // it was looked at since it is open; guarded by Auth.mu
}

// Watch gives a context for a stream that somebody was let in to. It ends at once when who that is may no
// longer do that: context.Cause is the error that another try would be answered. A stream about every team ends
// too when it would be about other teams now. stop must be called at the stream's end.
func (a *Auth) Watch(ctx context.Context, who paas.Identity, act paas.Act) (watching context.Context, stop func()) {
	watching, end := context.WithCancelCause(ctx)
	w := &watched{who: who, act: act, end: end}
	a.mu.Lock()
	a.streams[w] = true
	a.mu.Unlock()
	a.Wake() // it may have lost its right since it was let in
	return watching, func() {
		a.mu.Lock()
		delete(a.streams, w)
		a.mu.Unlock()
		end(nil)
	}
}

// Wake says that who may do what may have changed. It returns at once.
func (a *Auth) Wake() {
	select {
	case a.woken <- struct{}{}:
	default:
	}
}

// Run ends streams, writes uses and forgets what has ended, until ctx ends.
func (a *Auth) Run(ctx context.Context) {
	l := loop{Auth: a}
	// A session that is in use must not be taken for idle because that was not written yet.
	uses, look, sweep := time.NewTicker(min(writeUsesEvery, a.idle/4)), time.NewTicker(lookEvery), time.NewTicker(sweepEvery)
	defer uses.Stop()
	defer look.Stop()
	defer sweep.Stop()
	due := time.NewTimer(0)
	defer due.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			a.writeUses(last)
			return
		case <-uses.C:
			a.writeUses(ctx)
			continue
		case <-sweep.C:
			a.sweep(ctx)
			continue
		case <-a.woken:
		case <-look.C:
		case <-due.C:
		}
		due.Reset(l.turn(ctx))
	}
}

func (a *Auth) sweep(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	now := a.now()
	if err := a.store.DropEnded(ctx, now.Add(-keepEnded), now); err != nil && ctx.Err() == nil {
		a.log.WarnContext(ctx, "ended tokens not forgotten", "err", err)
	}
}

func (a *Auth) writeUses(ctx context.Context) {
	a.mu.Lock()
	pending := a.uses
	a.uses = map[use]paas.Use{}
	a.mu.Unlock()
	if len(pending) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	if err := a.store.PutUses(ctx, slices.Collect(maps.Values(pending))...); err != nil {
		a.log.WarnContext(ctx, "uses of tokens not written", "err", err)
	}
}

// loop is what Run knows from one turn to the next.
type loop struct {
	*Auth
	version int64     // of access, as the streams were last looked at
	blind   time.Time // since when the store has not answered; zero when it does
}

// turn looks at the streams that may have to end, and says when to look again.
func (l *loop) turn(ctx context.Context) time.Duration {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	err := l.look(ctx)
	if err == nil {
		l.blind = time.Time{}
		return l.untilDue()
	}
	if l.blind.IsZero() {
		l.blind = l.now()
	}
	if l.now().Sub(l.blind) >= blindFor {
		for _, w := range l.open(func(*watched) bool { return true }) {
			w.end(paas.Wrap(paas.Unavailable, err, "Crumpet's database does not say whether this may go on. Try again."))
		}
	}
	return againAfter
}

// open gives the streams of a kind.
func (a *Auth) open(kind func(*watched) bool) (list []*watched) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for w := range a.streams {
		if kind(w) {
			list = append(list, w)
		}
	}
	return list
}

func (l *loop) look(ctx context.Context) error {
	if len(l.open(func(*watched) bool { return true })) == 0 {
		return nil
	}
	version, err := l.store.AccessVersion(ctx)
	if err != nil {
		return err
	}
	now := l.now()
	known := map[use]answer{} // streams of one page come with one session
	for _, w := range l.open(func(w *watched) bool { return version != l.version || !w.once || !w.due.IsZero() && !now.Before(w.due) }) {
		if err := l.judge(ctx, w, known); err != nil {
			return err
		}
	}
	l.version = version
	return nil
}

// answer is what is known of a token or session.
type answer struct {
	who paas.Identity
	due time.Time
	err error
}

// judge ends a stream whose reader may no longer have it. It fails only when the store does not answer.
func (a *Auth) judge(ctx context.Context, w *watched, known map[use]answer) error {
	key := use{session: w.who.Session}
	if w.who.Token != nil {
		key.token = w.who.Token.Hash
	}
	now, found := known[key]
	if !found {
		now = a.again(ctx, w.who)
		known[key] = now
	}
	err := now.err
	switch {
	case err != nil && paas.CodeOf(err) != paas.Unauthorized:
		return err
	case err == nil:
		err = May(now.who, w.act)
	}
	if err == nil && w.act.Team == every && (now.who.Admin != w.who.Admin || !maps.Equal(now.who.Roles, w.who.Roles)) {
		err = paas.Errorf(paas.Unauthorized, "The teams of %q have changed. Ask again.", now.who.User)
	}
	if err != nil {
		w.end(err)
		return nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	w.due, w.once = now.due, true
	return nil
}

// again asks the store who an identity is by now.
func (a *Auth) again(ctx context.Context, who paas.Identity) (now answer) {
	var access paas.Access
	if who.Token != nil {
		if access, now.err = a.store.TokenAccess(ctx, who.Token.Hash); now.err == nil {
			if now.who, now.err = a.tokenIdentity(access); access.Token.ExpiresAt != nil {
				now.due = *access.Token.ExpiresAt
			}
		}
	} else {
		var session paas.Session
		if session, now.err = a.store.Session(ctx, who.Session); now.err == nil {
			access, now.err = a.store.SessionAccess(ctx, session.Hash)
		}
		if now.err == nil {
			now.who, now.err = a.sessionIdentity(access)
			now.due = a.sessionEnds(*access.Session)
		}
	}
	if paas.CodeOf(now.err) == paas.NotFound {
		now.err = paas.Errorf(paas.Unauthorized, "%q is not signed in any more.", who.User)
	}
	return now
}

// untilDue is how long nothing is to be looked at unless something changes.
func (a *Auth) untilDue() time.Duration {
	wait := lookEvery
	for _, w := range a.open(func(w *watched) bool { return !w.due.IsZero() }) {
		wait = min(wait, w.due.Sub(a.now()))
	}
	return max(wait, 0)
}
