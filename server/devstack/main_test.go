package devstack_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/crumpet-paas/crumpet/server/devstack"
)

// The test binary is also every program of the stack: "devstack NAME" plays a stand-in that says it is ready, "stack NAME" is the
// real one, "dev DIR" runs a supervisor, "task DIR" is a task.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 {
		switch os.Args[1] {
		case "devstack":
			os.Exit(play(os.Args[2], os.Args[3:]))
		case "stack":
			os.Exit(devstack.Serve(context.Background(), os.Args[2], os.Args[3:], os.Stderr))
		case "dev":
			os.Exit(dev(os.Args[2]))
		case "task":
			os.Exit(task(os.Args[2]))
		}
	}
	// A program built with -race sleeps a second at its end, and these are many programs.
	if err := os.Setenv("GORACE", "atexit_sleep_ms=0"); err != nil {
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func ended() context.Context {
	ctx, _ := signal.NotifyContext(context.Background(), syscall.SIGTERM) //nolint:govet // ends with the process
	return ctx
}

func play(name string, args []string) int {
	ctx := ended()
	flags := map[string]string{}
	for i := 0; i+1 < len(args); i += 2 {
		flags[args[i]] = args[i+1]
	}
	switch name {
	case "guard", "executor":
		return devstack.Serve(ctx, name, args, os.Stderr)
	case "broken":
		fmt.Fprintln(os.Stderr, "no luck today")
		return 3
	case "nomad":
		if err := startTaskOnce(flags["--data"]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	for _, addr := range []string{flags["--listen"], flags["--admin"]} {
		if addr == "" {
			continue
		}
		server := &http.Server{Addr: addr, Handler: http.HandlerFunc(answerReady)}
		go func() {
			if err := server.ListenAndServe(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
		}()
	}
	<-ctx.Done()
	return 0
}

func answerReady(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/v1/status/leader":
		_, _ = fmt.Fprint(w, `"127.0.0.1:8300"`)
	case "/v1/sys/seal-status":
		_, _ = fmt.Fprint(w, `{"initialized":true,"sealed":false}`)
	case "/v1/sys/mounts", "/v1/sys/auth":
		_, _ = fmt.Fprint(w, `{}`)
	case "/v1/auth/token/create-orphan":
		_, _ = fmt.Fprint(w, `{"auth":{"client_token":"vault-token-of-test"}}`)
	case "/v1/auth/token/lookup-self":
		_, _ = fmt.Fprint(w, `{"data":{"policies":["tester"]}}`)
	case "/v1/nodes":
		_, _ = fmt.Fprint(w, `[{"Name":"dev","Status":"ready"}]`)
	}
}

// startTaskOnce starts a task in a session of its own, as executors do, unless one runs.
func startTaskOnce(data string) error {
	if _, err := os.Stat(filepath.Join(data, "task.pid")); err == nil {
		return nil
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.Command(self, "task", data)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(data, "task.pid"), []byte(fmt.Sprint(cmd.Process.Pid)), 0o600)
}

// task notes that it was asked to end.
func task(data string) int {
	ctx := ended()
	if err := os.WriteFile(filepath.Join(data, "task.started"), nil, 0o600); err != nil {
		return 1
	}
	<-ctx.Done()
	if err := os.WriteFile(filepath.Join(data, "task.ended"), nil, 0o600); err != nil {
		return 1
	}
	return 0
}

func dev(dir string) int {
	self, err := os.Executable()
	if err != nil {
		return 1
	}
	c := config(self, dir)
	if os.Getenv("TEST_POSTGRES") != "" {
		c.Postgres = devstack.FindPostgres()
	}
	s, err := devstack.New(c)
	if err == nil {
		err = s.Run(ended())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

func config(self, dir string) devstack.Config {
	return devstack.Config{
		Dir: dir, Listen: "127.0.0.1:0", Router: "127.0.0.1:0", Self: []string{self, "devstack"},
		Vault: devstack.VaultSetup{
			PolicyName: "tester", KV: "kv", JWT: "jwt", Database: "db",
			Policy: "path \"sys/mounts/proof\" { capabilities = [\"update\"] }\npath \"proof/*\" { capabilities = [\"create\", \"read\", \"update\"] }\n" +
				"path \"auth/token/lookup-self\" { capabilities = [\"read\"] }\npath \"auth/token/renew-self\" { capabilities = [\"update\"] }\n",
		},
		Server: func(s devstack.Stack) (devstack.Server, error) {
			return devstack.Server{Argv: []string{self, "devstack", "server", "--listen", s.Listen}, Token: "token-of-test"}, nil
		},
	}
}

func readInfo(dir string) (devstack.Info, error) {
	var info devstack.Info
	text, err := os.ReadFile(filepath.Join(dir, "dev.json"))
	if err != nil {
		return info, err
	}
	return info, json.NewDecoder(strings.NewReader(string(text))).Decode(&info)
}
