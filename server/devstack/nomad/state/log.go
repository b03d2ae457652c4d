package state

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"

	nomadapi "github.com/hashicorp/nomad/api"
)

// compactAt is the size of the log at which it is rewritten as one record.
const compactAt = 32 << 20

// record is one line of the log. Last is only in the first record of a
// rewritten log: the indexes of tables as they were.
type record struct {
	Index uint64            `json:"index"`
	Last  map[string]uint64 `json:"last,omitempty"`
	Set   []change          `json:"set"`
}

type logFile struct {
	path string
	file *os.File
	size int64
}

// openLog fills t from the log. A torn last line, left by a kill in the middle
// of a write, is a transaction that nobody was told of: it is cut off.
func openLog(dir string, t *tables) (*logFile, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make state folder: %w", err)
	}
	l := &logFile{path: filepath.Join(dir, "log.json")}
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open state log: %w", err)
	}
	l.file = file
	reader := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := reader.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("read state log: %w", err), file.Close())
		}
		if err := t.apply(line); err != nil {
			return nil, errors.Join(fmt.Errorf("read state log at byte %d: %w", l.size, err), file.Close())
		}
		l.size += int64(len(line))
	}
	if err := file.Truncate(l.size); err != nil {
		return nil, errors.Join(fmt.Errorf("cut state log: %w", err), file.Close())
	}
	if _, err := file.Seek(l.size, io.SeekStart); err != nil {
		return nil, errors.Join(fmt.Errorf("seek state log: %w", err), file.Close())
	}
	return l, nil
}

func (t *tables) apply(line []byte) error {
	var rec struct {
		record
		Set []struct {
			Table string          `json:"t"`
			Key   string          `json:"k"`
			Row   json.RawMessage `json:"v"`
		} `json:"set"`
	}
	if err := json.Unmarshal(line, &rec); err != nil {
		return err
	}
	for _, c := range rec.Set {
		var err error
		switch c.Table {
		case Jobs:
			err = load(t.jobs, c.Key, c.Row)
		case Evals:
			err = load(t.evals, c.Key, c.Row)
		case Allocs:
			err = load(t.allocs, c.Key, c.Row)
		case Nodes:
			err = load(t.nodes, c.Key, c.Row)
		case Namespaces:
			err = load(t.namespaces, c.Key, c.Row)
		case Variables:
			err = load(t.variables, c.Key, c.Row)
		case Volumes:
			err = load(t.volumes, c.Key, c.Row)
		default:
			err = fmt.Errorf("unknown table %q", c.Table)
		}
		if err != nil {
			return err
		}
		t.last[c.Table] = rec.Index
	}
	maps.Copy(t.last, rec.Last)
	t.index = rec.Index
	return nil
}

func load[R any](rows map[string]*R, key string, raw json.RawMessage) error {
	if bytes.Equal(raw, []byte("null")) {
		delete(rows, key)
		return nil
	}
	row := new(R)
	if err := json.Unmarshal(raw, row); err != nil {
		return fmt.Errorf("row %s: %w", key, err)
	}
	rows[key] = row
	return nil
}

func (l *logFile) append(rec record) error {
	line, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("encode state: %w", err)
	}
	n, err := l.file.Write(append(line, '\n'))
	if err != nil {
		// Half a line must not stay in front of the next one.
		_, seekErr := l.file.Seek(l.size, io.SeekStart)
		return errors.Join(fmt.Errorf("write state log: %w", err), l.file.Truncate(l.size), seekErr)
	}
	l.size += int64(n)
	return nil
}

// compact rewrites a log that has grown as one record of the present rows.
func (l *logFile) compact(t *tables) error {
	if l.size < compactAt {
		return nil
	}
	rec := record{Index: t.index, Last: t.last}
	rec.Set = appendRows[Job](rec.Set, Jobs, t.jobs)
	rec.Set = appendRows[nomadapi.Evaluation](rec.Set, Evals, t.evals)
	rec.Set = appendRows[Alloc](rec.Set, Allocs, t.allocs)
	rec.Set = appendRows[nomadapi.Node](rec.Set, Nodes, t.nodes)
	rec.Set = appendRows[nomadapi.Namespace](rec.Set, Namespaces, t.namespaces)
	rec.Set = appendRows[nomadapi.Variable](rec.Set, Variables, t.variables)
	rec.Set = appendRows[nomadapi.HostVolume](rec.Set, Volumes, t.volumes)

	next := &logFile{path: l.path}
	var err error
	if next.file, err = os.OpenFile(l.path+".new", os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600); err != nil {
		return fmt.Errorf("rewrite state log: %w", err)
	}
	if err = next.append(rec); err == nil {
		err = next.file.Sync()
	}
	if err == nil {
		err = os.Rename(l.path+".new", l.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("rewrite state log: %w", err), next.file.Close())
	}
	old := l.file
	l.file, l.size = next.file, next.size
	return old.Close()
}

func appendRows[R any](set []change, table string, rows map[string]*R) []change {
	for key, row := range rows {
		set = append(set, change{Table: table, Key: key, Row: row})
	}
	return set
}

func (l *logFile) close() error {
	if err := l.file.Close(); err != nil && !errors.Is(err, fs.ErrClosed) {
		return fmt.Errorf("close state log: %w", err)
	}
	return nil
}
