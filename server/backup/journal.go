package backup

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// journal is what a restore has done, in a file, so that the next one goes on. It holds no secret.
type journal struct {
	path string

	ID    string            `json:"backup"`
	Kinds map[string]*entry `json:"kinds"`
}

// entry is how a kind of part stands.
type entry struct {
	Began    time.Time  `json:"began"`
	Mark     []string   `json:"mark,omitempty"`     // what was there before
	Replaced *time.Time `json:"replaced,omitempty"` // a program has the old state, and has not settled yet
	Ended    *time.Time `json:"ended,omitempty"`
}

func openJournal(path, id string) (*journal, error) {
	j := &journal{path: path, ID: id, Kinds: map[string]*entry{}}
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return j, nil
	}
	if err == nil {
		err = json.Unmarshal(text, j)
	}
	if err != nil {
		return nil, paas.Wrap(paas.Invalid, err, "The journal %s of an earlier restore can't be read. Name another with --journal.", path)
	}
	if j.ID != id {
		return nil, paas.Errorf(paas.Conflict, "The journal %s is of the restore of another backup. Name another with --journal.", path)
	}
	return j, nil
}

func (j *journal) entry(kind string) *entry {
	if j.Kinds[kind] == nil {
		j.Kinds[kind] = &entry{}
	}
	return j.Kinds[kind]
}

// Began says whether the target may have been changed already, by us.
func (j *journal) Began(kind string) bool {
	return j.Kinds[kind] != nil && !j.Kinds[kind].Began.IsZero()
}

func (j *journal) Replaced(kind string) bool {
	return j.Kinds[kind] != nil && j.Kinds[kind].Replaced != nil
}

func (j *journal) Done(kind string) bool { return j.Kinds[kind] != nil && j.Kinds[kind].Ended != nil }

func (j *journal) replaced(kind string, at time.Time) error {
	at = at.UTC()
	j.entry(kind).Replaced = &at
	return j.save()
}

func (j *journal) end(kind string, at time.Time) error {
	at = at.UTC()
	j.entry(kind).Ended = &at
	return j.save()
}

func (j *journal) save() error {
	text, err := json.MarshalIndent(j, "", "  ")
	if err == nil {
		if err = os.WriteFile(j.path+".new", append(text, '\n'), 0o600); err == nil {
			err = os.Rename(j.path+".new", j.path)
		}
	}
	if err != nil {
		return paas.Wrap(paas.Internal, err, "The journal %s of the restore can't be written. Name another with --journal.", j.path)
	}
	return nil
}
