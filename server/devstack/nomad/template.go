package nomad

import (
	"context"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/taskenv"
)

func (t *task) render(_ context.Context, def *nomadapi.Task, _ *taskenv.Env) (map[string]string, error) {
	if len(def.Templates) == 0 {
		return nil, nil
	}
	return nil, &startError{text: "templates are not served"}
}
