package wire

import (
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Events are what happened, oldest first.
type Events struct {
	Items []paas.Event `json:"items"`
	Next  int64        `json:"next,omitempty"` // the value of ?after= for the page that follows, with the same until; 0 on the last
	Until int64        `json:"until"`          // the newest event of any kind and app when the list was read: a stream after it goes on without a gap
}

// Names of what a stream of events holds beside events, where it was asked for.
const (
	StreamChanged = "changed" // with a Changed: some apps are no longer as they were
	StreamBeat    = "beat"    // with a Beat, every five seconds
	StreamRates   = "rates"   // with Rates, where some have moved
)

// Changed names apps that may read differently now, or are gone, as TEAM/APP. There is at most one a
// second.
type Changed struct {
	Apps []string `json:"apps"`
}

// Rates are those of apps that are others than before, as their lines show them.
type Rates struct {
	Items []Rate `json:"items"`
}

// Rate is how much an app is asked.
type Rate struct {
	App    string  `json:"app"`    // TEAM/APP
	Rate   float64 `json:"rate"`   // requests a second, over the last minute
	Errors float64 `json:"errors"` // share of them answered with 5xx, 0 to 1
}

// Beat is a sign of life, with what does not answer: since then what is shown of it may be old.
type Beat struct {
	Time     time.Time `json:"time"`     // by the server's clock
	Backends []Silent  `json:"backends"` // none when all is well
}

// Silent is a backend that does not answer.
type Silent struct {
	Name   string    `json:"name"` // nomad, consul, vault or fabio; store; leader, where no server of Crumpet reads from them
	Since  time.Time `json:"since"`
	Reason string    `json:"reason"`
}
