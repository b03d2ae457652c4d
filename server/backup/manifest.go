package backup

import (
	"strings"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Names of parts. Those of artifacts are Artifacts, a slash, and the digest.
const (
	Store     = "store"
	Artifacts = "artifacts"
	Vault     = "vault"
	Consul    = "consul"
	Nomad     = "nomad"
	State     = "state" // the sealed file that `cluster up` keeps, as it is
)

// Kinds are the parts in the order in which they are copied, and put back.
var Kinds = []string{State, Store, Artifacts, Vault, Consul, Nomad}

// format is the number of the archive's form; a change that an older Crumpet would misread raises it.
const format = 1

// manifestName is the last file of an archive.
const manifestName = "manifest.json"

// Manifest says what an archive holds.
type Manifest struct {
	Format  int    `json:"format"`
	ID      string `json:"id"`
	Crumpet string `json:"crumpet"` // version of the program that made it
	Cluster string `json:"cluster,omitempty"`
	// Database is where Crumpet's store was, without a password: "" for a file.
	Database string `json:"database,omitempty"`

	Began   time.Time `json:"began"`
	Ended   time.Time `json:"ended"`
	Parts   []Part    `json:"parts"` // in the order in which they were taken
	Store   paas.Dump `json:"store"`
	LeftOut []string  `json:"left_out,omitempty"` // kinds of parts, as was asked for
	Lost    []string  `json:"lost,omitempty"`     // digests of artifacts that releases name and nobody has
}

// About is what a program says of itself.
type About struct {
	Version   string `json:"version,omitempty"`
	ID        string `json:"id,omitempty"`        // that its state carries
	Shares    int    `json:"shares,omitempty"`    // that Vault's key was cut into
	Threshold int    `json:"threshold,omitempty"` // of them that unseal it
}

// Part is one of the things copied.
type Part struct {
	Name string `json:"name"`
	About
	Taken  time.Time `json:"taken"`
	Size   int64     `json:"size"`
	SHA256 string    `json:"sha256"`
	Index  uint64    `json:"index,omitempty"` // raft's, of a program's state
	Term   uint64    `json:"term,omitempty"`
}

// Kind is one of Kinds.
func (p Part) Kind() string { kind, _, _ := strings.Cut(p.Name, "/"); return kind }

// Of gives the parts of a kind.
func (m Manifest) Of(kind string) []Part {
	var some []Part
	for _, p := range m.Parts {
		if p.Kind() == kind {
			some = append(some, p)
		}
	}
	return some
}

// Size is what the parts of a kind have together.
func (m Manifest) Size(kind string) (n int64) {
	for _, p := range m.Of(kind) {
		n += p.Size
	}
	return n
}

func damaged(format string, args ...any) error {
	return paas.Errorf(paas.Invalid, "The backup is damaged: "+format+". Use another one.", args...)
}
