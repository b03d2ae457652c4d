package store

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/uptrace/bun"
)

const (
	pieceSize = 1 << 20          // bytes of a blob in one row
	blobLimit = 10 * time.Minute // for one blob to be written
)

type pieceRow struct {
	bun.BaseModel `bun:"table:blob_pieces,alias:blob_pieces"`

	Digest  string `bun:"digest,pk"`
	Number  int    `bun:"number,pk"`
	Content []byte `bun:"content"`
}

// PutBlob keeps the content of a digest, which the caller has verified; one that is there already stays.
// It is there for every server once PutBlob has returned.
func (s *Store) PutBlob(ctx context.Context, digest string, size int64, content io.ReadSeeker) error {
	err := s.transactWithin(ctx, blobLimit, s.write, s.engine.writes, func(ctx context.Context, tx bun.Tx) error {
		if _, err := content.Seek(0, io.SeekStart); err != nil {
			return err
		}
		result, err := tx.NewRaw("INSERT INTO blobs (digest, size, created_at) VALUES (?, ?, ?) ON CONFLICT (digest) DO NOTHING",
			digest, size, stamp(time.Now())).Exec(ctx)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 { // it is there, or another server has just written it
			return errors.Join(err, used(ctx, tx, []string{digest}))
		}
		return writePieces(ctx, tx, digest, content)
	})
	if err != nil {
		return failed("write blob", err)
	}
	return nil
}

func writePieces(ctx context.Context, tx bun.Tx, digest string, content io.Reader) error {
	piece := make([]byte, pieceSize)
	for number := 0; ; number++ {
		n, err := io.ReadFull(content, piece)
		if errors.Is(err, io.EOF) {
			return nil
		}
		last := errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		row := pieceRow{Digest: digest, Number: number, Content: piece[:n]}
		if _, err := tx.NewInsert().Model(&row).Returning("NULL").Exec(ctx); err != nil || last {
			return err
		}
	}
}

// BlobSize gives the size of a blob. Code: not_found.
func (s *Store) BlobSize(ctx context.Context, digest string) (int64, error) {
	var size int64
	err := s.view(ctx, "find blob", func(ctx context.Context, tx bun.Tx) error {
		err := tx.NewSelect().Table("blobs").Column("size").Where("digest = ?", digest).Scan(ctx, &size)
		return missing(err, "There is no such content.")
	})
	return size, err
}

// MissingBlobs gives those of the digests that have no blob, each once, in the order given. The others
// are noted as used.
func (s *Store) MissingBlobs(ctx context.Context, digests []string) ([]string, error) {
	here := map[string]bool{}
	for part := range slices.Chunk(digests, 500) {
		var found []string
		err := s.view(ctx, "find blobs", func(ctx context.Context, tx bun.Tx) error {
			found = nil
			return tx.NewSelect().Table("blobs").Column("digest").Where("digest IN (?)", bun.List(part)).Scan(ctx, &found)
		})
		if err == nil && len(found) > 0 {
			err = s.useBlobs(ctx, found)
		}
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			here[d] = true
		}
	}
	lacking := []string{}
	for _, d := range digests {
		if !here[d] {
			lacking = append(lacking, d)
			here[d] = true // named once
		}
	}
	return lacking, nil
}

// OpenBlob gives the content of a blob, which is read piece by piece, and its size. Code: not_found.
func (s *Store) OpenBlob(ctx context.Context, digest string) (io.ReadCloser, int64, error) {
	size, err := s.BlobSize(ctx, digest)
	if err != nil {
		return nil, 0, err
	}
	return io.NopCloser(&pieces{ctx: ctx, store: s, digest: digest, left: size}), size, nil
}

// pieces reads a blob. A piece never changes, so each is read in a transaction of its own.
type pieces struct {
	ctx    context.Context // lives as long as the reader
	store  *Store
	digest string
	left   int64 // bytes that have not been read from the database
	next   int
	piece  []byte
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.piece) == 0 {
		if p.left <= 0 {
			return 0, io.EOF
		}
		if err := p.read(); err != nil {
			return 0, err
		}
	}
	n := copy(b, p.piece)
	p.piece = p.piece[n:]
	return n, nil
}

func (p *pieces) read() error {
	var row pieceRow
	err := p.store.view(p.ctx, "read blob", func(ctx context.Context, tx bun.Tx) error {
		row = pieceRow{}
		err := tx.NewSelect().Model(&row).Where("digest = ? AND number = ?", p.digest, p.next).Scan(ctx)
		return missing(err, "Content %s lacks its piece %d.", p.digest, p.next)
	})
	if err != nil {
		return err
	}
	p.piece, p.left, p.next = row.Content, p.left-int64(len(row.Content)), p.next+1
	return nil
}
