package nomad

import (
	"crypto/rand"
	"fmt"
	"regexp"
)

// newID makes an id as Nomad's are written.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

var idForm = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// isID tells whether a text has the form of an id.
func isID(s string) bool { return idForm.MatchString(s) }
