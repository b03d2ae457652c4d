package wire

import (
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Usage is what each instance of an app takes of its node.
type Usage struct {
	App   string               `json:"app"`
	Team  string               `json:"team"`
	At    time.Time            `json:"at"` // when this was put together, by the server's clock
	Items []paas.InstanceUsage `json:"items"`
	Next  string               `json:"next"` // always "": there is one page
}

// Timeline is a deployment's way, milestone by milestone, oldest first, those ahead last.
type Timeline struct {
	App        string               `json:"app"`
	Team       string               `json:"team"`
	Deployment string               `json:"deployment"`
	Release    int                  `json:"release"`
	State      paas.DeploymentState `json:"status"`
	At         time.Time            `json:"at"` // when this was put together, by the server's clock
	Items      []paas.Milestone     `json:"items"`
	Next       string               `json:"next"` // always "": there is one page
}
