package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/labstack/echo/v4"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// stalledAfter is how long an upload may bring nothing before it is given up.
const stalledAfter = time.Minute

func (a *API) missing(ctx context.Context, in *struct {
	Scope
	Body wire.Digests
},
) (*body[wire.Digests], error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	list, err := a.Blobs.Missing(ctx, in.Body.Digests)
	if err != nil {
		return nil, err
	}
	return &body[wire.Digests]{wire.Digests{Digests: items(list)}}, nil
}

func (a *API) upload(c echo.Context) error {
	if err := checkTeam(teamOf(c)); err != nil {
		return err
	}
	w, r := c.Response(), c.Request()
	if r.ContentLength > a.MaxUpload {
		return a.tooLarge()
	}
	stream := &patient{
		body:    http.MaxBytesReader(w, r.Body, a.MaxUpload),
		control: http.NewResponseController(w),
	}
	stored, err := a.Blobs.Receive(r.Context(), stream)
	stream.rest()
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large) || errors.As(stream.err, &large):
		return a.tooLarge()
	case stream.err != nil && err != nil: // the caller left, or stalled: nobody reads the answer
		return paas.Wrap(paas.Invalid, err, "The upload ended before it was complete. Push again: what has arrived is kept.")
	case err != nil:
		return err
	}
	return c.JSON(http.StatusOK, wire.Uploaded{Blobs: stored})
}

func (a *API) tooLarge() error {
	return paas.Errorf(paas.Quota, "The upload is larger than the %d MiB this server takes. Leave out what the build does not need with .crumpetignore.", a.MaxUpload>>20)
}

// patient reads a body for as long as it keeps coming, and remembers what broke it.
type patient struct {
	body    io.Reader
	control *http.ResponseController
	err     error // of the connection, io.EOF left out
}

func (p *patient) Read(b []byte) (int, error) {
	// Not every ResponseWriter has deadlines; without one the upload is just not timed.
	if err := p.control.SetReadDeadline(time.Now().Add(stalledAfter)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := p.body.Read(b)
	if err != nil && !errors.Is(err, io.EOF) {
		p.err = err
	}
	return n, err
}

// rest takes the deadline off again, or net/http would end the request's context by it.
func (p *patient) rest() {
	_ = p.control.SetReadDeadline(time.Time{}) // as above
}

func teamOf(c echo.Context) string {
	if team := c.QueryParam("team"); team != "" {
		return team
	}
	return paas.DefaultTeam
}

func describeUpload(schemas huma.Registry, op *huma.Operation) {
	op.Description = "Each entry of the archive is named sha256/ and the SHA-256 of its content. What has arrived whole is kept, even if the upload breaks later."
	op.Parameters = []*huma.Param{teamParam}
	op.RequestBody = &huma.RequestBody{Required: true, Content: bytesOf("application/gzip")}
	op.Responses["200"] = &huma.Response{Description: "Stored", Content: jsonContent(schemas, reflect.TypeFor[wire.Uploaded]())}
}
