package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"
)

// stream writes server-sent events. Each write has a deadline: a reader that does not keep up is
// dropped, and comes back with the id of the last event it got.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	within  time.Duration
	buf     bytes.Buffer
}

func (a *API) startStream(c echo.Context) *stream {
	h := c.Response().Header()
	h.Set(echo.HeaderContentType, "text/event-stream")
	h.Set(echo.HeaderCacheControl, "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would hold lines back
	c.Response().WriteHeader(http.StatusOK)
	return &stream{w: c.Response(), control: http.NewResponseController(c.Response()), within: a.WriteWithin}
}

// add puts an event into the buffer; id and kind may be "". JSON has no line break, so data is one
// line.
func (s *stream) add(id, kind string, data any) error {
	if id != "" {
		fmt.Fprintf(&s.buf, "id: %s\n", id)
	}
	if kind != "" {
		fmt.Fprintf(&s.buf, "event: %s\n", kind)
	}
	if data != nil {
		text, err := json.Marshal(data)
		if err != nil {
			return err
		}
		fmt.Fprintf(&s.buf, "data: %s\n", text)
	}
	s.buf.WriteByte('\n')
	return nil
}

// beat is a sign of life: a comment, which readers leave out.
func (s *stream) beat() { s.buf.WriteString(":\n\n") }

// flush sends the buffer to the reader.
func (s *stream) flush() error {
	if err := s.control.SetWriteDeadline(time.Now().Add(s.within)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := s.buf.WriteTo(s.w); err != nil {
		return err
	}
	return s.control.Flush()
}
