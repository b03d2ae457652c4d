package client

import (
	"context"
	"errors"
	"io"
	"net/url"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// CreateBuild begins a build, or finds the one that is under way for the same source.
func (c *Client) CreateBuild(ctx context.Context, app string, in wire.CreateBuild) (b paas.BuildJob, err error) {
	return b, c.call(ctx, always, "POST", appPath(app, "/builds"), nil, in, &b)
}

// Build shows a build.
func (c *Client) Build(ctx context.Context, id string) (b paas.BuildJob, err error) {
	return b, c.call(ctx, always, "GET", "/v1/builds/"+url.PathEscape(id), nil, nil, &b)
}

// missingAtOnce is how many digests are asked for in one call: their JSON keeps below 1 MiB.
const missingAtOnce = 5000

// Missing gives those of the digests that the server lacks.
func (c *Client) Missing(ctx context.Context, digests []string) ([]string, error) {
	var missing []string
	for len(digests) > 0 {
		n := min(len(digests), missingAtOnce)
		var answer wire.Digests
		if err := c.call(ctx, always, "POST", "/v1/blobs/missing", nil, wire.Digests{Digests: digests[:n]}, &answer); err != nil {
			return nil, err
		}
		missing = append(missing, answer.Digests...)
		digests = digests[n:]
	}
	return missing, nil
}

// uploadsMost is how often an upload may break off: a server that is started again breaks one, what
// breaks each would break the next as well.
const uploadsMost = 4

// Upload sends blobs as a tar.gz that write makes. write is called again if the connection breaks.
func (c *Client) Upload(ctx context.Context, write func(io.Writer) error) (u wire.Uploaded, err error) {
	broken := 0
	return u, c.retry(ctx, always, func() error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		r, err := c.request(ctx, "POST", "/v1/blobs", nil)
		if err != nil {
			return err
		}
		r.Header.Set("Content-Type", "application/gzip")
		reader, writer := io.Pipe()
		r.Body = reader
		wrote := make(chan error, 1)
		go func() { // ends when the archive is written, or when nobody reads it any more
			err := write(writer)
			wrote <- err
			writer.CloseWithError(err)
		}()
		err = c.send(r, &u)
		reader.CloseWithError(io.ErrClosedPipe)
		// A source that can't be read shows as a broken upload: what broke it is the better reason.
		if cause := <-wrote; err != nil && cause != nil && paas.CodeOf(cause) != paas.Internal {
			return cause
		}
		if l, ok := errors.AsType[*lost](err); ok && !l.unheard {
			if broken++; broken == uploadsMost {
				return paas.Wrap(paas.Unavailable, l.error, "The upload to %s broke off %d times%s. Look at what is between here and the server, and push again.", c.Addr(), broken, whyUnreached(err))
			}
		}
		return err
	})
}
