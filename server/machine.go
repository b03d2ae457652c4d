package server

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// thisMachine reads what the kernel says of the machine that this server runs on.
func thisMachine() (m paas.Machine, err error) {
	if m.Name, err = os.Hostname(); err != nil {
		return m, err
	}
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return m, paas.Wrap(paas.Unavailable, err, "The kernel does not say which ports it gives to outgoing connections.")
	}
	if _, err := fmt.Sscan(string(text), &m.FirstEph, &m.LastEph); err != nil {
		return m, paas.Wrap(paas.Unavailable, err, "The kernel does not say which ports it gives to outgoing connections.")
	}
	if swaps, err := os.ReadFile("/proc/swaps"); err == nil {
		m.Swap = swapOf(swaps)
	}
	return m, nil
}

// swapOf adds up the column Size, of kibibytes.
func swapOf(swaps []byte) (size int64) {
	lines := bufio.NewScanner(bytes.NewReader(swaps))
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 2 {
			if n, err := strconv.ParseInt(fields[2], 10, 64); err == nil {
				size += n << 10
			}
		}
	}
	return size
}
