package store

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/uptrace/bun"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const (
	channel  = "crumpet"
	maxText  = 7000 // bytes of one announcement; PostgreSQL takes 7,999
	everyApp = "*"  // in place of the names of more apps than fit
	someJobs = "!"  // builds were written

	lookEvery = 2 * time.Second // at what was written, should an announcement have been lost
	askLimit  = 5 * time.Second // for one question
)

// speaker tells other servers of commits, and listens to theirs. PostgreSQL delivers what a transaction
// announces when it has committed, to those who listen at that time: whoever did not, looks at everything.
type speaker struct {
	id     string // of this server, in each of its announcements: it knows those already
	config *pgx.ConnConfig
}

func (s *speaker) announce(ctx context.Context, tx bun.Tx, touched []paas.AppRef, builds bool) error {
	words := make([]string, 0, len(touched)+2)
	words = append(words, s.id)
	if builds {
		words = append(words, someJobs)
	}
	for _, ref := range touched {
		words = append(words, ref.String())
	}
	text := strings.Join(words, " ")
	if len(text) > maxText {
		text = s.id + " " + someJobs + " " + everyApp
	}
	_, err := tx.NewRaw("SELECT pg_notify(?, ?)", channel, text).Exec(ctx)
	return err
}

// listen calls out what others announce until ctx ends. Whenever it begins to listen, again after a lost
// connection too, it calls out everything once: it can't know what it has missed.
func (s *speaker) listen(ctx context.Context, to *Store) {
	for n := 0; ctx.Err() == nil; n++ {
		began := time.Now()
		_ = s.session(ctx, to) // that the database is away is told by whoever needs it
		if time.Since(began) > time.Minute {
			n = 0
		}
		_ = pause(ctx, min(100*time.Millisecond<<min(n, 5), 2*time.Second)) // ctx is looked at above
	}
}

// session is one connection's life.
func (s *speaker) session(ctx context.Context, to *Store) error {
	dialing, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	conn, err := pgx.ConnectConfig(dialing, s.config.Copy())
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = conn.Close(closing) // the database sees its end in any case
	}()
	if _, err := conn.Exec(dialing, "LISTEN "+channel); err != nil {
		return err
	}
	last, err := marksOf(ctx, conn)
	if err != nil {
		return err
	}
	to.tellAll(ctx)
	heard := false
	for {
		waiting, cancel := context.WithTimeout(ctx, lookEvery)
		n, err := conn.WaitForNotification(waiting)
		cancel()
		if err == nil {
			heard = true
			s.hear(ctx, to, n.Payload)
			continue
		}
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		now, err := marksOf(ctx, conn)
		if err != nil {
			return err
		}
		if now != last && !heard { // behind a pooler that gives us another session, say
			to.tellAll(ctx)
		}
		last, heard = now, false
	}
}

func (s *speaker) hear(ctx context.Context, to *Store, text string) {
	words := strings.Fields(text)
	if len(words) == 0 || words[0] == s.id {
		return
	}
	for _, word := range words[1:] {
		team, app, named := strings.Cut(word, "/")
		switch {
		case word == everyApp:
			to.tellAll(ctx)
		case word == someJobs:
			to.builds()
		case named:
			to.notify(paas.AppRef{Team: team, App: app})
		}
	}
}

// marks move with all that others may wait for: events, wishes, services, access, builds.
type marks struct{ event, version, services, access, builds int64 }

func marksOf(ctx context.Context, conn *pgx.Conn) (m marks, err error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	err = conn.QueryRow(ctx, `SELECT (SELECT COALESCE(MAX(id), 0) FROM events), (SELECT value FROM counters WHERE name = 'version'),
		(SELECT value FROM counters WHERE name = 'services'), (SELECT value FROM counters WHERE name = 'access'),
		(SELECT COUNT(*) FROM builds WHERE status IN ('pending', 'running'))`).Scan(&m.event, &m.version, &m.services, &m.access, &m.builds)
	return m, err
}

// tellAll notifies of every app, and of builds.
func (s *Store) tellAll(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	refs, err := s.Refs(ctx)
	if err != nil {
		refs = nil // the loops look at everything from time to time by themselves
	}
	s.notify(paas.AppRef{}) // readers of events, those of apps that are gone too
	for _, ref := range refs {
		s.notify(ref)
	}
	s.builds()
}
