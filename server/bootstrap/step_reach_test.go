package bootstrap_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/bootstrap"
	"github.com/crumpet-paas/crumpet/server/fleet"
	"github.com/crumpet-paas/crumpet/server/paas"
)

const ownerPath = "/etc/crumpet/cluster.json"

// wellFacts is what a machine says that nothing is wrong with.
func wellFacts(now time.Time) string {
	text := fmt.Sprintf("now %d.%09d\n", now.Unix(), now.Nanosecond()) +
		"os Linux\narch x86_64\nuid 0\nfree_kb 50000000\nmemory_kb 8000000\nswap 0\nephemeral 32768\t60999\ninit systemd\n"
	for _, tool := range []string{"awk", "chown", "find", "flock", "head", "install", "mktemp", "mount", "sha256sum", "sync", "timeout", "umount", "useradd", "systemctl", "start-stop-daemon"} {
		text += "tool " + tool + "\n"
	}
	return text + "port 0016\n"
}

// reachable has the machines of a world answer; change says what is different on one.
func reachable(w *fakeWorld, change func(name, facts string) string) {
	for name, h := range w.hosts {
		// Before others: its text has much in it.
		h.commands = slices.Insert(h.commands, 0, command{"/proc/net/tcp", func(*fakeHost, string, []byte) ([]byte, error) {
			return []byte(change(name, wellFacts(time.Now()))), nil
		}})
		h.on("rmdir /etc/crumpet", func(h *fakeHost, _ string, _ []byte) ([]byte, error) {
			delete(h.files, ownerPath)
			return nil, nil
		})
		h.commands = append(h.commands, command{"true", func(*fakeHost, string, []byte) ([]byte, error) { return nil, nil }})
	}
}

func asItIs(_, facts string) string { return facts }

func reach() []bootstrap.Step { return []bootstrap.Step{bootstrap.Reach()} }

func TestMachinesBelongToOneCluster(t *testing.T) {
	t.Parallel()
	w, said := newWorld(t), &told{}
	reachable(w, asItIs)
	for _, want := range []string{"reach done 5", "reach same"} {
		if err := bootstrap.Up(t.Context(), w.run(), reach(), said.options()); err != nil {
			t.Fatal(err)
		}
		said.want(t, "reach began", want)
	}
	if len(w.kept[bootstrap.KeptID]) < 20 {
		t.Errorf("the cluster's id is %q", w.kept[bootstrap.KeptID])
	}
	// Another state, or another cluster's file, leaves them alone.
	other := newWorld(t)
	other.hosts, other.death = w.hosts, w.death
	run := func() error { return bootstrap.Up(t.Context(), other.run(), reach(), said.options()) }
	wantFault(t, run(), paas.Conflict, "server-2", `a cluster "prod" already`, "--state")
	other.fleet.Name = "staging"
	wantFault(t, run(), paas.Conflict, "client-1", `belongs to cluster "prod"`)
	wantFault(t, bootstrap.Destroy(t.Context(), other.run(), reach(), said.options()), paas.Conflict, "client-1", `belongs to cluster "prod"`)
	if _, ok := w.hosts["client-1"].files[ownerPath]; !ok {
		t.Fatal("the other cluster took the mark away")
	}
	if err := bootstrap.Destroy(t.Context(), w.run(), reach(), said.options()); err != nil {
		t.Fatal(err)
	}
	if err := run(); err != nil {
		t.Errorf("after the destroy: %v", err)
	}
}

func wantFault(t *testing.T, err error, code paas.Code, machine string, words ...string) {
	t.Helper()
	if paas.CodeOf(err) != code {
		t.Fatalf("code %q of %v, want %q", paas.CodeOf(err), err, code)
	}
	text := paas.MessageOf(err)
	if list := paas.FaultsOf(err); len(list) > 0 {
		i := slices.IndexFunc(list, func(f paas.Fault) bool { return f.Location == machine })
		if i < 0 {
			t.Fatalf("no fault of %s among %v", machine, list)
		}
		text = list[i].Message
	} else if !strings.Contains(text, machine) {
		t.Errorf("%q does not name %s", text, machine)
	}
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q does not name %q", text, word)
		}
	}
}

func TestAMachineThatCanNotBeWhatItIsToBeIsNamedWithEveryReason(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(w *fakeWorld)
		from   string
		to     string
		words  []string
	}{
		"another system":         {nil, "os Linux", "os FreeBSD", []string{"FreeBSD"}},
		"another processor":      {nil, "arch x86_64", "arch riscv64", []string{"riscv64", "aarch64"}},
		"no root":                {nil, "uid 0", "uid 1000", []string{"1000", "not as root"}},
		"no disk":                {nil, "free_kb 50000000", "free_kb 500000", []string{"488 MB of disk", "2048"}},
		"no systemd":             {nil, "init systemd\n", "", []string{`init = "process"`}},
		"no tools":               {nil, "tool flock\ntool head\n", "", []string{"flock, head", "install them"}},
		"no start-stop-daemon":   {func(w *fakeWorld) { w.fleet.Init = fleet.Process }, "tool start-stop-daemon\n", "", []string{"start-stop-daemon"}},
		"no docker":              {func(w *fakeWorld) { w.fleet.Clients.Drivers = []string{"docker"} }, "", "", []string{"docker"}},
		"a port in use":          {nil, "port 0016\n", "port 0016\nport 2134\nport 1226\n", []string{"4646 (Nomad), 8500 (Consul)"}},
		"the router's port":      {func(w *fakeWorld) { w.fleet.Ports.Router = 80 }, "port 0016\n", "port 0050\n", []string{"80 (the router)"}},
		"nothing that is Linux":  {nil, "now", "when", []string{"nothing of itself"}},
		"numbers that are none":  {nil, "swap 0", "swap none", []string{`"swap none"`}},
		"two things at one time": {nil, "os Linux\narch x86_64\nuid 0", "os Linux\narch sparc\nuid 7", []string{"sparc", "user 7"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.change != nil {
				c.change(w)
			}
			reachable(w, func(name, facts string) string {
				if name != "client-1" {
					return facts + "tool docker\n"
				}
				return strings.Replace(facts, c.from, c.to, 1)
			})
			_, err := bootstrap.Plan(t.Context(), w.run(), reach(), bootstrap.Options{})
			if err == nil {
				t.Fatal("no error")
			}
			wantFault(t, err, paas.CodeOf(err), "client-1", c.words...)
		})
	}
}

func TestClocksThatDifferAreSaid(t *testing.T) {
	t.Parallel()
	for by, want := range map[time.Duration]string{time.Minute: "ahead", -time.Minute: "behind", time.Second: ""} {
		w := newWorld(t)
		reachable(w, func(name, facts string) string {
			if name == "server-2" {
				return wellFacts(time.Now().Add(by))
			}
			return facts
		})
		_, err := bootstrap.Plan(t.Context(), w.run(), reach(), bootstrap.Options{})
		if want == "" {
			if err != nil {
				t.Errorf("%s: %v", by, err)
			}
			continue
		}
		wantFault(t, err, paas.Invalid, "server-2", "1m0s "+want, "time server")
	}
}

func TestWhatIsNotWiseIsSaidAndNoReasonToStop(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet.Clients.MinPort, w.fleet.Clients.MaxPort = 20000, 40000
	reachable(w, func(name, facts string) string {
		if name == "client-2" {
			facts = strings.Replace(facts, "swap 0", "swap 1", 1)
		}
		if name == "server-1" {
			facts += "hosts cloud-init\n"
		}
		return strings.Replace(facts, "memory_kb 8000000", "memory_kb 500000", 1)
	})
	var said []string
	world := w.run()
	lock := make(chan struct{}, 1)
	world.Warn = func(format string, args ...any) {
		lock <- struct{}{}
		said = append(said, fmt.Sprintf(format, args...))
		<-lock
	}
	if _, err := bootstrap.Plan(t.Context(), world, reach(), bootstrap.Options{}); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]int{}
	for _, text := range said {
		machine, rest, _ := strings.Cut(text, ": ")
		kinds[rest[:9]]++
		if strings.HasPrefix(rest, "it swaps") && machine != "client-2" || strings.HasPrefix(rest, "outgoing") && !strings.HasPrefix(machine, "client") {
			t.Errorf("said of %s: %s", machine, rest)
		}
	}
	if diff := cmp.Diff(map[string]int{"it swaps:": 1, "cloud-ini": 1, "outgoing ": 2, "it has 48": 5}, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestSudoThatAsksForAPasswordIsNamed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet.SSH.User = "ada"
	for _, h := range w.hosts {
		h.on("true", func(*fakeHost, string, []byte) ([]byte, error) {
			return nil, paas.Errorf(paas.Internal, "A command on machine %q ended with status 1: sudo: a password is required", h.name)
		})
	}
	_, err := bootstrap.Plan(t.Context(), w.run(), reach(), bootstrap.Options{})
	wantFault(t, err, paas.Forbidden, "server-1", "NOPASSWD", `"ada"`)
}

func TestAMachineThatLetsAnotherUserInIsQuoted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fleet.SSH.User = "root"
	for _, h := range w.hosts {
		h.on("true", func(*fakeHost, string, []byte) ([]byte, error) {
			return []byte("Please login as the user debian.\n\n"), paas.Errorf(paas.Internal, "A command on machine %q ended with status 142: ", h.name)
		})
	}
	_, err := bootstrap.Plan(t.Context(), w.run(), reach(), bootstrap.Options{})
	wantFault(t, err, paas.Forbidden, "server-1", `user "root"`, "login as the user debian", "ssh block")
}

func TestThisMachineTellsItsFacts(t *testing.T) {
	t.Parallel()
	text, err := exec.CommandContext(t.Context(), "sh", "-c", bootstrap.FactsScript).Output()
	if err != nil {
		t.Fatal(err)
	}
	now, faults, _, err := bootstrap.Judge(text, fleet.Fleet{Init: "other"}, fleet.Machine{Roles: []fleet.Role{fleet.Server}}, true)
	if err != nil || time.Since(now).Abs() > time.Minute {
		t.Errorf("%s, %v", now, err)
	}
	for _, fault := range faults {
		if !strings.HasPrefix(fault, "Commands run as") && !strings.HasPrefix(fault, "It lacks") {
			t.Errorf("this machine: %s", fault)
		}
	}
	if !strings.Contains(string(text), "tool awk\n") || !strings.Contains(string(text), "\nephemeral ") {
		t.Errorf("it says\n%s", text)
	}
}

func TestAnUpWithoutAnAnswerSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reachable(w, asItIs)
	w.hosts["server-3"].commands = nil
	w.hosts["server-3"].on("true", func(*fakeHost, string, []byte) ([]byte, error) {
		return nil, paas.Wrap(paas.Unavailable, errors.New("refused"), "Machine %q does not answer at 10.77.0.13:22: refused.", "server-3")
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := bootstrap.Up(ctx, w.run(), reach(), bootstrap.Options{Settle: time.Millisecond})
	wantFault(t, err, paas.Unavailable, "server-3", "does not answer")
}
