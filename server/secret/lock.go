package secret

import (
	"context"
	"sync"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// locks lets one change of an app go on at a time, on this server. Between servers Vault's compare-and-set
// decides.
type locks struct {
	mu   sync.Mutex                    // guards held
	held map[paas.AppRef]chan struct{} // closed when its holder is done
}

// take waits until it is the caller's turn.
func (l *locks) take(ctx context.Context, ref paas.AppRef) (release func(), err error) {
	mine := make(chan struct{})
	for {
		l.mu.Lock()
		other, busy := l.held[ref]
		if !busy {
			l.held[ref] = mine
			l.mu.Unlock()
			return func() {
				l.mu.Lock()
				delete(l.held, ref)
				l.mu.Unlock()
				close(mine)
			}, nil
		}
		l.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
