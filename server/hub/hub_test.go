package hub_test

import (
	"context"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/hub"
)

func TestEverySubscriberGetsOneSignalHoweverOftenItIsNotified(t *testing.T) {
	t.Parallel()
	var h hub.Hub
	a, b := h.Subscribe(t.Context()), h.Subscribe(t.Context())
	h.Notify()
	h.Notify()
	for name, ch := range map[string]<-chan struct{}{"a": a, "b": b} {
		select {
		case <-ch:
		default:
			t.Errorf("%s got no signal", name)
		}
		select {
		case <-ch:
			t.Errorf("%s got a second signal", name)
		default:
		}
	}
}

func TestASubscriberWhoseContextEndedIsForgotten(t *testing.T) {
	t.Parallel()
	var h hub.Hub
	ctx, end := context.WithCancel(t.Context())
	ch := h.Subscribe(ctx)
	end()
	deadline := time.Now().Add(5 * time.Second)
	for {
		h.Notify()
		select {
		case <-ch: // forgetting is asynchronous: take what came before it
		default:
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("still woken 5 s after its context ended")
		}
	}
}
