package state

import (
	"slices"

	nomadapi "github.com/hashicorp/nomad/api"
)

// Tx is a transaction: it reads what it has put itself.
type Tx struct {
	View
	index   uint64
	changes []change
	undos   []func()
}

// change is one row of a record. A nil row is a deletion.
type change struct {
	Table string `json:"t"`
	Key   string `json:"k"`
	Row   any    `json:"v"`
}

// Index is the index this transaction will have.
func (tx *Tx) Index() uint64 { return tx.index }

// PutJob stores a job under the namespace and id of its current version.
func (tx *Tx) PutJob(job *Job) {
	current := job.Current()
	put(tx, Jobs, tx.t.jobs, Key(*current.Namespace, *current.ID), job)
}

// DeleteJob removes a job and its history.
func (tx *Tx) DeleteJob(namespace, id string) { remove(tx, Jobs, tx.t.jobs, Key(namespace, id)) }

// PutEval stores an evaluation.
func (tx *Tx) PutEval(e *nomadapi.Evaluation) { put(tx, Evals, tx.t.evals, e.ID, e) }

// DeleteEval removes an evaluation.
func (tx *Tx) DeleteEval(id string) { remove(tx, Evals, tx.t.evals, id) }

// PutAlloc stores an allocation.
func (tx *Tx) PutAlloc(a *Alloc) { put(tx, Allocs, tx.t.allocs, a.ID, a) }

// DeleteAlloc removes an allocation.
func (tx *Tx) DeleteAlloc(id string) { remove(tx, Allocs, tx.t.allocs, id) }

// PutNode stores a node.
func (tx *Tx) PutNode(n *nomadapi.Node) { put(tx, Nodes, tx.t.nodes, n.ID, n) }

// PutNamespace stores a namespace.
func (tx *Tx) PutNamespace(n *nomadapi.Namespace) {
	put(tx, Namespaces, tx.t.namespaces, n.Name, n)
}

// PutVariable stores a variable.
func (tx *Tx) PutVariable(v *nomadapi.Variable) {
	put(tx, Variables, tx.t.variables, Key(v.Namespace, v.Path), v)
}

// DeleteVariable removes a variable.
func (tx *Tx) DeleteVariable(namespace, path string) {
	remove(tx, Variables, tx.t.variables, Key(namespace, path))
}

// PutVolume stores a host volume.
func (tx *Tx) PutVolume(v *nomadapi.HostVolume) { put(tx, Volumes, tx.t.volumes, v.ID, v) }

// DeleteVolume removes a host volume.
func (tx *Tx) DeleteVolume(id string) { remove(tx, Volumes, tx.t.volumes, id) }

// Touched are the keys of the jobs whose rows, evaluations or allocations this
// transaction has put so far.
func (tx *Tx) Touched() map[string]bool {
	touched := map[string]bool{}
	for _, c := range tx.changes {
		switch row := c.Row.(type) {
		case *Job:
			touched[c.Key] = true
		case *nomadapi.Evaluation:
			touched[Key(row.Namespace, row.JobID)] = true
		case *Alloc:
			touched[Key(row.Namespace, row.JobID)] = true
		}
	}
	return touched
}

func put[R any](tx *Tx, table string, rows map[string]*R, key string, row *R) {
	remember(tx, table, rows, key)
	rows[key] = row
	tx.changes = append(tx.changes, change{Table: table, Key: key, Row: row})
}

func remove[R any](tx *Tx, table string, rows map[string]*R, key string) {
	if _, found := rows[key]; !found {
		return
	}
	remember(tx, table, rows, key)
	delete(rows, key)
	tx.changes = append(tx.changes, change{Table: table, Key: key})
}

// remember notes how to put the row of key back as it is now.
func remember[R any](tx *Tx, table string, rows map[string]*R, key string) {
	old, found := rows[key]
	last, lasts := tx.t.last[table], tx.t.last
	tx.undos = append(tx.undos, func() {
		lasts[table] = last
		if found {
			rows[key] = old
		} else {
			delete(rows, key)
		}
	})
	lasts[table] = tx.index
}

func (tx *Tx) undo() {
	for _, undo := range slices.Backward(tx.undos) {
		undo()
	}
}
