package wire

import (
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Metrics is what the routers answered for an app within the last ten minutes, as they count it.
type Metrics struct {
	App   string    `json:"app"`
	Team  string    `json:"team"`
	At    time.Time `json:"at"` // when this was put together, by the server's clock
	Items []Metric  `json:"items"`
}

// Metric is the part of one process, slot and release. A process without a route has none.
type Metric struct {
	Process string        `json:"process"`
	Slot    paas.Slot     `json:"slot"`
	Release int           `json:"release"`
	Live    bool          `json:"live"` // the release that serves, not one that comes or goes
	Role    MetricRole    `json:"role"` // in the deployment under way; "" where there is none
	Windows []Window      `json:"windows"`
	Buckets []paas.Bucket `json:"buckets"` // oldest first; where nothing was asked for there is none
}

// MetricRole says on which side of a deployment a Metric is.
type MetricRole string

// The roles.
const (
	MetricNew MetricRole = "new" // the release walked to
	MetricOld MetricRole = "old" // the release walked from
)

// Window adds up the newest buckets.
type Window struct {
	Window     string  `json:"window"` // 1m, 5m or 10m
	Requests   int64   `json:"requests"`
	Errors     int64   `json:"errors"`      // answered with 5xx, by the app or by the router in its place
	PerSecond  float64 `json:"per_second"`  // requests
	ErrorShare float64 `json:"error_share"` // 0 to 1
	MeanMS     float64 `json:"mean_ms"`     // of a request
	Partial    bool    `json:"partial"`     // some router could not be read: there may have been more
}
