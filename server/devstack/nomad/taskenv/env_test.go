package taskenv_test

import (
	"testing"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/taskenv"
)

func input() taskenv.Input {
	task := &nomadapi.Task{
		Name: "web", Driver: "raw_exec", Resources: &nomadapi.Resources{CPU: new(100), MemoryMB: new(64)},
		Meta: map[string]string{"a-b": "m"},
		Env: map[string]string{
			"PORT": "${NOMAD_PORT_http}", "WHERE": "${NOMAD_IP_http}:${NOMAD_HOST_PORT_http} on ${node.unique.name} ${attr.kernel.name}",
			"ESCAPED": "$${NOMAD_JOB_ID}", "UNKNOWN": "${nothing} $HOME", "QUOTED": `${env["PATH"]}`,
		},
	}
	job := &nomadapi.Job{
		ID: new("app.blue"), Name: new("app.blue"), Region: new("global"),
		TaskGroups: []*nomadapi.TaskGroup{{Name: new("web"), Count: new(1), Tasks: []*nomadapi.Task{task}}},
	}
	job.Canonicalize()
	return taskenv.Input{
		Task: task,
		Node: &nomadapi.Node{Name: "n1", Datacenter: "dc1", Attributes: map[string]string{"kernel.name": "linux"}, Meta: map[string]string{"pool": "a"}},
		Alloc: &nomadapi.Allocation{
			ID: "12345678-0000-0000-0000-000000000000", Name: "app.blue.web[7]", Namespace: "team", TaskGroup: "web", Job: job,
			AllocatedResources: &nomadapi.AllocatedResources{Shared: nomadapi.AllocatedSharedResources{
				Ports: []nomadapi.PortMapping{{Label: "http", Value: 20001, HostIP: "127.0.0.1"}, {Label: "a-b", Value: 20002, To: 80, HostIP: "127.0.0.1"}},
			}},
		},
		AllocDir: "/a/alloc", TaskDir: "/a/web/local", SecretsDir: "/a/web/secrets",
		Base: map[string]string{"PATH": "/bin"}, Rendered: map[string]string{"FROM_TEMPLATE": "${NOMAD_JOB_ID}"},
	}
}

func TestATaskSeesNomadsVariables(t *testing.T) {
	t.Parallel()
	got := taskenv.New(input()).Map()
	for name, want := range map[string]string{
		"NOMAD_ALLOC_ID": "12345678-0000-0000-0000-000000000000", "NOMAD_SHORT_ALLOC_ID": "12345678",
		"NOMAD_ALLOC_NAME": "app.blue.web[7]", "NOMAD_ALLOC_INDEX": "7", "NOMAD_TASK_NAME": "web", "NOMAD_GROUP_NAME": "web",
		"NOMAD_JOB_ID": "app.blue", "NOMAD_JOB_NAME": "app.blue", "NOMAD_NAMESPACE": "team", "NOMAD_REGION": "global", "NOMAD_DC": "dc1",
		"NOMAD_TASK_DIR": "/a/web/local", "NOMAD_SECRETS_DIR": "/a/web/secrets", "NOMAD_ALLOC_DIR": "/a/alloc",
		"NOMAD_CPU_LIMIT": "100", "NOMAD_MEMORY_LIMIT": "64", "NOMAD_META_a_b": "m", "NOMAD_META_A_B": "m",
		"NOMAD_IP_http": "127.0.0.1", "NOMAD_PORT_http": "20001", "NOMAD_ADDR_http": "127.0.0.1:20001", "NOMAD_HOST_PORT_http": "20001",
		"NOMAD_PORT_a_b": "80", "NOMAD_HOST_PORT_a_b": "20002",
		"PATH": "/bin", "PORT": "20001", "WHERE": "127.0.0.1:20001 on n1 linux",
		"ESCAPED": "$app.blue", "UNKNOWN": "${nothing} $HOME", "QUOTED": "/bin", "FROM_TEMPLATE": "${NOMAD_JOB_ID}",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

func TestArgumentsKnowAnEscapeAndTextsDoNot(t *testing.T) {
	t.Parallel()
	e := taskenv.New(input())
	for in, want := range map[string]string{
		"-p=${NOMAD_PORT_http}":        "-p=20001",
		"$${NOMAD_PORT_http}":          "${NOMAD_PORT_http}",
		"$${HOME} ${NOMAD_JOB_ID}":     "${HOME} app.blue",
		"$HOME $1":                     "$HOME $1",
		"a $${x} b ${NOMAD_DC} $${y}c": "a ${x} b dc1 ${y}c",
		"${meta.pool}":                 "a",
		"%%{if} 100%":                  "%{if} 100%",
		`${"a $"}${NOMAD_DC}`:          "a $dc1",
		"$$${NOMAD_DC}":                "$${NOMAD_DC}",
		"$${a ${NOMAD_DC}}":            "${a dc1}",
		"":                             "",
	} {
		if got, err := e.ReplaceArgument(in); got != want || err != nil {
			t.Errorf("argument %q is %q, want %q: %v", in, got, want, err)
		}
	}
	if _, err := e.ReplaceArgument("a ${nothing} b"); err == nil {
		t.Error("an unknown variable is no error")
	}
	if got := e.Replace("$${NOMAD_JOB_ID} ${nothing}"); got != "$app.blue ${nothing}" {
		t.Errorf("got %q", got)
	}
}
