package nomad

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"

	nomadapi "github.com/hashicorp/nomad/api"
)

// Logs gives the bytes that a task of an allocation wrote to a stream ("stdout" or "stderr"), from
// tail bytes before the end on. It ends at the present end, or with follow when ctx ends or the
// reader is closed. The code is not_found for a task that has not started yet and for an allocation
// Nomad has forgotten.
//
// The read goes through the configured address, never to the node directly: nodes need not be
// reachable for Crumpet.
func (c *Client) Logs(ctx context.Context, alloc, task, stream string, follow bool, tail int64) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	q := (&nomadapi.QueryOptions{
		Namespace: nomadapi.AllNamespacesNamespace,
		Params: map[string]string{
			"task":   task,
			"type":   stream,
			"follow": strconv.FormatBool(follow),
			"origin": "end",
			"offset": strconv.FormatInt(tail, 10),
		},
	}).WithContext(ctx)
	body, err := c.api.Raw().Response("/v1/client/fs/logs/"+url.PathEscape(alloc), q)
	if err != nil {
		err = c.fail(ctx, err, fmt.Sprintf("read %s of allocation %s", stream, alloc))
		cancel()
		return nil, err
	}
	return &logReader{body: body, frames: json.NewDecoder(body), cancel: cancel}, nil
}

// logReader turns the frames of Nomad's log stream into plain bytes.
type logReader struct {
	body   io.ReadCloser
	frames *json.Decoder
	cancel context.CancelFunc
	data   []byte // of the current frame, not yet read
}

func (r *logReader) Read(p []byte) (int, error) {
	for len(r.data) == 0 {
		var frame nomadapi.StreamFrame // an empty one is a heartbeat
		if err := r.frames.Decode(&frame); err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
				return 0, io.EOF
			}
			return 0, fmt.Errorf("read log frame: %w", err)
		}
		r.data = frame.Data
	}
	n := copy(p, r.data)
	r.data = r.data[n:]
	return n, nil
}

func (r *logReader) Close() error {
	r.cancel()
	return r.body.Close()
}
