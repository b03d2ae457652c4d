package agents

// TasksScript ends what clients of Nomad leave running when they end: the tasks, by their control groups (of either
// version), and the processes of Nomad beside each. A process of another namespace shows as 0 there.
func TasksScript() string {
	return `for f in $(find /sys/fs/cgroup -path '*nomad*' -name cgroup.procs 2>/dev/null); do
  for p in $(cat "$f" 2>/dev/null); do
    if [ "$p" -gt 1 ] && [ "$p" -ne $$ ]; then kill -9 "$p" 2>/dev/null || true; fi
  done
done
for e in /proc/[0-9]*/exe; do
  case "$(readlink "$e" 2>/dev/null)" in
    ` + Programs + `/nomad-*) p=${e#/proc/}; kill -9 "${p%/exe}" 2>/dev/null || true ;;
  esac
done
exit 0
`
}
