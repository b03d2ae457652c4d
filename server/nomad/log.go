package nomad

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// logDir is where an allocation's folder keeps what its tasks write.
const logDir = "alloc/logs"

// silent is how long a followed log may give no sign of life; Nomad gives one every second.
const silent = 15 * time.Second

// Logs are always read through the configured address, never from the node directly: nodes need not be
// reachable for Crumpet.

// LogFiles lists the files of all logs of an allocation. The code is not_found for an allocation whose
// tasks have not started yet, whose node can't be reached, and for one that Nomad has forgotten.
func (c *Client) LogFiles(ctx context.Context, alloc string) ([]paas.LogFile, error) {
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var entries []*nomadapi.AllocFileInfo
	_, err := c.api.Raw().Query("/v1/client/fs/ls/"+url.PathEscape(alloc), &entries, fileQuery(limited, map[string]string{"path": logDir}))
	if err != nil {
		return nil, c.fail(ctx, err, "list logs of allocation "+alloc)
	}
	var files []paas.LogFile
	for _, e := range entries {
		if f, ok := parseLogFile(e.Name); ok && !e.IsDir {
			f.Size, f.Modified = e.Size, e.ModTime
			files = append(files, f)
		}
	}
	return files, nil
}

// ReadLog calls hear with the bytes of a log's file from offset on, size of them in all. The code is
// not_found for a file that is gone, or has fewer.
//
// It reads a stream of frames, as /v1/client/fs/readat and cat answer an error with status 200 and the
// error's text as if it were the file's.
func (c *Client) ReadLog(ctx context.Context, alloc string, f paas.LogFile, offset, size int64, hear func([]byte) error) error {
	does := fmt.Sprintf("read %s of allocation %s", logFileName(f), alloc)
	gone := func(err error) error { return paas.Wrap(paas.NotFound, err, "A file of this log is gone.") }
	err := c.frames(ctx, does, "/v1/client/fs/stream/"+url.PathEscape(alloc), map[string]string{
		"path": path.Join(logDir, logFileName(f)), "offset": strconv.FormatInt(offset, 10), "origin": "start", "follow": "false",
	}, func(chunk paas.LogChunk) error {
		data := chunk.Data[:min(int64(len(chunk.Data)), size)]
		size -= int64(len(data))
		if len(data) > 0 {
			if err := hear(data); err != nil {
				return err
			}
		}
		if size == 0 {
			return errEnough
		}
		return nil
	})
	switch {
	case errors.Is(err, errEnough), size == 0:
		return nil
	case paas.CodeOf(err) == paas.Invalid, errors.Is(err, io.EOF): // it can't be looked at, or ended: it was rotated away since it was listed
		return gone(err)
	}
	return err
}

// errEnough ends a stream whose rest is not wanted.
var errEnough = errors.New("enough")

// FollowLog calls hear with what a task has written to a stream ("stdout" or "stderr"), without the
// first skip bytes of the files there are, and then with what it writes, until ctx ends, hear fails, or
// the connection breaks. Where in its file the first chunk begins is not said: Nomad's frames carry the
// offset at which one of the reads ended that went into them. Code as of LogFiles, and unavailable.
func (c *Client) FollowLog(ctx context.Context, alloc, task, stream string, skip int64, hear func(paas.LogChunk) error) error {
	does := fmt.Sprintf("follow %s of allocation %s", stream, alloc)
	return c.frames(ctx, does, "/v1/client/fs/logs/"+url.PathEscape(alloc), map[string]string{
		"task": task, "type": stream, "follow": "true", "origin": "start", "offset": strconv.FormatInt(skip, 10),
	}, hear)
}

// frames calls hear with each frame of a stream until it ends, which is an error too.
func (c *Client) frames(ctx context.Context, does, at string, params map[string]string, hear func(paas.LogChunk) error) error {
	quiet, cancel := context.WithCancel(ctx)
	defer cancel()
	watchdog := time.AfterFunc(silent, cancel)
	defer watchdog.Stop()
	q := fileQuery(quiet, params)
	// The official client asks for gzip, in a header line of its own, and Nomad goes by the first there is:
	// compressed, a log costs both sides more than all else that they do with it.
	q.Headers = map[string]string{"Accept-Encoding": "identity"}
	body, err := c.api.Raw().Response(at, q)
	if err != nil {
		return c.fail(ctx, err, does)
	}
	defer func() { _ = body.Close() }() // read only
	for frames := newFrameReader(body); ; {
		chunk, err := frames.next()
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return paas.Wrap(paas.Unavailable, fmt.Errorf("%s: %w", does, err), "Nomad at %s ended the log of an instance. Try again.", c.address)
		}
		watchdog.Stop() // hear may take its time
		if err := hear(chunk); err != nil {
			return err
		}
		watchdog.Reset(silent)
	}
}

func fileQuery(ctx context.Context, params map[string]string) *nomadapi.QueryOptions {
	return (&nomadapi.QueryOptions{Namespace: nomadapi.AllNamespacesNamespace, Params: params}).WithContext(ctx)
}

// parseLogFile takes TASK.STREAM.NUMBER apart.
func parseLogFile(name string) (f paas.LogFile, ok bool) {
	rest, number, _ := cutLast(name)
	f.Task, f.Stream, ok = cutLast(rest)
	n, err := strconv.Atoi(number)
	f.Number = n
	return f, ok && err == nil && n >= 0 && f.Task != "" && (f.Stream == "stdout" || f.Stream == "stderr")
}

func logFileName(f paas.LogFile) string {
	return f.Task + "." + f.Stream + "." + strconv.Itoa(f.Number)
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}
