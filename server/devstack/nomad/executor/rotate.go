package executor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// rotated writes NAME.0, NAME.1, ... and keeps the newest files.
type rotated struct {
	dir, name string
	keep      int
	limit     int64
	number    int
	file      *os.File
	size      int64
}

// openRotated goes on with the newest file, so that a restarted task's log
// follows that of its former run.
func openRotated(dir, name string, keep int, limit int64) (*rotated, error) {
	r := &rotated{dir: dir, name: name, keep: max(keep, 1), limit: max(limit, 1<<10)}
	if numbers, err := LogNumbers(dir, name); err != nil {
		return nil, err
	} else if len(numbers) > 0 {
		r.number = numbers[len(numbers)-1]
	}
	return r, r.open()
}

func (r *rotated) path(number int) string {
	return filepath.Join(r.dir, r.name+"."+strconv.Itoa(number))
}

func (r *rotated) open() error {
	file, err := os.OpenFile(r.path(r.number), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("open log: %w", err)
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("open log: %w", err), file.Close())
	}
	r.file, r.size = file, info.Size()
	return nil
}

func (r *rotated) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		if r.size >= r.limit {
			if err := r.rotate(); err != nil {
				return written, err
			}
		}
		part := p[written:]
		part = part[:min(int64(len(part)), r.limit-r.size)]
		n, err := r.file.Write(part)
		written += n
		r.size += int64(n)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func (r *rotated) rotate() error {
	if err := r.file.Close(); err != nil {
		return err
	}
	r.number++
	if err := os.Remove(r.path(r.number - r.keep)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return r.open()
}

func (r *rotated) Close() error { return r.file.Close() }

// LogNumbers are the numbers of a log's files, ascending. Name is TASK.stdout
// or TASK.stderr.
func LogNumbers(dir, name string) ([]int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("list logs: %w", err)
	}
	var numbers []int
	for _, e := range entries {
		suffix, ok := strings.CutPrefix(e.Name(), name+".")
		if n, err := strconv.Atoi(suffix); ok && err == nil {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}
