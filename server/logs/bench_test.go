package logs_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/logs"
	"github.com/crumpet-paas/crumpet/server/paas"
)

// spout is a cluster whose only stream gives the same chunk again and again.
type spout struct {
	*cluster
	chunk  []byte
	chunks int
}

func (s *spout) FollowLog(ctx context.Context, _, _, stream string, _ int64, hear func(paas.LogChunk) error) error {
	for range s.chunks {
		if stream == "stderr" {
			break
		}
		if err := hear(paas.LogChunk{Data: s.chunk}); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// BenchmarkFollow is what one line of one followed stream costs, from Nomad's bytes to a part.
func BenchmarkFollow(b *testing.B) {
	c := newCluster()
	c.set("a0", "web", paas.InstanceRunning)
	c.writeTask("a0", "web", "stdout", "")
	var chunk bytes.Buffer
	lines := 0
	for ; chunk.Len() < 64<<10; lines++ {
		fmt.Fprintf(&chunk, "0f3c1a2b-4c5d-6e7f-8091-a2b3c4d5e6f7 %d abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz\n", lines)
	}
	s := &spout{c, chunk.Bytes(), b.N/lines + 1}
	l := logs.New(logs.Config{Nomad: s, Store: c, Reread: time.Second})
	want, got := s.chunks*lines, 0
	b.SetBytes(int64(chunk.Len() / lines))
	b.ResetTimer()
	err := l.Logs(b.Context(), paas.LogQuery{Ref: shop, Follow: true}, func(p paas.LogPart) error {
		if got += len(p.Lines); got >= want {
			return errLeft
		}
		return nil
	})
	if !errors.Is(err, errLeft) {
		b.Fatal(err)
	}
}
