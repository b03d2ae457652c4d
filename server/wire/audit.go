package wire

import "github.com/crumpet-paas/crumpet/server/paas"

// Audit is a page of who did what.
type Audit struct {
	Items []paas.Audited `json:"items"`
	Next  int64          `json:"next,omitempty"` // id after which the next page begins; 0 for no more
}
