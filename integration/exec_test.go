package integration_test

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
	nomadapi "github.com/hashicorp/nomad/api"
)

// TestExec: a command runs in an instance, with its environment; its input, output and exit code are the caller's; on a
// terminal Ctrl-C is the command's; it ends with its instance; and events tell who ran what, without arguments.
func TestExec(t *testing.T) {
	t.Parallel()
	d := startDev(t)
	app := filepath.Join(t.TempDir(), "sick")
	sick(t, app, `NUMBER = "1"`, `instances = 2`)
	d.ok(app, "push")

	r := d.cli(app, "exec", "--", "sh", "-c", `echo "number $NUMBER"; echo wrong >&2; exit 7`)
	if r.code != 7 || r.out != "number 1\n" || r.errOut != "wrong\n" {
		t.Errorf("%s", r)
	}
	for _, number := range []string{"0", "1"} {
		if r := d.cli(d.home, "exec", "sick", "--instance", number, "--", "sh", "-c", "echo $NOMAD_ALLOC_INDEX"); r.code != 0 || r.out != number+"\n" {
			t.Errorf("instance %s: %s", number, r)
		}
	}

	// As much as is piped in comes out, to the end of it.
	big := strings.Repeat("0123456789abcdef", 1<<17)
	limited, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cat := d.command(limited, app, "exec", "--", "cat")
	cat.Stdin = strings.NewReader(big)
	var out bytes.Buffer
	cat.Stdout = &out
	if err := cat.Run(); err != nil || out.String() != big {
		t.Errorf("cat: %v, %d of %d bytes", err, out.Len(), len(big))
	}

	if stack == "embedded" { // a real Nomad never answers about it, see server/nomad/exec.go
		if r := d.cli(d.home, "exec", "sick", "--", "no-such-program"); r.code != 255 || !strings.Contains(r.errOut, `There is no program "no-such-program"`) {
			t.Errorf("no program: %s", r)
		}
	}
	for what, args := range map[string][]string{
		"no instance": {"exec", "sick", "--instance", "9", "--", "sh"},
		"no task":     {"exec", "sick", "--task", "proxy", "--", "sh"}, "no app": {"exec", "nope", "--", "sh"}, "no command": {"exec", "sick"},
	} {
		if r := d.cli(d.home, args...); r.code != 255 || !strings.Contains(r.errOut, "Error: ") {
			t.Errorf("%s: %s", what, r)
		}
	}

	t.Run("on a terminal", func(t *testing.T) { d.in(t).shell(app) })

	// A command ends with its instance, and says so.
	serving := d.status("sick").Instances[0].ID
	long := d.command(limited, app, "exec", "--instance", serving, "--", "sh", "-c", "echo begun; while :; do sleep 1; done")
	var said buffer
	long.Stdout, long.Stderr = &said, &said
	if err := long.Start(); err != nil {
		t.Fatal(err)
	}
	d.until(time.Minute, "the command has begun", func() bool { return strings.Contains(said.String(), "begun") })
	if _, err := d.nomad().Allocations().Stop(&nomadapi.Allocation{ID: serving}, nil); err != nil {
		t.Fatal(err)
	}
	if err := long.Wait(); err == nil || !strings.Contains(said.String(), "The command was ended: its instance ended.") {
		t.Errorf("an instance ended: %v\n%s", err, &said)
	}

	events := d.ok(d.home, "events", "sick")
	for _, want := range []string{`runs "sh" with 2 arguments in web[`, `runs "sh" in web[`, `, on a terminal`, `ended with code 7 after`, "was ended as its instance ended"} {
		if !strings.Contains(events, want) {
			t.Errorf("no event has %q:\n%s", want, events)
		}
	}
	if strings.Contains(events, "NUMBER") {
		t.Errorf("events tell of arguments:\n%s", events)
	}
}

// shell types at a shell of an instance.
func (d *dev) shell(app string) {
	d.t.Helper()
	sh := d.command(d.t.Context(), app, "exec", "--", "sh")
	terminal, err := pty.StartWithSize(sh, &pty.Winsize{Rows: 30, Cols: 100})
	if err != nil {
		d.t.Fatal(err)
	}
	defer terminal.Close() //nolint:errcheck // the command has ended
	var screen buffer
	read := make(chan struct{})
	go func() { // ends with the command
		defer close(read)
		part := make([]byte, 4096)
		for {
			n, err := terminal.Read(part)
			_, _ = screen.Write(part[:n])
			if err != nil {
				return
			}
		}
	}()
	typed := func(keys, shows string) {
		d.t.Helper()
		if _, err := terminal.WriteString(keys); err != nil {
			d.t.Fatal(err)
		}
		deadline := time.Now().Add(30 * time.Second)
		for !strings.Contains(screen.String(), shows) {
			if time.Now().After(deadline) {
				d.t.Fatalf("typed %q, and %q is not shown:\n%s", keys, shows, &screen)
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	typed("echo answer $((6*7))\n", "answer 42")
	typed("sleep 1000; echo slept\n", "sleep 1000")
	time.Sleep(300 * time.Millisecond) // until it sleeps; earlier, Ctrl-C would be for the shell's next line, which is as good
	typed("\x03", "^C")
	typed("echo still $((6*8))\n", "still 48")
	if _, err := terminal.WriteString("exit 4\n"); err != nil {
		d.t.Fatal(err)
	}
	err = sh.Wait()
	var exited *exec.ExitError
	if !errors.As(err, &exited) || exited.ExitCode() != 4 {
		d.t.Errorf("the shell ended with %v:\n%s", err, &screen)
	}
	<-read
	if strings.Contains(screen.String(), "\nslept") {
		d.t.Errorf("Ctrl-C did not reach the command:\n%s", &screen)
	}
}
