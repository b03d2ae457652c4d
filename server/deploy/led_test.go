package deploy_test

import (
	"context"
	"slices"
	"testing"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/deploy"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// ledCluster writes down what is asked of it.
type ledCluster struct {
	deploy.Scheduler
	deploy.Rules
	asked []string
}

func (c *ledCluster) Job(context.Context, string, string) (*nomadapi.Job, error) {
	c.asked = append(c.asked, "job")
	return nil, nil
}

func (c *ledCluster) Register(context.Context, string, *nomadapi.Job, uint64) (*nomadapi.JobRegisterResponse, error) {
	c.asked = append(c.asked, "register")
	return nil, nil
}

func (c *ledCluster) Deregister(context.Context, string, string, bool) error {
	c.asked = append(c.asked, "deregister")
	return nil
}

func (c *ledCluster) Rule(context.Context, paas.AppRef) (string, uint64, error) {
	c.asked = append(c.asked, "rule")
	return "", 0, nil
}

func (c *ledCluster) PutRule(context.Context, paas.AppRef, string, uint64) error {
	c.asked = append(c.asked, "put rule")
	return nil
}

func (c *ledCluster) DeleteRule(context.Context, paas.AppRef, uint64) error {
	c.asked = append(c.asked, "delete rule")
	return nil
}

func TestAPastLeaderWritesNothingToTheCluster(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	for _, past := range []bool{false, true} {
		c := &ledCluster{}
		scheduler, rules := deploy.Led(c, c, func(context.Context) error {
			if past {
				return paas.Errorf(paas.Conflict, "This server leads no longer.")
			}
			return nil
		})
		var errs []error
		_, err := scheduler.Register(ctx, "default", nil, 0)
		errs = append(errs, err, scheduler.Deregister(ctx, "default", "shop.blue", true),
			rules.PutRule(ctx, paas.AppRef{}, "", 0), rules.DeleteRule(ctx, paas.AppRef{}, 0))
		for i, err := range errs {
			if want := map[bool]paas.Code{true: paas.Conflict}[past]; paas.CodeOf(err) != want {
				t.Errorf("past %t: write %d gives %v", past, i, err)
			}
		}
		if _, err := scheduler.Job(ctx, "default", "shop.blue"); err != nil {
			t.Error(err)
		}
		if _, _, err := rules.Rule(ctx, paas.AppRef{}); err != nil {
			t.Error(err)
		}
		want := []string{"register", "deregister", "put rule", "delete rule", "job", "rule"}
		if past {
			want = want[4:]
		}
		if !slices.Equal(c.asked, want) {
			t.Errorf("past %t: the cluster was asked %q, want %q", past, c.asked, want)
		}
	}
}
