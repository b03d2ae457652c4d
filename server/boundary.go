package server

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// boundaries are the moments just before and just after each store write and each outside call of a
// deploy: where a server that dies leaves something half done. A test of the whole program notes those
// it meets, and has the server kill itself at one of them. Without a folder, as everywhere but under
// such a test, nothing is wrapped.
//
//	DIR/calls   a line for each: "before store.Save"
//	DIR/die     "before store.Save 3": at the third of them from now on the server gets SIGKILL;
//	            the file is gone then, so that the next server lives
type boundaries struct {
	dir string
	mu  sync.Mutex // guards the files
}

func newBoundaries(dir string) *boundaries {
	if dir == "" {
		return nil
	}
	return &boundaries{dir: dir}
}

// around makes one call between its two boundaries.
func (b *boundaries) around(name string, call func()) {
	b.at("before " + name)
	call()
	b.at("after " + name)
}

func (b *boundaries) at(point string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note(point)
	path := filepath.Join(b.dir, "die")
	text, err := os.ReadFile(path)
	if err != nil {
		return // nobody is to die
	}
	where, count, _ := cutLast(strings.TrimSpace(string(text)))
	n, err := strconv.Atoi(count)
	switch {
	case where != point || err != nil:
	case n > 1:
		_ = os.WriteFile(path, fmt.Appendf(nil, "%s %d", where, n-1), 0o600) // else it dies later
	case os.Remove(path) == nil:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing more is done, however late the signal comes
	}
}

func (b *boundaries) note(point string) {
	f, err := os.OpenFile(filepath.Join(b.dir, "calls"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return // the test finds that nothing was noted
	}
	_, _ = f.WriteString(point + "\n")
	_ = f.Close()
}

// cutLast cuts a text at its last space.
func cutLast(s string) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, ' '); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return s, "", false
}
