package cluster_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/crumpet-paas/crumpet/server/cluster"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// asked writes down what is asked of it.
type asked []string

func (a *asked) SetEligible(context.Context, string, bool) error {
	*a = append(*a, "set eligible")
	return nil
}

func (a *asked) Drain(context.Context, string) error { *a = append(*a, "drain"); return nil }

func (a *asked) EndDrain(context.Context, string) error { *a = append(*a, "end drain"); return nil }

func TestAPastLeaderTouchesNoNode(t *testing.T) {
	t.Parallel()
	for _, past := range []bool{false, true} {
		var nomad asked
		led := cluster.Led(&nomad, func(context.Context) error {
			if past {
				return paas.Errorf(paas.Conflict, "This server leads no longer.")
			}
			return nil
		})
		err := errors.Join(led.SetEligible(t.Context(), "n1", false), led.Drain(t.Context(), "n1"), led.EndDrain(t.Context(), "n1"))
		want := asked{"set eligible", "drain", "end drain"}
		if past {
			want = nil
		}
		if (err != nil) != past || !slices.Equal(nomad, want) {
			t.Errorf("past %t: asked %q, %v", past, nomad, err)
		}
	}
}
