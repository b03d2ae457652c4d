package wire

import "github.com/crumpet-paas/crumpet/server/paas"

// Plan is what a release of the same request would do. CreateRelease with the plan's Base does exactly
// that or is refused.
type Plan = paas.Plan

// Diff is how two releases of an app differ, key by key.
type Diff struct {
	App     string           `json:"app"`
	From    int              `json:"from" doc:"The release compared with."`
	To      int              `json:"to" doc:"The release compared."`
	Changes []paas.KeyChange `json:"changes" doc:"Empty if both would run the same."`
}
