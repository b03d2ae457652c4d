package doctor

import (
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Known is a fact, or the reason why it is not known.
type Known[T any] struct {
	Is     T
	Reason string    // a sentence; "" for a fact
	Code   paas.Code // of the error that the reason tells of
}

// Facts are what was seen of a cluster.
type Facts struct {
	At      time.Time
	Quorums map[string]Known[paas.Quorum] // by the program's name
	Agents  Known[[]paas.NomadAgent]
	Rooms   Known[[]Room]
	Routers Known[[]paas.RouterSettings]
	// RouterJob is nil where routers are no job of the platform's.
	RouterJob Known[*paas.RouterJob]
	// Stale is what routers' tables and Consul did not agree about at two looks.
	Stale        Known[[]paas.StaleRow]
	Drift        Known[[]paas.Finding]
	Certificates []paas.Certificate
	Leases       []paas.Lease
	Machine      Known[paas.Machine]
	Outside      *Seen // nil where a Crumpet server looks
}

// Room is what a node that takes instances has, and what is reserved of it.
type Room struct {
	Name        string
	CPU, Memory paas.Extent // MHz, MiB
}
