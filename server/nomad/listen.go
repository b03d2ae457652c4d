package nomad

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// listenState is TCP_LISTEN in the kernel's tables.
const listenState = "0A"

// Listening gives the TCP addresses that the processes of an allocation listen on, where those run
// on this machine and their sockets may be read; else none. It explains an instance that listens on
// another port than the one it was given.
func (c *Client) Listening(alloc string) ([]string, error) {
	processes, err := filepath.Glob(filepath.Join(c.proc, "[0-9]*"))
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var found []string
	for _, dir := range processes {
		if !belongs(dir, alloc) {
			continue
		}
		sockets := socketsOf(dir)
		if len(sockets) == 0 {
			continue
		}
		for _, table := range []string{"net/tcp", "net/tcp6"} {
			found = append(found, listening(filepath.Join(dir, table), sockets)...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}

// belongs says whether the process was started with the allocation's id in its environment, as
// Nomad and our stand-in start all of them. A process we may not look into doesn't.
func belongs(dir, alloc string) bool {
	env, err := os.ReadFile(filepath.Join(dir, "environ"))
	if err != nil {
		return false
	}
	want := []byte("NOMAD_ALLOC_ID=" + alloc)
	return slices.ContainsFunc(bytes.Split(env, []byte{0}), func(v []byte) bool { return bytes.Equal(v, want) })
}

// socketsOf gives the inodes of the sockets a process has open.
func socketsOf(dir string) map[string]bool {
	fds, err := os.ReadDir(filepath.Join(dir, "fd"))
	if err != nil {
		return nil
	}
	inodes := map[string]bool{}
	for _, fd := range fds {
		target, err := os.Readlink(filepath.Join(dir, "fd", fd.Name()))
		if err != nil {
			continue
		}
		if inode, ok := strings.CutPrefix(target, "socket:["); ok {
			inodes[strings.TrimSuffix(inode, "]")] = true
		}
	}
	return inodes
}

// listening reads one of the kernel's socket tables and gives the addresses of those sockets that
// listen. Columns: number, local address, remote address, state, ..., inode as the tenth.
func listening(table string, sockets map[string]bool) []string {
	f, err := os.Open(table)
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	var found []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		col := strings.Fields(lines.Text())
		if len(col) < 10 || col[3] != listenState || !sockets[col[9]] {
			continue
		}
		if address, ok := kernelAddress(col[1]); ok {
			found = append(found, address)
		}
	}
	return found
}

// kernelAddress turns 0100007F:1F90 into 127.0.0.1:8080: the address is in words of 32 bits, each
// in the machine's byte order, which is little-endian wherever Crumpet is built for.
func kernelAddress(s string) (string, bool) {
	ip, port, ok := strings.Cut(s, ":")
	if !ok {
		return "", false
	}
	raw, err := hex.DecodeString(ip)
	if err != nil || (len(raw) != net.IPv4len && len(raw) != net.IPv6len) {
		return "", false
	}
	for word := range slices.Chunk(raw, 4) {
		slices.Reverse(word)
	}
	n, err := strconv.ParseUint(port, 16, 16)
	if err != nil {
		return "", false
	}
	return net.JoinHostPort(net.IP(raw).String(), strconv.FormatUint(n, 10)), true
}
