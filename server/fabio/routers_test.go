package fabio_test

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/fabio"
)

func TestARouterThatFallsSilentIsShownAsItWas(t *testing.T) {
	t.Parallel()
	var silent atomic.Bool
	url := server(t, func(w http.ResponseWriter, r *http.Request) {
		if silent.Load() {
			http.Error(w, "no", http.StatusInternalServerError)
			return
		}
		says(routes)(w, r)
	})
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	c := client(t, fabio.Config{Addresses: []string{url}, Now: func() time.Time { return noon }})
	got, err := c.Routers(t.Context())
	if err != nil || len(got) != 1 {
		t.Fatalf("%+v, %v", got, err)
	}
	if one := got[0]; !one.OK || one.Address != url || one.Routes != 2 || one.Apps != 1 || one.ReadAt == nil || !one.ReadAt.Equal(noon) || one.Reason != "" {
		t.Errorf("%+v", one)
	}
	silent.Store(true)
	for range 2 { // what was last read stays
		if got, err = c.Routers(t.Context()); err != nil || len(got) != 1 {
			t.Fatalf("%+v, %v", got, err)
		}
		if one := got[0]; one.OK || one.Reason == "" || one.Routes != 2 || one.ReadAt == nil || !one.ReadAt.Equal(noon) {
			t.Errorf("%+v", one)
		}
	}
	silent.Store(false)
	if got, err = c.Routers(t.Context()); err != nil || !got[0].OK || got[0].Reason != "" {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := client(t, fabio.Config{}).Routers(t.Context()); err == nil {
		t.Error("no router is known, and nothing says so")
	}
}
