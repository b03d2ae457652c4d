package cli

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

// planFormat is the version of the file's form.
const planFormat = 1

// planFile is a plan as it is saved: all that a push needs to do exactly what it says.
type planFile struct {
	Format  int                `json:"crumpet_plan"`
	Server  string             `json:"server"` // its address
	Request wire.CreateRelease `json:"request"`
	Plan    paas.Plan          `json:"plan"`
	Digest  string             `json:"digest"` // SHA-256 of all the rest: what somebody edited is not what was planned
}

// digest is that of everything but itself.
func (f planFile) digest() (string, error) {
	f.Digest = ""
	text, err := json.Marshal(f)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// savePlan writes a plan for its owner alone: the values of variables stand in it.
func savePlan(path string, f planFile) error {
	f.Format = planFormat
	var err error
	if f.Digest, err = f.digest(); err != nil {
		return err
	}
	text, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := writePrivate(path, append(text, '\n')); err != nil {
		return paas.Wrap(paas.Invalid, err, "The plan can't be saved in %s.", path)
	}
	return nil
}

// writePrivate writes a file that only its owner can read, also where there was another before.
func writePrivate(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	err = file.Chmod(0o600)
	if err == nil {
		_, err = file.Write(text)
	}
	return errors.Join(err, file.Close())
}

// readPlan reads a plan that was saved.
func readPlan(path string) (planFile, error) {
	var f planFile
	text, err := os.ReadFile(path)
	if err != nil {
		return f, paas.Wrap(paas.Invalid, err, "The plan %s can't be read.", path)
	}
	var form struct {
		Format int `json:"crumpet_plan"`
	}
	if err := json.Unmarshal(text, &form); err != nil || form.Format == 0 {
		return f, paas.Errorf(paas.Invalid, "%s is no plan: make one with `crumpet plan --out %s`.", path, path)
	}
	if form.Format != planFormat {
		return f, paas.Errorf(paas.Invalid, "%s is a plan of form %d, and this crumpet reads form %d. Plan again with it.", path, form.Format, planFormat)
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return f, paas.Wrap(paas.Invalid, err, "%s is no plan any more. Plan again.", path)
	}
	digest, err := f.digest()
	if err != nil {
		return f, err
	}
	if digest != f.Digest || f.Request.Base == nil {
		return f, paas.Errorf(paas.Invalid, "%s was edited: its digest is not that of what it holds. Plan again.", path)
	}
	return f, nil
}

// refuse says why a plan can't be applied from here, or "".
func (f planFile) refuse(server string, s *session) string {
	switch {
	case f.Server != server:
		return fmt.Sprintf("The plan was made with the server at %s, this is the one at %s. Plan again here.", f.Server, server)
	case f.Plan.Team != s.teamName():
		return fmt.Sprintf("The plan is of team %q, this is team %q. Say --team %s.", f.Plan.Team, s.teamName(), f.Plan.Team)
	case s.app != "" && s.app != f.Plan.App:
		return fmt.Sprintf("The plan is of app %q, --app names %q. Leave --app out.", f.Plan.App, s.app)
	case f.Plan.Waits != "":
		return fmt.Sprintf("The plan is of a time to come: %s. Plan again once it has ended.", f.Plan.Waits)
	}
	return ""
}
