package integration_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// watched is what the platform's own processes were seen to be started with. Those of tasks have the app's
// environment, which is theirs to have.
type watched struct {
	mu    sync.Mutex
	texts map[string]bool // guarded by mu
	stop  chan struct{}
	done  chan struct{}
}

// watchProcesses looks at them again and again until end.
func (s *secrecy) watchProcesses() *watched {
	w := &watched{texts: map[string]bool{}, stop: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(w.done)
		ticker := time.NewTicker(100 * time.Millisecond)
		defer ticker.Stop()
		for {
			s.lookAtProcesses(w)
			select {
			case <-w.stop:
				return
			case <-ticker.C:
			}
		}
	}()
	return w
}

func (s *secrecy) lookAtProcesses(w *watched) {
	dir, err := filepath.EvalSymlinks(s.dev.dir)
	if err != nil {
		return // the test has ended
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return // as above
	}
	for _, entry := range entries {
		if _, err := strconv.Atoi(entry.Name()); err != nil {
			continue
		}
		environ, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "environ"))
		if err != nil || !strings.Contains(string(environ), "CRUMPET_DEV_DIR="+dir+"\x00") {
			continue
		}
		args, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "cmdline"))
		if err != nil {
			continue
		}
		text := string(args)
		if !strings.Contains(string(environ), "NOMAD_ALLOC_ID=") {
			text += "\n" + string(environ)
		}
		w.mu.Lock()
		w.texts[text] = true
		w.mu.Unlock()
	}
}

func (w *watched) end() {
	close(w.stop)
	<-w.done
}

func (w *watched) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var all strings.Builder
	for text := range w.texts {
		all.WriteString(text + "\n")
	}
	return all.String()
}
