package policies_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"

	"github.com/crumpet-paas/crumpet/policies"
)

// granted is a line that grants: a whole rule of Consul's or Nomad's, one capability of a list, or a list of Vault's.
var granted = regexp.MustCompile(`policy *= *"(read|write)"|^(operator|keyring|acl) *=|^\s*"[a-z-]+",$|capabilities = \[".*\]$`)

func TestEveryGrantedLineHasItsReasonAbove(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*/*.hcl")
	if err != nil || len(files) < 13 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, diags := hclparse.NewParser().ParseHCL(text, file); diags.HasErrors() {
			t.Error(diags)
		}
		lines, explained, found := strings.Split(string(text), "\n"), false, 0
		for i, line := range lines {
			switch trimmed := strings.TrimSpace(line); {
			case strings.HasPrefix(trimmed, "#"):
				explained = true
			case trimmed == "":
				explained = false // a reason reaches as far as its paragraph
			case granted.MatchString(line):
				found++
				if !explained {
					t.Errorf("%s:%d: %s has no reason above", file, i+1, trimmed)
				}
			}
		}
		if found == 0 {
			t.Errorf("%s grants nothing that the proof of policies would see", file)
		}
	}
}

func TestEveryActorHasAPolicySomewhereAndAllFilesAreSomebodys(t *testing.T) {
	t.Parallel()
	taken := map[string]bool{"vault/app.hcl": true, "consul/consul-agent.hcl": true}
	for _, actor := range policies.Actors {
		any := false
		for _, program := range []policies.Program{policies.Nomad, policies.Consul, policies.Vault} {
			if text, ok := policies.Text(program, actor); ok {
				any = true
				taken[string(program)+"/"+string(actor)+".hcl"] = true
				if !strings.Contains(text, "{") {
					t.Errorf("the policy of %s in %s is empty", actor, program)
				}
			}
		}
		if !any {
			t.Errorf("%s has no policy", actor)
		}
		if strings.HasPrefix(actor.Name(), "crumpet-") {
			t.Errorf("Crumpet's token in Vault may write the policy %s", actor.Name())
		}
	}
	files, _ := filepath.Glob("*/*.hcl")
	for _, file := range files {
		if !taken[file] {
			t.Errorf("%s is nobody's", file)
		}
	}
	if text, _ := policies.Text(policies.Vault, policies.Crumpet); text != policies.Server {
		t.Error("Server is not vault/server.hcl")
	}
}

func TestTheAgentOfANodeIsNoOtherNode(t *testing.T) {
	t.Parallel()
	text := policies.ConsulAgent("client-1")
	file, diags := hclparse.NewParser().ParseHCL([]byte(text), "agent.hcl")
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	content, _, diags := file.Body.PartialContent(&hcl.BodySchema{Blocks: []hcl.BlockHeaderSchema{{Type: "node", LabelNames: []string{"name"}}, {Type: "node_prefix", LabelNames: []string{"name"}}}})
	if diags.HasErrors() || len(content.Blocks) != 1 || content.Blocks[0].Type != "node" || content.Blocks[0].Labels[0] != "client-1" {
		t.Errorf("%v: %s", diags, text)
	}
	if strings.Contains(text, "NODE") {
		t.Error("NODE was not replaced")
	}
}

// The table in docs/policies.md is what the proof printed: a policy that has changed since is to be proven again.
func TestTheDocsHoldTheProofOfEveryLine(t *testing.T) {
	t.Parallel()
	docs, err := os.ReadFile("../docs/policies.md")
	if err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob("*/*.hcl")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		program, name, _ := strings.Cut(strings.TrimSuffix(file, ".hcl"), "/")
		for i, line := range strings.Split(string(text), "\n") {
			if row := fmt.Sprintf("| %s@%s | %d |", name, program, i+1); granted.MatchString(line) && !strings.HasPrefix(line, "#") && !strings.Contains(string(docs), row) {
				t.Errorf("docs/policies.md has no row that begins with %s for %s: run make prove STORY=policies STACK=real and put its table there", row, strings.TrimSpace(line))
			}
		}
	}
}
