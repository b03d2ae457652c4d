package hub

import (
	"context"
	"sync"
)

// Hub keeps the subscribers. The zero value is ready.
type Hub struct {
	mu   sync.Mutex
	subs map[chan struct{}]struct{} // guarded by mu
}

// Notify wakes every subscriber; one that has not yet seen its last signal keeps that.
func (h *Hub) Notify() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for ch := range h.subs {
		select {
		case ch <- struct{}{}:
		default:
		}
	}
}

// Subscribe gives a channel that holds at most one signal. It is forgotten when ctx ends.
func (h *Hub) Subscribe(ctx context.Context) <-chan struct{} {
	ch := make(chan struct{}, 1)
	h.mu.Lock()
	if h.subs == nil {
		h.subs = map[chan struct{}]struct{}{}
	}
	h.subs[ch] = struct{}{}
	h.mu.Unlock()
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.subs, ch)
	})
	return ch
}
