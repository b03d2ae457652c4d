package store

import (
	"context"
	"time"

	"github.com/uptrace/bun"
)

// usedEvery is how exactly it is known when a blob was last used, so that a push that asks for thousands
// does not write as many rows each time.
const usedEvery = time.Minute

// useBlobs notes that blobs are wanted now: SweepBlobs leaves them, though nothing names them yet.
func (s *Store) useBlobs(ctx context.Context, digests []string) error {
	err := s.transact(ctx, s.write, s.engine.writes, func(ctx context.Context, tx bun.Tx) error { return used(ctx, tx, digests) })
	if err != nil {
		return failed("note use of blobs", err)
	}
	return nil
}

func used(ctx context.Context, tx bun.Tx, digests []string) error {
	now := time.Now()
	_, err := tx.NewUpdate().Table("blobs").Set("created_at = ?", stamp(now)).
		Where("digest IN (?) AND created_at < ?", bun.List(digests), stamp(now.Add(-usedEvery))).Exec(ctx)
	return err
}

// SweepBlobs drops the blobs that are not named and were not put or asked for since a time, and says how
// many and how many bytes. Each goes by itself, and only if nobody has asked for it meanwhile.
func (s *Store) SweepBlobs(ctx context.Context, named map[string]bool, before time.Time) (blobs int, bytes int64, err error) {
	var old []struct {
		Digest string
		Size   int64
	}
	err = s.view(ctx, "list old blobs", func(ctx context.Context, tx bun.Tx) error {
		old = nil
		return tx.NewSelect().Table("blobs").Column("digest", "size").Where("created_at < ?", stamp(before)).Order("digest").Scan(ctx, &old)
	})
	if err != nil {
		return 0, 0, err
	}
	for _, b := range old {
		if named[b.Digest] {
			continue
		}
		var n int64
		err := s.transact(ctx, s.write, s.engine.writes, func(ctx context.Context, tx bun.Tx) error {
			result, err := tx.NewDelete().Table("blobs").Where("digest = ? AND created_at < ?", b.Digest, stamp(before)).Exec(ctx)
			if err != nil {
				return err
			}
			n, err = result.RowsAffected()
			return err
		})
		if err != nil {
			return blobs, bytes, failed("drop blob", err)
		}
		if n > 0 {
			blobs, bytes = blobs+1, bytes+b.Size
		}
	}
	return blobs, bytes, nil
}
