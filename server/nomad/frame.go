package nomad

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// frameReader reads the frames of a followed log: flat JSON objects, one after the other. encoding/json
// goes over each byte of their base64 three times, which made it the slowest part of following a log;
// here strings are found by their quotes.
type frameReader struct {
	r    *bufio.Reader
	data []byte // of the last frame; used again
	text []byte // of a string longer than the reader's buffer; used again
}

// frameBuffer holds a frame as Nomad sends it: 64 KiB as base64, and its place.
const frameBuffer = 128 << 10

// longestFrame bounds what a broken stream can make us keep.
const longestFrame = 16 << 20

var errFrame = errors.New("not a frame of a log")

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{r: bufio.NewReaderSize(r, frameBuffer)}
}

// next reads one frame. Its data is good until the next call; a heartbeat has none.
func (f *frameReader) next() (chunk paas.LogChunk, err error) {
	if err := f.expect('{'); err != nil {
		return chunk, err
	}
	chunk.File = -1
	for {
		c, err := f.byte()
		if err == nil && c == ',' {
			c, err = f.byte()
		}
		switch {
		case err != nil:
			return chunk, ended(err)
		case c == '}' && len(chunk.Data) > 0 && chunk.File < 0:
			return chunk, errFrame
		case c == '}':
			return chunk, nil
		case c != '"':
			return chunk, errFrame
		}
		if err := f.member(&chunk); err != nil {
			return chunk, ended(err)
		}
	}
}

// member reads a name, whose first quote has been read, and its value.
func (f *frameReader) member(chunk *paas.LogChunk) error {
	name, err := f.string()
	if err != nil {
		return err
	}
	what := ""
	switch string(name) {
	case "Data", "File":
		what = string(name)
	}
	if err := f.expect(':'); err != nil {
		return err
	}
	c, err := f.byte()
	if err != nil {
		return err
	}
	if c != '"' {
		return f.skip(c)
	}
	value, err := f.string()
	if err != nil {
		return err
	}
	switch what {
	case "Data":
		f.data, err = base64.StdEncoding.AppendDecode(f.data[:0], value)
		chunk.Data = f.data
	case "File":
		file, ok := parseLogFile(path.Base(string(value)))
		if !ok {
			return fmt.Errorf("%w: file %q", errFrame, value)
		}
		chunk.File = file.Number
	}
	return err
}

// string reads what is left of a string, whose first quote has been read.
func (f *frameReader) string() ([]byte, error) {
	part, err := f.r.ReadSlice('"')
	if err == nil && !bytes.ContainsRune(part, '\\') {
		return part[:len(part)-1], nil
	}
	f.text = append(f.text[:0], part...)
	for errors.Is(err, bufio.ErrBufferFull) || (err == nil && escaped(f.text)) {
		if len(f.text) > longestFrame {
			return nil, errFrame
		}
		part, err = f.r.ReadSlice('"')
		f.text = append(f.text, part...)
	}
	if err != nil {
		return nil, err
	}
	if !bytes.ContainsRune(f.text, '\\') {
		return f.text[:len(f.text)-1], nil
	}
	var s string
	if err := json.Unmarshal(append([]byte{'"'}, f.text...), &s); err != nil {
		return nil, err
	}
	return []byte(s), nil
}

// escaped says that the quote at the end does not end the string.
func escaped(text []byte) bool {
	n := 0
	for i := len(text) - 2; i >= 0 && text[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// skip reads over a number or a word, up to what follows it.
func (f *frameReader) skip(first byte) error {
	if first == '{' || first == '[' {
		return errFrame
	}
	for {
		c, err := f.r.ReadByte()
		if err != nil {
			return err
		}
		if c == ',' || c == '}' {
			return f.r.UnreadByte()
		}
	}
}

func (f *frameReader) expect(want byte) error {
	c, err := f.byte()
	if err == nil && c != want {
		err = errFrame
	}
	return err
}

// byte reads the next one that is not white space.
func (f *frameReader) byte() (byte, error) {
	for {
		c, err := f.r.ReadByte()
		if err != nil || c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, err
		}
	}
}

// ended makes an end inside a frame an error of its own.
func ended(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
