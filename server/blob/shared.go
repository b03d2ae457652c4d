package blob

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Remote keeps blobs for all servers. Code for what is not there: not_found.
type Remote interface {
	// PutBlob keeps a content whose digest has been verified, durably.
	PutBlob(ctx context.Context, digest string, size int64, content io.ReadSeeker) error
	OpenBlob(ctx context.Context, digest string) (io.ReadCloser, int64, error)
	BlobSize(ctx context.Context, digest string) (int64, error)
	MissingBlobs(ctx context.Context, digests []string) ([]string, error)
	// SweepBlobs drops what is not named and was not put or asked for since a time.
	SweepBlobs(ctx context.Context, named map[string]bool, before time.Time) (blobs int, bytes int64, err error)
}

// Shared keeps blobs in a Remote, with a folder of this server before it. What it has taken is in the
// Remote, so it survives this server; what it gives is read from the folder, after it was brought there
// and its digest verified.
type Shared struct {
	cache  *Store
	remote Remote

	mu       sync.Mutex
	fetching map[string]chan struct{} // guarded by mu: closed when the blob has been fetched, or not
}

// NewShared makes a Shared over a folder.
func NewShared(cache *Store, remote Remote) *Shared {
	return &Shared{cache: cache, remote: remote, fetching: map[string]chan struct{}{}}
}

// Put stores what r gives.
func (s *Shared) Put(ctx context.Context, r io.Reader) (digest string, size int64, err error) {
	if digest, size, err = s.cache.Put(ctx, r); err != nil {
		return "", 0, err
	}
	return digest, size, s.share(ctx, digest)
}

// PutAs stores what r gives if it has that digest; otherwise nothing is kept and the code is invalid.
func (s *Shared) PutAs(ctx context.Context, digest string, r io.Reader) error {
	if err := s.cache.PutAs(ctx, digest, r); err != nil {
		return err
	}
	return s.share(ctx, digest)
}

func (s *Shared) share(ctx context.Context, digest string) error {
	f, size, err := s.cache.Open(ctx, digest)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read
	return s.remote.PutBlob(ctx, digest, size, f)
}

// Open gives the content of a blob and its size.
func (s *Shared) Open(ctx context.Context, digest string) (io.ReadSeekCloser, int64, error) {
	for {
		f, size, err := s.cache.Open(ctx, digest)
		if paas.CodeOf(err) != paas.NotFound {
			return f, size, err
		}
		if err := s.fetch(ctx, digest); err != nil {
			return nil, 0, err
		}
	}
}

// fetch brings a blob into the folder; of several that want the same one at once the first does.
func (s *Shared) fetch(ctx context.Context, digest string) error {
	s.mu.Lock()
	done, under := s.fetching[digest]
	if !under {
		done = make(chan struct{})
		s.fetching[digest] = done
	}
	s.mu.Unlock()
	if under {
		select {
		case <-ctx.Done():
			return fmt.Errorf("fetch blob %s: %w", digest, ctx.Err())
		case <-done:
			return nil // whoever asked looks again
		}
	}
	defer func() {
		s.mu.Lock()
		delete(s.fetching, digest)
		s.mu.Unlock()
		close(done)
	}()
	// Somebody may have brought it between the look into the folder and now.
	if has, err := s.cache.Has(ctx, digest); err != nil || has {
		return err
	}
	r, _, err := s.remote.OpenBlob(ctx, digest)
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read
	err = s.cache.PutAs(ctx, digest, r)
	if paas.CodeOf(err) == paas.Invalid {
		return paas.Wrap(paas.Internal, err, "The content %s is damaged in Crumpet's database.", digest)
	}
	return err
}

// Size gives the size of a blob.
func (s *Shared) Size(ctx context.Context, digest string) (int64, error) {
	if err := check(digest); err != nil {
		return 0, err
	}
	return s.remote.BlobSize(ctx, digest)
}

// Has says whether a blob is there.
func (s *Shared) Has(ctx context.Context, digest string) (bool, error) {
	_, err := s.Size(ctx, digest)
	if paas.CodeOf(err) == paas.NotFound {
		return false, nil
	}
	return err == nil, err
}

// Missing gives those of the digests that have no blob, each once, in the order given.
func (s *Shared) Missing(ctx context.Context, digests []string) ([]string, error) {
	for _, d := range digests {
		if err := check(d); err != nil {
			return nil, err
		}
	}
	return s.remote.MissingBlobs(ctx, digests)
}

// Sweep drops the blobs that are not named and were not put or asked for since a time, and says how many
// and how many bytes; those in this server's folder are not counted again. What is missing there is
// fetched when it is wanted.
func (s *Shared) Sweep(ctx context.Context, named map[string]bool, before time.Time) (blobs int, bytes int64, err error) {
	if blobs, bytes, err = s.remote.SweepBlobs(ctx, named, before); err != nil {
		return blobs, bytes, err
	}
	_, _, err = s.cache.Sweep(ctx, named, before)
	return blobs, bytes, err
}
