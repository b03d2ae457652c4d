package integration_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crumpet-paas/crumpet/server/store/pgtest"
)

// bare is a plane as an operator may have one before anything of Crumpet is there: a management token for everything, one
// node on which the platform's programs lie, and a PostgreSQL.
type bare struct {
	*plane
	env      []string // of the operator
	database string
}

// startBare starts one, or skips the test and says which program is missing.
func startBare(t *testing.T) *bare {
	t.Helper()
	if !proving || stack != "real" {
		t.Skip("PROVE=1 STACK=real (make prove STORY=install STACK=real): the platform's jobs are read by Nomad itself, which no stand-in can")
	}
	if os.Geteuid() != 0 {
		t.Skip("root: the platform's jobs run under exec, which Nomad has as root only")
	}
	found := planePrograms(t)
	cluster := pgtest.Own(t)
	b := &bare{plane: startPlane(t, planePorts(t)), database: cluster.Database(t)}
	fabio, err := os.ReadFile(found["fabio"])
	if err != nil {
		t.Fatal(err)
	}
	b.program("fabio-1.7.3", fabio)
	t.Cleanup(b.stopJobs)
	b.beginConsul(found["consul"], bareConsulToken, "")
	b.agentToken(bareConsulToken)
	b.beginVault(found["vault"], "file")
	b.initVault(1, 1)
	first := 12000 + os.Getpid()%30*200 // below the ephemeral range, and beside that of other stacks
	b.beginNomad(found["nomad"], nomadAgent{
		name: "nomad", part: "nomad", http: "127.0.0.1", consul: b.at["consul"], token: bareConsulToken, vault: b.info.Vault,
		roles: serverRole("") + b.clientRole("exec", first, first+199, b.volumes()),
	})
	b.bootstrapNomad("")
	b.awaitNode("vault.version", "consul.version")
	b.env = []string{
		"NOMAD_ADDR=" + b.info.Nomad, "NOMAD_TOKEN=" + b.admin["nomad"], "CONSUL_HTTP_ADDR=" + b.at["consul"],
		"CONSUL_HTTP_TOKEN=" + b.admin["consul"], "VAULT_ADDR=" + b.info.Vault, "VAULT_TOKEN=" + b.admin["vault"],
	}
	return b
}

const bareConsulToken = "5f1d0c3a-9f4b-4f0e-8d5e-0c1c1c2f7a11"

// folder is where the platform's programs lie on every node.
func (b *bare) folder() string { return filepath.Join(b.dir, "programs") }

// program puts one where every node finds it.
func (b *bare) program(name string, content []byte) {
	b.t.Helper()
	if err := errors.Join(os.MkdirAll(b.folder(), 0o755), os.WriteFile(filepath.Join(b.folder(), name), content, 0o755)); err != nil {
		b.t.Fatal(err)
	}
}

// volumes is what tasks see of the node: names and certificates, and the platform's programs.
func (b *bare) volumes() string {
	var text strings.Builder
	text.WriteString("  chroot_env {\n")
	for _, path := range []string{"/etc/resolv.conf", "/etc/hosts", "/etc/passwd", "/etc/group", "/etc/nsswitch.conf", "/etc/ssl/certs"} {
		if _, err := os.Stat(path); err == nil {
			fmt.Fprintf(&text, "    %q = %q\n", path, path)
		}
	}
	fmt.Fprintf(&text, "  }\n  host_volume \"crumpet-programs\" {\n    path = %q\n    read_only = true\n  }", b.folder())
	return text.String()
}

const http200 = http.StatusOK

// stopJobs stops every job, so that no task is left when the programs end.
func (b *bare) stopJobs() {
	if b.t.Failed() {
		b.tellTasks()
	}
	var jobs []struct{ ID, Namespace string }
	if code, text := b.ask("nomad", http.MethodGet, "/v1/jobs?namespace=*", nil, &jobs); code != http200 {
		b.t.Errorf("list the jobs to stop: %d %s", code, text)
	}
	for _, job := range jobs {
		if code, text := b.ask("nomad", http.MethodDelete, "/v1/job/"+job.ID+"?purge=true&no_shutdown_delay=true&namespace="+job.Namespace, nil, nil); code != http200 {
			b.t.Errorf("stop the job %s: %d %s", job.ID, code, text)
		}
	}
	ended := b.eventually(time.Minute, func() bool {
		var allocs []struct{ ClientStatus string }
		code, _ := b.ask("nomad", http.MethodGet, "/v1/allocations?namespace=*", nil, &allocs)
		return code != http200 || !slices.ContainsFunc(allocs, func(a struct{ ClientStatus string }) bool {
			return a.ClientStatus == "running" || a.ClientStatus == "pending"
		})
	})
	if !ended {
		b.t.Errorf("tasks run on after their jobs were stopped")
	}
}

// tellTasks shows what the platform's tasks said last.
func (b *bare) tellTasks() {
	for _, a := range append(b.allocs("crumpet"), b.allocs("fabio")...) {
		for task := range a.TaskStates {
			code, text := b.ask("nomad", http.MethodGet, "/v1/client/fs/logs/"+a.ID+"?namespace=crumpet--platform&plain=true&type=stderr&origin=end&offset=3000&task="+task, nil, nil)
			b.t.Logf("%s of %s (%s, version %d) says %d:\n%s", task, a.Name, a.ClientStatus, a.JobVersion, code, text)
		}
	}
}

type platformAlloc struct {
	ID, Name, ClientStatus, DesiredStatus string
	JobVersion                            int
	TaskStates                            map[string]json.RawMessage
}

// allocs are the instances of a job of the platform.
func (b *bare) allocs(job string) (list []platformAlloc) {
	b.ask("nomad", http.MethodGet, "/v1/job/"+job+"/allocations?namespace=crumpet--platform", nil, &list)
	return list
}
