package agents

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Unit is what systemd reads. A service that is no node gets a machine that it can't change but for its own folders:
// no privileges, no devices, no kernel settings, no other address families than it needs.
func (s Service) Unit() string {
	var b strings.Builder
	after := []string{"network-online.target"}
	for _, name := range s.After {
		after = append(after, "crumpet-"+name+".service")
	}
	fmt.Fprintf(&b, "# Written by crumpet cluster up.\n[Unit]\nDescription=%s\nWants=network-online.target\nAfter=%s\nStartLimitIntervalSec=0\n\n", s.About, strings.Join(after, " "))
	b.WriteString("[Service]\n")
	if s.Says {
		b.WriteString("Type=notify\nTimeoutStartSec=infinity\n")
	} else {
		b.WriteString("Type=simple\n")
	}
	if s.User != "" {
		fmt.Fprintf(&b, "User=%s\nGroup=%s\n", s.User, s.User)
	}
	for _, key := range slices.Sorted(maps.Keys(s.Env)) {
		fmt.Fprintf(&b, "Environment=%s\n", unitQuote(key+"="+s.Env[key]))
	}
	words := []string{s.Command}
	for _, arg := range s.Args {
		words = append(words, unitQuote(arg))
	}
	fmt.Fprintf(&b, "ExecStart=%s\nExecReload=/bin/kill -HUP $MAINPID\nKillSignal=SIGTERM\nTimeoutStopSec=%d\n", strings.Join(words, " "), s.patient())
	b.WriteString("Restart=always\nRestartSec=2\nLimitNOFILE=65536\nLimitCORE=0\n")
	fmt.Fprintf(&b, "UMask=%s\n", s.umask())
	if s.Node {
		b.WriteString(nodeSettings)
	} else {
		b.WriteString(hardened)
		capabilities := ""
		if s.Binds {
			capabilities = "CAP_NET_BIND_SERVICE"
		}
		fmt.Fprintf(&b, "CapabilityBoundingSet=%s\nAmbientCapabilities=%s\n", capabilities, capabilities)
		if len(s.Folders) > 0 {
			fmt.Fprintf(&b, "ReadWritePaths=%s\n", strings.Join(s.Folders, " "))
		}
	}
	b.WriteString("\n[Install]\nWantedBy=multi-user.target\n")
	return b.String()
}

// nodeSettings leave tasks alone when the client ends, hand their cgroups to it, and have the kernel end any task
// before the client.
const nodeSettings = `KillMode=process
Delegate=yes
LimitNPROC=infinity
TasksMax=infinity
OOMScoreAdjust=-1000
`

const hardened = `OOMScoreAdjust=-500
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
LockPersonality=yes
MemoryDenyWriteExecute=yes
MemorySwapMax=0
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM
`
