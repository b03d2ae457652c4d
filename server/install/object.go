package install

import "context"

// Object is one thing on the cluster that is not as wished.
type Object struct {
	Program string `json:"program"` // nomad, consul, vault or crumpet
	Kind    string `json:"kind"`    // policy, role, mount, token, secret, namespace, job, user
	Name    string `json:"name"`
	Why     string `json:"why"` // what is not as wished: "missing", "other rules": never a value
}

// object is a thing that is to be on the cluster.
type object struct {
	program, kind, name string
	// differs says what is not as wished, "" when all is. It writes nothing. What hangs on an earlier object that is
	// not there is missing.
	differs func(ctx context.Context) (string, error)
	write   func(ctx context.Context) error
}

func (o object) told(why string) Object {
	return Object{Program: o.program, Kind: o.kind, Name: o.name, Why: why}
}

const missing = "missing"
