package why_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/why"
)

var update = flag.Bool("update", false, "write the table into docs/why.md")

const (
	tableBegins = "<!-- the table of server/why/table.go: go test ./server/why -update -->\n"
	tableEnds   = "<!-- end of the table -->\n"
)

// page puts the table into words, as docs/why.md has it.
func page() string {
	var b strings.Builder
	b.WriteString("| cause | what is wrong | stacks | what to try |\n|---|---|---|---|\n")
	for _, row := range why.Causes {
		stacks := map[[2]bool]string{{true, true}: "both", {true, false}: "embedded", {false, true}: "real", {false, false}: "neither"}[[2]bool{row.Embedded, row.Real}]
		title := row.Title
		if row.Absent != "" {
			title += " (" + row.Absent + ")"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | `%s` |\n", row.ID, title, stacks, strings.Join(row.Try, "`, `"))
	}
	return b.String()
}

func TestTheDocsHoldTheTable(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "docs", "why.md")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begins := strings.Cut(string(text), tableBegins)
	table, after, ends := strings.Cut(rest, tableEnds)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table", path)
	}
	if *update {
		if err := os.WriteFile(path, []byte(before+tableBegins+page()+tableEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(page(), table); diff != "" {
		t.Errorf("docs/why.md differs from the table (-want +got); go test ./server/why -update writes it:\n%s", diff)
	}
}

func TestTheTableIsWhole(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, row := range why.Causes {
		switch {
		case seen[string(row.ID)]:
			t.Errorf("%s stands twice in the table", row.ID)
		case row.Title == "" || len(row.Try) == 0:
			t.Errorf("%s has no title, or nothing to try", row.ID)
		case (row.Embedded && row.Real) != (row.Absent == ""):
			t.Errorf("%s does not say why a stack can't produce it, or says so of none", row.ID)
		}
		seen[string(row.ID)] = true
	}
	if len(seen) < 30 {
		t.Errorf("only %d causes", len(seen))
	}
}
