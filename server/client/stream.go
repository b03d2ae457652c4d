package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// message is one server-sent event.
type message struct {
	id   string // the last id heard, this one's or an earlier one's
	kind string
	data []byte // hear's until it returns; nil for none
	room []byte // for data of the next one, never nil
}

// maxLine bounds one line of a stream, in bytes.
const maxLine = 1 << 20

// readAtOnce is how much of a stream is asked of the connection at once.
const readAtOnce = 128 << 10

// listen opens a stream and calls hear with each message until hear says stop, the server ends the
// stream, or the connection breaks: the last two are errors that retry may answer to.
func (c *Client) listen(ctx context.Context, path string, query url.Values, lastID string, hear func(message) (stop bool, err error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := c.request(ctx, http.MethodGet, path, query)
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "text/event-stream, application/problem+json")
	if lastID != "" {
		r.Header.Set("Last-Event-ID", lastID)
	}
	// A connection that died without a word would never end: no sign of life within three heartbeats
	// ends it.
	quiet := false
	watchdog := time.AfterFunc(quietFor, func() { quiet = true; cancel() })
	defer watchdog.Stop()

	answer, err := c.do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close() //nolint:errcheck // given up
	if answer.StatusCode != http.StatusOK {
		return c.problem(answer)
	}
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(make([]byte, 0, readAtOnce), maxLine)
	heard := message{id: lastID, room: []byte{}}
	for n := 0; lines.Scan(); n++ {
		if n%256 == 0 { // a message of many lines may be long on its way
			watchdog.Reset(quietFor)
		}
		if !heard.take(lines.Bytes()) {
			continue
		}
		watchdog.Stop() // whoever hears may take their time
		stop, err := hear(heard)
		watchdog.Reset(quietFor)
		if stop || err != nil {
			return err
		}
		if heard.data != nil && cap(heard.data) <= maxLine {
			heard.room = heard.data
		}
		heard.kind, heard.data = "", nil
	}
	err = lines.Err()
	switch {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("read stream: %w", err)
	case err == nil:
		err = io.ErrUnexpectedEOF // the server ended it
	case errors.Is(err, context.Canceled) && quiet:
		err = errors.New("no sign of life")
	}
	return c.unreached(err)
}

// take adds one line to a message, and says whether the message is complete: also when it has an id
// only, which says where a stream begins.
func (m *message) take(line []byte) (complete bool) {
	if len(line) == 0 {
		return true
	}
	field, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch string(field) {
	case "id":
		m.id = string(value)
	case "event":
		m.kind = string(value)
	case "data":
		if m.data == nil {
			m.data = m.room[:0]
		} else {
			m.data = append(m.data, '\n')
		}
		m.data = append(m.data, value...)
	}
	return false
}
