package cli_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/crumpet-paas/crumpet/cli"
	"github.com/crumpet-paas/crumpet/server/api/apitest"
	"github.com/crumpet-paas/crumpet/server/paas"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"crumpet": func() { os.Exit(cli.Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

type platformKey struct{}

// usersKey is of the users that a script makes.
type usersKey struct{}

// driftKey is of what a script has set with drift.
type driftKey struct{}

// TestScripts runs each script against an API of its own. Besides testscript's own commands:
//
//	exits CODE crumpet ...      run it, and want that exit code
//	drift [KIND APP THING WISHED FOUND]  what is found from now on, one more; without arguments nothing
//	finds [SEVERITY SUBJECT THING FOUND]  what the doctor finds from now on; without arguments nothing
//	fate STATE [REASON]        how deployments end from now on
//	fate build REASON          builds fail from now on
//	finish APP STATE [REASON]  end the newest deployment of APP
//	line INSTANCE PROCESS TEXT an instance has written TEXT, then lost 7 bytes; the platform said TEXT too
//	runs CODE                  what runs exit with from now on; -1 and they don't end
//	down APP                   why says that APP does not serve
//	serving APP COUNT          so many instances of web of APP's release 1 serve: i0000000, i0000001...
//	added NAME URL SECRET      a provider was registered so
//	failing APP INSTANCE       an instance of APP's next release that has failed
func TestScripts(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Setup: func(env *testscript.Env) error {
			platform := apitest.NewPlatform()
			env.Values[platformKey{}] = platform
			env.Values[driftKey{}] = &[]paas.Finding{}
			tb := env.T().(testing.TB) //nolint:forcetypeassert // testscript's T is a testing.TB
			config := apitest.Config(tb, platform)
			env.Values[usersKey{}] = config.Users
			server := apitest.Start(tb, config)
			env.Setenv("CRUMPET_ADDR", server.URL)
			env.Setenv("CRUMPET_TOKEN", apitest.Token)
			env.Setenv("TOKEN", apitest.Token)
			env.Setenv("ADDR", server.URL)
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_CONFIG_HOME", env.WorkDir+"/.config")
			env.Setenv("TZ", "UTC")
			env.Setenv("XDG_CACHE_HOME", tb.TempDir()) // not in a folder that is pushed
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": func(ts *testscript.TestScript, _ bool, args []string) {
				err := ts.Exec(args[1], args[2:]...)
				code := 0
				if exit, ok := errors.AsType[*exec.ExitError](err); ok {
					code = exit.ExitCode()
				} else {
					ts.Check(err)
				}
				if strconv.Itoa(code) != args[0] {
					ts.Fatalf("exit code %d, want %s", code, args[0])
				}
			},
			"wished": func(ts *testscript.TestScript, _ bool, args []string) { // USER PASSWORD
				wishes := ts.Value(usersKey{}).(apitest.UserTable).Wishes() //nolint:forcetypeassert // Setup put it there
				if last := wishes[len(wishes)-1]; last.Name != args[0] || last.Password != args[1] {
					ts.Fatalf("the last user wished for is %q with the password %q", last.Name, last.Password)
				}
			},
			"fate": func(ts *testscript.TestScript, _ bool, args []string) {
				fate := apitest.Fate{State: paas.DeploymentState(args[0])}
				if args[0] == "build" {
					fate = apitest.Fate{Build: strings.Join(args[1:], " ")}
				} else {
					fate.Reason = strings.Join(args[1:], " ")
				}
				platform(ts).SetFate(fate)
			},
			"finish": func(ts *testscript.TestScript, _ bool, args []string) {
				platform(ts).Finish(paas.AppRef{Team: "default", App: args[0]}, paas.DeploymentState(args[1]), strings.Join(args[2:], " "))
			},
			"followed": func(ts *testscript.TestScript, _ bool, _ []string) { // somebody follows events
				for deadline := time.Now().Add(time.Minute); platform(ts).Followed() == 0; time.Sleep(10 * time.Millisecond) {
					if time.Now().After(deadline) {
						ts.Fatalf("nobody follows events")
					}
				}
			},
			"line": func(ts *testscript.TestScript, _ bool, args []string) {
				text := strings.Join(args[2:], " ")
				at := time.Date(2026, 11, 22, 14, 2, 11, 5e6, time.UTC)
				platform(ts).SetLines(
					paas.LogLine{Source: paas.LogApp, Name: args[1] + "[0]", Instance: args[0], Process: args[1], Release: 12, Stream: "stderr", Time: at, TimeFrom: paas.TimeLine, Text: text},
					paas.LogLine{Source: paas.LogApp, Name: args[1] + "[0]", Instance: args[0], Process: args[1], Release: 12, Stream: "stderr", Time: at, TimeFrom: paas.TimeFile, Text: "--- lost ---", Lost: 7},
					paas.LogLine{Source: paas.LogPlatform, Name: "platform", Process: args[1], Time: at, TimeFrom: paas.TimeLine, Text: text + " too"},
				)
			},
			"failing": func(ts *testscript.TestScript, _ bool, args []string) {
				platform(ts).SetInstances(paas.AppRef{Team: "default", App: args[0]}, paas.Instance{
					ID: args[1], Process: "web", Slot: paas.Blue, Release: 1, State: paas.InstanceFailed, Health: paas.HealthUnknown,
					Node: "node-1", Since: time.Now(), Reason: "web exited 3 times with code 1",
				})
			},
			"serving": func(ts *testscript.TestScript, _ bool, args []string) {
				count, err := strconv.Atoi(args[1])
				ts.Check(err)
				var list []paas.Instance
				for i := range count {
					list = append(list, paas.Instance{
						ID: fmt.Sprintf("i%07d", i), Team: "default", App: args[0], Process: "web", Slot: paas.Blue, Release: 1, Index: i,
						State: paas.InstanceRunning, Health: paas.HealthHealthy, Node: "node-1", Since: time.Now(),
					})
				}
				platform(ts).SetInstances(paas.AppRef{Team: "default", App: args[0]}, list...)
			},
			"down": func(ts *testscript.TestScript, _ bool, args []string) {
				began, next := time.Now().Add(-3*time.Second), time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
				platform(ts).SetWhy(paas.Why{
					Cause: paas.CauseExit, NextTry: &next,
					Summary: "release 2 is not serving because the web instance ended by itself: web exited with code 3; try `crumpet logs " + args[0] + "`",
					Chain: []paas.Link{
						{Kind: paas.LinkRelease, ID: "2", Text: "artifact 61c83404eaf6, by root"},
						{Kind: paas.LinkAllocation, ID: "0f3c1a2b-0000-0000-0000-000000000000", Text: "web 0 is pending", Since: &began},
					},
					Try: []string{"crumpet logs " + args[0]},
				})
			},
			"runs": func(ts *testscript.TestScript, _ bool, args []string) {
				code, err := strconv.Atoi(args[0])
				ts.Check(err)
				platform(ts).SetRunExit(code)
			},
			"drift": func(ts *testscript.TestScript, _ bool, args []string) {
				if len(args) == 0 {
					*ts.Value(driftKey{}).(*[]paas.Finding) = nil //nolint:forcetypeassert // Setup put it there
					platform(ts).SetDrift()
					return
				}
				f := paas.Finding{Kind: paas.FindingKind(args[0]), Team: "default", App: args[1], Thing: args[2], Wished: args[3], Found: args[4], Repair: "it is put back", Heals: true}
				if f.App == "-" {
					f.Team, f.App = "", ""
				}
				if f.Kind == paas.RouterBehind {
					f.Heals, f.Repair = false, "it follows by itself"
				}
				drift := ts.Value(driftKey{}).(*[]paas.Finding) //nolint:forcetypeassert // Setup put it there
				*drift = append(*drift, f)
				platform(ts).SetDrift(*drift...)
			},
			"finds": func(ts *testscript.TestScript, _ bool, args []string) { // SEVERITY SUBJECT THING FOUND, or nothing
				if len(args) == 0 {
					platform(ts).SetFindings()
					return
				}
				platform(ts).SetFindings(paas.PlatformFinding{
					Severity: paas.Severity(args[0]), Subject: paas.Subject(args[1]), Thing: args[2], Found: args[3], Why: "It matters.", Next: "nomad server members",
				})
			},
			"volume": func(ts *testscript.TestScript, _ bool, args []string) { // NAME NODE SIZE STATUS [USER]
				v, ok := paas.ParseVolume("default", args[0])
				size, err := strconv.Atoi(args[2])
				ts.Check(err)
				if !ok {
					ts.Fatalf("%q names no volume", args[0])
				}
				v.ID, v.Node, v.Size = args[0], args[1], size
				platform(ts).AddVolume(paas.FoundVolume{HostVolume: v, State: paas.VolumeState(args[3]), UsedBy: args[4:]})
			},
			"added": func(ts *testscript.TestScript, _ bool, args []string) {
				for _, p := range platform(ts).Services().Added() {
					if p.Name == args[0] && p.URL == args[1] && p.Password.Reveal()+p.Token.Reveal() == args[2] {
						return
					}
				}
				ts.Fatalf("no provider was registered as %q", args[:2])
			},
			"mode": func(ts *testscript.TestScript, _ bool, args []string) {
				info, err := os.Stat(ts.MkAbs(args[1]))
				ts.Check(err)
				if got := info.Mode().Perm().String(); got != args[0] {
					ts.Fatalf("%s has mode %s, want %s", args[1], got, args[0])
				}
			},
		},
	})
}

func platform(ts *testscript.TestScript) *apitest.Platform {
	return ts.Value(platformKey{}).(*apitest.Platform) //nolint:forcetypeassert // Setup put it there
}
