package vault

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/gohcl"
	"github.com/hashicorp/hcl/v2/hclparse"
)

// Capabilities, as policies spell them.
const (
	capCreate = "create"
	capRead   = "read"
	capUpdate = "update"
	capPatch  = "patch"
	capDelete = "delete"
	capList   = "list"
	capSudo   = "sudo"
	capDeny   = "deny"
)

var capabilities = []string{capCreate, capRead, capUpdate, capPatch, capDelete, capList, capSudo, capDeny}

// defaultPolicy is what every token may do with itself, and with a lease whose id it knows.
const (
	defaultPolicyWithoutLeases = `
path "auth/token/lookup-self" { capabilities = ["read"] }
path "auth/token/renew-self" { capabilities = ["update"] }
path "auth/token/revoke-self" { capabilities = ["update"] }
path "sys/capabilities-self" { capabilities = ["update"] }
`
	defaultPolicy = defaultPolicyWithoutLeases + `path "sys/leases/lookup" { capabilities = ["update"] }
path "sys/leases/renew" { capabilities = ["update"] }
`
)

// rule is what one pattern allows.
type rule struct {
	pattern string
	caps    []string
}

type policyFile struct {
	Paths []struct {
		Pattern      string   `hcl:"pattern,label"`
		Capabilities []string `hcl:"capabilities,optional"`
		Rest         hcl.Body `hcl:",remain"`
	} `hcl:"path,block"`
}

// parsePolicy reads HCL or JSON. What it can't enforce it refuses: a rule that is ignored would allow too much.
func parsePolicy(text string) ([]rule, error) {
	parse := hclparse.NewParser().ParseHCL
	if strings.HasPrefix(strings.TrimSpace(text), "{") {
		parse = hclparse.NewParser().ParseJSON
	}
	file, diags := parse([]byte(text), "policy")
	if diags.HasErrors() {
		return nil, fmt.Errorf("failed to parse policy: %w", errors.Join(diags.Errs()...))
	}
	var parsed policyFile
	if diags := gohcl.DecodeBody(file.Body, nil, &parsed); diags.HasErrors() {
		return nil, fmt.Errorf("failed to parse policy: %w", errors.Join(diags.Errs()...))
	}
	var rules []rule
	for _, p := range parsed.Paths {
		pattern := strings.TrimPrefix(p.Pattern, "/")
		if strings.Contains(pattern, "{{") {
			return nil, failf(http.StatusNotImplemented, "the embedded Vault has no templated policies: path %q", pattern)
		}
		if strings.Contains(strings.TrimSuffix(pattern, "*"), "*") {
			return nil, fmt.Errorf("failed to parse policy: path %q: a star is allowed at the end only", pattern)
		}
		for _, c := range p.Capabilities {
			if !slices.Contains(capabilities, c) {
				return nil, fmt.Errorf("failed to parse policy: path %q: invalid capability %q", pattern, c)
			}
		}
		if attrs, _ := p.Rest.JustAttributes(); len(attrs) > 0 {
			for name := range attrs {
				return nil, failf(http.StatusNotImplemented, "the embedded Vault does not enforce %q in policies: path %q", name, pattern)
			}
		}
		rules = append(rules, rule{pattern, p.Capabilities})
	}
	return rules, nil
}

// acl is what the policies of a token allow together.
type acl struct {
	root  bool
	rules []rule // each pattern once
}

// aclOf joins policies: the same pattern in two of them allows what either does. Names without a policy allow nothing.
func (st *state) aclOf(names []string) (acl, error) {
	if slices.Contains(names, rootPolicy) {
		return acl{root: true}, nil
	}
	byPattern := map[string][]string{}
	for _, name := range names {
		rules, err := parsePolicy(st.Policies[name])
		if err != nil {
			return acl{}, err
		}
		for _, r := range rules {
			byPattern[r.pattern] = append(byPattern[r.pattern], r.caps...)
		}
	}
	var a acl
	for pattern, caps := range byPattern {
		a.rules = append(a.rules, rule{pattern, caps})
	}
	return a, nil
}

// capsOf are the capabilities of the rule that decides on a path: the most specific one that matches, alone.
func (a acl) capsOf(path string, list bool) []string {
	if a.root {
		return []string{rootPolicy}
	}
	var best *rule
	for i := range a.rules {
		r := &a.rules[i]
		// A list has a slash at its end, which its policy may leave out.
		if !matches(r.pattern, path) && (!list || !matches(r.pattern, strings.TrimSuffix(path, "/"))) {
			continue
		}
		if best == nil || lessSpecific(best.pattern, r.pattern) {
			best = r
		}
	}
	if best == nil || slices.Contains(best.caps, capDeny) {
		return nil
	}
	return best.caps
}

func (a acl) allows(path, capability string) bool {
	return a.root || slices.Contains(a.capsOf(path, capability == capList), capability)
}

// sees says whether anything below a mount is allowed: enough to be told what kind of mount it is.
func (a acl) sees(mount string) bool {
	return a.root || slices.ContainsFunc(a.rules, func(r rule) bool {
		if len(r.caps) == 0 || slices.Contains(r.caps, capDeny) {
			return false
		}
		literal, wild := r.pattern, false
		if i := firstWildcard(r.pattern); i >= 0 {
			literal, wild = r.pattern[:i], true
		}
		return strings.HasPrefix(literal, mount) || (wild && strings.HasPrefix(mount, literal))
	})
}

// firstWildcard is where a + segment or the star at the end begins, or -1.
func firstWildcard(pattern string) int {
	at := 0
	for segment := range strings.SplitSeq(pattern, "/") {
		if segment == "+" {
			return at
		}
		at += len(segment) + 1
	}
	if strings.HasSuffix(pattern, "*") {
		return len(pattern) - 1
	}
	return -1
}

// matches compares by segment: + stands for one, and a star at the end for all that follows.
func matches(pattern, path string) bool {
	prefix, open := strings.CutSuffix(pattern, "*")
	want, have := strings.Split(prefix, "/"), strings.Split(path, "/")
	if len(have) < len(want) || (!open && len(have) > len(want)) {
		return false
	}
	for i, segment := range want {
		switch {
		case segment == "+":
		case open && i == len(want)-1:
			if !strings.HasPrefix(have[i], segment) {
				return false
			}
		case segment != have[i]:
			return false
		}
	}
	return true
}

// lessSpecific is Vault's order of patterns that match the same path: an earlier wildcard is less, then a star at the
// end, then more + segments, then a shorter pattern, then the smaller text.
func lessSpecific(a, b string) bool {
	first := func(p string) int {
		if i := firstWildcard(p); i >= 0 {
			return i
		}
		return len(p) + 1 // no wildcard is the most specific of all
	}
	star := func(p string) int {
		if strings.HasSuffix(p, "*") {
			return 0
		}
		return 1
	}
	plus := func(p string) int {
		n := 0
		for segment := range strings.SplitSeq(p, "/") {
			if segment == "+" {
				n++
			}
		}
		return n
	}
	return cmp.Or(
		cmp.Compare(first(a), first(b)), cmp.Compare(star(a), star(b)), cmp.Compare(plus(b), plus(a)),
		cmp.Compare(len(a), len(b)), cmp.Compare(a, b),
	) < 0
}
