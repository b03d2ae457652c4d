package server

import (
	"context"

	"github.com/crumpet-paas/crumpet/server/deploy"
)

// Led are a scheduler and rules that only the leader may write to.
func Led(s deploy.Scheduler, r deploy.Rules, leads func(context.Context) error) (deploy.Scheduler, deploy.Rules) {
	return ledScheduler{s, leads}, ledRules{r, leads}
}
