package nomad_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/nomad"
)

const socketTable = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 0100007F:1F91 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 112 1 0 20 4 30 10 -1
   2: 0100007F:1F92 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 999 1 0 100 0 0 10 0
`

const socketTable6 = `  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 113 1 0 100 0 0 10 0
`

// process lays out what the kernel shows of one process.
func process(t *testing.T, proc, pid, env string, sockets ...int) {
	t.Helper()
	dir := filepath.Join(proc, pid)
	for _, sub := range []string{"fd", "net"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"environ": env, "net/tcp": socketTable, "net/tcp6": socketTable6} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for i, inode := range sockets {
		if err := os.Symlink(fmt.Sprintf("socket:[%d]", inode), filepath.Join(dir, "fd", fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
}

func TestListeningFindsTheSocketsOfAnAllocation(t *testing.T) {
	t.Parallel()
	proc := t.TempDir()
	process(t, proc, "10", "A=b\x00NOMAD_ALLOC_ID=mine\x00", 111, 112)
	process(t, proc, "11", "NOMAD_ALLOC_ID=mine\x00", 113)
	process(t, proc, "12", "NOMAD_ALLOC_ID=mine-too\x00", 999)
	c := client(t, nomad.Config{Proc: proc})
	got, err := c.Listening("mine")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"127.0.0.1:8080", "[::1]:80"}, got); diff != "" {
		t.Errorf("listening (-want +got):\n%s", diff)
	}
	if got, err := c.Listening("nobody"); got != nil || err != nil {
		t.Errorf("Listening of no process = %v, %v, want none", got, err)
	}
}

func TestListeningReadsThisMachine(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skipf("sockets of processes can be read on Linux only, this is %s", runtime.GOOS)
	}
	env, err := os.ReadFile("/proc/self/environ")
	if err != nil {
		t.Skipf("the environment of this process can't be read: %v", err)
	}
	proc := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	// This process under another environment, as the kernel shows the one it was started with.
	self := filepath.Join(proc, "1")
	if err := os.Mkdir(self, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fd", "net"} {
		if err := os.Symlink("/proc/self/"+name, filepath.Join(self, name)); err != nil {
			t.Fatal(err)
		}
	}
	env = append(env, "NOMAD_ALLOC_ID=self\x00"...)
	if err := os.WriteFile(filepath.Join(self, "environ"), env, 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := client(t, nomad.Config{Proc: proc}).Listening("self")
	if err != nil || !slices.Contains(got, l.Addr().String()) {
		t.Errorf("Listening = %v, %v, want %s among them", got, err, l.Addr())
	}
}
