package deploy

import (
	"cmp"
	"slices"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// AwayLimit is how long the new instances of a walk may be without their artifact: a server of ours may be
// restarting, and Nomad gives an instance up within seconds.
const AwayLimit = 60 * time.Second

// withoutArtifact says that an instance lacks nothing but its artifact, and not for what is in it: no server
// answered for it. One that is lost, altered or denied is another cause, and does not come by waiting.
func withoutArtifact(i paas.Instance) bool {
	return i.Cause == paas.CauseArtifactFailed && (i.State == paas.InstancePending || i.State == paas.InstanceFailed)
}

// unfetched gives the sentence for a new instance that has been without its artifact for too long, in its place
// and in those that Nomad put there after it. The time counts from when a server of ours saw it and led: while
// none did, as during a restart of the only one, nobody could have fetched it, and the release is not to blame.
func (f facts) unfetched(now time.Time) string {
	type place struct {
		slot    paas.Slot
		process string
		index   int
	}
	begun, reasons := map[place]time.Time{}, map[place]string{}
	oldestFirst := func(a, b paas.Instance) int {
		return cmp.Or(cmp.Compare(a.Placed, b.Placed), a.CreatedAt.Compare(b.CreatedAt))
	}
	for _, i := range slices.SortedFunc(slices.Values(f.fresh), oldestFirst) {
		at := place{i.Slot, i.Process, i.Index}
		switch {
		case i.CreatedAt.Before(f.d.CreatedAt), i.State == paas.InstanceFailed && i.CreatedAt.Before(f.tried()):
		case withoutArtifact(i):
			reasons[at] = i.Reason
			if begun[at].IsZero() {
				begun[at] = later(later(i.Since, f.tried()), f.snap.Led)
			}
		case i.StartedAt != nil: // it was fetched
			delete(begun, at)
		}
	}
	for at, since := range begun {
		if now.Sub(since) > AwayLimit {
			return orElse(reasons[at], at.process+" could not fetch its artifact")
		}
	}
	return ""
}
