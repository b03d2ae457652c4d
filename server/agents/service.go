package agents

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/fleet"
)

// Folders and files that all machines have alike.
const (
	Programs = "/opt/crumpet/bin"
	Config   = "/etc/crumpet"
	Data     = "/var/lib/crumpet"
	TLS      = Config + "/tls"
	pids     = "/run/crumpet"
	logs     = "/var/log/crumpet"
	units    = "/etc/systemd/system"
)

// ImagePaths lists, on a machine that booted from an image made by packer/, what of the files and folders here the image
// brought: a path on each line, and for a link one more, "PATH -> TARGET".
const ImagePaths = "/opt/crumpet/image/paths"

// CAFile holds the certificate that everything in the fleet believes.
const CAFile = TLS + "/ca.pem"

// Service is a program that runs for as long as its machine does.
type Service struct {
	Name    string // "consul": its unit is crumpet-consul.service
	About   string // a few words for the unit's description
	User    string // "" for root
	Command string // whole path
	Args    []string
	Env     map[string]string // no secrets: who may look at processes sees it
	After   []string          // names of the services that it wants to find running
	Folders []string          // that it writes: made for its user, and all that it may write
	Makes   []string          // folders that it makes itself, beside those
	Node    bool              // runs the tasks of others: it needs the whole machine, and they outlive it
	Binds   bool              // listens below port 1024
	Says    bool              // tells systemd when it does its work, however long that takes; those after it start then
	Patient time.Duration     // how long a stop may take; 30 s unless said
}

// Verb is what is done to a service.
type Verb string

// The verbs. Status prints "active" or "inactive", Log what was written, the others nothing; all may be said again.
const (
	Prepare Verb = "prepare" // its user and its folders
	Start   Verb = "start"   // now and at each boot
	Stop    Verb = "stop"    // now and at each boot
	Restart Verb = "restart"
	Reload  Verb = "reload" // it reads certificates and tokens again, and goes on
	Status  Verb = "status"
	Log     Verb = "log" // prints the last lines that it wrote
)

func (s Service) patient() int {
	if s.Patient > 0 {
		return int(s.Patient.Seconds())
	}
	return 30
}

// umask keeps a service's files to itself; those of tasks, which a client unpacks, are for the tasks' users.
func (s Service) umask() string {
	if s.Node {
		return "0022"
	}
	return "0077"
}

func (s Service) unitName() string { return "crumpet-" + s.Name + ".service" }

// UnitFile is where systemd looks for the unit.
func (s Service) UnitFile() string { return units + "/" + s.unitName() }

// Script is the shell script for a verb. It holds no secret.
func (s Service) Script(init fleet.Init, verb Verb) string {
	if init == fleet.Process && verb != Prepare {
		return s.processScript(verb)
	}
	unit := s.unitName()
	switch verb {
	case Prepare:
		return s.prepare()
	case Start:
		return "set -e\nsystemctl daemon-reload\nsystemctl enable --quiet " + unit + "\nsystemctl start " + unit + "\n"
	case Stop:
		return "systemctl disable --quiet --now " + unit + " 2>/dev/null || systemctl stop " + unit + " 2>/dev/null || true\n" +
			"systemctl reset-failed " + unit + " 2>/dev/null || true\n" // some end with an error when they are asked to
	case Restart:
		return "set -e\nsystemctl daemon-reload\nsystemctl enable --quiet " + unit + "\nsystemctl restart " + unit + "\n"
	case Reload:
		return "systemctl reload " + unit + "\n"
	case Log:
		return "journalctl --quiet --no-pager --lines 40 --output cat _SYSTEMD_UNIT=" + unit + "\n" // not what systemd says of it
	case Status:
	}
	return "if systemctl is-active --quiet " + unit + "; then echo active; else echo inactive; fi\n"
}

func (s Service) prepare() string {
	var b strings.Builder
	b.WriteString("set -e\n")
	owner := "root"
	if s.User != "" {
		owner = s.User
		b.WriteString(UserScript(s.User))
	}
	fmt.Fprintf(&b, "install -d -m 0755 %s %s %s %s\n", Config, TLS, Data, logs)
	fmt.Fprintf(&b, "install -d -m 0750 -g %s %s/%s\n", owner, Config, s.Name)
	mode := "0750"
	if s.Node {
		mode = "0711" // tasks of other users pass through to what is theirs
	}
	for _, folder := range s.Folders {
		fmt.Fprintf(&b, "install -d -m "+mode+" -o %s -g %s %s\n", owner, owner, folder)
	}
	return b.String()
}

// State are the folders that end with the service: all but those of its logs, by which one can say afterwards who did what.
func (s Service) State() []string {
	return slices.DeleteFunc(slices.Concat(s.Folders, s.Makes), func(folder string) bool { return strings.HasPrefix(folder, logs+"/") })
}

// UserScript makes a user of the system that nobody can log in as, unless it is there.
func UserScript(name string) string {
	return fmt.Sprintf("id -u %[1]s >/dev/null 2>&1 || useradd --system --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin %[1]s\n", name)
}

// processScript is for machines where nothing but us starts programs. A pid may be that of another program by now:
// whose it is, its command line says, where the program's own path comes first.
func (s Service) processScript(verb Verb) string {
	pid := pids + "/" + s.Name + ".pid"
	alive := fmt.Sprintf("alive() { p=$(cat %s 2>/dev/null) && [ -n \"$p\" ] && [ \"$(tr '\\0' '\\n' <\"/proc/$p/cmdline\" 2>/dev/null | head -n 1)\" = %s ]; }\n", pid, quote(s.Command))
	// Asked for by its number: a process that ended between the look and the signal is no error.
	stop := fmt.Sprintf("if alive; then start-stop-daemon --stop --oknodo --quiet --pidfile %s --retry TERM/%d/KILL/10; fi\nrm -f %s\n", pid, s.patient(), pid)
	switch verb {
	case Start:
		return "set -e\n" + alive + "if ! alive; then\n" + s.launch(pid) + "fi\n"
	case Stop:
		return "set -e\n" + alive + stop
	case Restart:
		return "set -e\n" + alive + stop + s.launch(pid)
	case Reload:
		return "set -e\n" + alive + "alive\nkill -HUP \"$p\"\n"
	case Log:
		return fmt.Sprintf("tail -n 40 %s/%s.log 2>/dev/null || true\n", logs, s.Name)
	case Prepare, Status:
	}
	return alive + "if alive; then echo active; else echo inactive; fi\n"
}

// launch starts it apart from the session, with an environment of its own: that of whoever runs up steers no agent.
func (s Service) launch(pid string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "mkdir -p %s %s\nrm -f %s\nulimit -n 65536 2>/dev/null || ulimit -n \"$(ulimit -Hn)\"\nulimit -c 0\n", pids, logs, pid)
	b.WriteString("env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/nonexistent")
	for _, key := range slices.Sorted(maps.Keys(s.Env)) {
		b.WriteString(" " + quote(key+"="+s.Env[key]))
	}
	fmt.Fprintf(&b, " start-stop-daemon --start --quiet --background --make-pidfile --pidfile %s --chdir / --umask %s", pid, s.umask())
	if s.User != "" {
		fmt.Fprintf(&b, " --chuid %s:%s", s.User, s.User)
	}
	fmt.Fprintf(&b, " --output %s/%s.log --startas %s --", logs, s.Name, quote(s.Command))
	for _, arg := range s.Args {
		b.WriteString(" " + quote(arg))
	}
	return b.String() + "\n"
}

// quote makes one word of the shell.
func quote(word string) string {
	if strings.Trim(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-=:,@") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// unitQuote makes one word of systemd's ExecStart and Environment.
func unitQuote(word string) string {
	return strconv.Quote(strings.NewReplacer("%", "%%", "$", "$$").Replace(word))
}
