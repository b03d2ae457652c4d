package wire

import "github.com/crumpet-paas/crumpet/server/paas"

// Events are what happened, oldest first.
type Events struct {
	Items []paas.Event `json:"items"`
	Next  int64        `json:"next,omitempty"` // the value of ?after= for the page that follows, with the same until; 0 on the last
	Until int64        `json:"until"`          // the newest event of any kind and app when the list was read: a stream after it goes on without a gap
}
