package client

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ignoreFile names files for Crumpet to leave out, in the grammar of .gitignore. In one folder it has
// the last word over .gitignore, so that !dist/ pushes what git does not keep.
const ignoreFile = ".crumpetignore"

// rule is one line of an ignore file.
//
// The grammar is written here, and tested against git itself, because the one in go-git v5.19.3 gives
// other answers: it knows no [!a], lets !build take back build/x.o that *.o ignores, and a ** beside
// other characters matches nothing.
type rule struct {
	base    string // folder of the file it stands in, relative to the source, with a / at the end
	above   string // or, for a file above the source: from its folder to the source, with a / at the end
	match   *regexp.Regexp
	take    bool // begins with !
	dirOnly bool // ends with /
	name    bool // has no other / and so speaks of a name in any folder below
}

// ignored says whether the last rule that speaks of p leaves it out. Folders around p are not.
func ignored(rules []rule, p string, isDir bool) bool {
	for _, r := range slices.Backward(rules) {
		if r.dirOnly && !isDir {
			continue
		}
		subject := path.Base(p)
		if !r.name {
			var ok bool
			if subject, ok = strings.CutPrefix(r.above+p, r.base); !ok {
				continue
			}
		}
		if r.match.MatchString(subject) {
			return !r.take
		}
	}
	return false
}

// rulesOf reads the ignore files of a folder of the source.
func (w *walk) rulesOf(dir string) []rule {
	base := ""
	if dir != "" {
		base = dir + "/"
	}
	var rules []rule
	for _, name := range []string{".gitignore", ignoreFile} {
		file := filepath.Join(w.root, filepath.FromSlash(dir), name)
		text, err := os.ReadFile(file)
		if err != nil {
			if !os.IsNotExist(err) { // what it would leave out, secrets perhaps, must not be pushed
				w.fault(path.Join(dir, name), "%s can't be read: %s.", path.Join(dir, name), reasonOf(err))
			}
			continue
		}
		rules = append(rules, parseIgnore(string(text), base)...)
	}
	return rules
}

// inherited reads the .gitignore files above a source that is a folder of a git repository.
func inherited(root string) []rule {
	var above []string // from the nearest to the repository's top
	for dir := root; ; {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			break
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return nil // no repository
		}
		dir = parent
		above = append(above, dir)
	}
	var rules []rule
	for _, dir := range slices.Backward(above) {
		text, err := os.ReadFile(filepath.Join(dir, ".gitignore"))
		if err != nil {
			continue // most folders have none
		}
		below, err := filepath.Rel(dir, root)
		if err != nil {
			continue // impossible: root is below dir
		}
		for _, r := range parseIgnore(string(text), "") {
			r.above = filepath.ToSlash(below) + "/"
			rules = append(rules, r)
		}
	}
	return rules
}

func parseIgnore(text, base string) []rule {
	var rules []rule
	for line := range strings.Lines(strings.TrimPrefix(text, "\uFEFF")) {
		line = strings.TrimSuffix(strings.TrimSuffix(line, "\n"), "\r")
		if r, ok := parseRule(line, base); ok {
			rules = append(rules, r)
		}
	}
	return rules
}

func parseRule(line, base string) (rule, bool) {
	if strings.HasPrefix(line, "#") {
		return rule{}, false
	}
	line = trimSpaces(line)
	r := rule{base: base}
	if line, r.take = strings.CutPrefix(line, "!"); line == "" {
		return rule{}, false
	}
	line, r.dirOnly = strings.CutSuffix(line, "/")
	r.name = !strings.Contains(line, "/")
	line = strings.TrimPrefix(line, "/")
	if line == "" {
		return rule{}, false
	}
	text, ok := translate(line, r.name)
	if !ok {
		return rule{}, false
	}
	match, err := regexp.Compile(`(?s)^` + text + `$`)
	if err != nil { // such as [[:nothing:]]: git matches nothing by it
		return rule{}, false
	}
	r.match = match
	return r, true
}

// trimSpaces takes spaces off the end, except one after a backslash.
func trimSpaces(s string) string {
	end := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ':
		case '\\':
			i++
			end = min(i+1, len(s))
		default:
			end = i + 1
		}
	}
	return s[:end]
}

// translate writes a pattern as a regular expression, which matches in linear time. ok is false for a
// pattern that can't match: a [ that is not closed, a \ at the end.
func translate(p string, name bool) (text string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(p); {
		switch c := p[i]; c {
		case '*':
			stars := len(p[i:]) - len(strings.TrimLeft(p[i:], "*"))
			whole := !name && stars > 1 && (i == 0 || p[i-1] == '/')
			switch {
			case whole && strings.HasPrefix(p[i+stars:], "/"): // any number of folders
				b.WriteString(`(?:.*/)?`)
				stars++
			case whole && i+stars == len(p): // everything inside
				b.WriteString(`.+`)
			default:
				b.WriteString(`[^/]*`)
			}
			i += stars
		case '?':
			b.WriteString(`[^/]`)
			i++
		case '[':
			class, n, ok := translateClass(p[i:])
			if !ok {
				return "", false
			}
			b.WriteString(class)
			i += n
		case '\\':
			if i+1 == len(p) {
				return "", false
			}
			b.WriteString(regexp.QuoteMeta(p[i+1 : i+2]))
			i += 2
		default:
			n := 1
			for i+n < len(p) && !strings.ContainsRune(`*?[\`, rune(p[i+n])) {
				n++
			}
			b.WriteString(regexp.QuoteMeta(p[i : i+n]))
			i += n
		}
	}
	return b.String(), true
}

// translateClass writes [...] at the beginning of p as a class that never matches a slash, and gives
// its length in p.
func translateClass(p string) (text string, n int, ok bool) {
	var b strings.Builder
	runes := []rune(p)
	i := 1
	negated := i < len(runes) && (runes[i] == '!' || runes[i] == '^')
	if negated {
		i++
	}
	literal := func() (rune, bool) { // one character, or one after a backslash
		if i < len(runes) && runes[i] == '\\' {
			i++
		}
		if i >= len(runes) {
			return 0, false
		}
		i++
		return runes[i-1], true
	}
	span := func(from, to rune) {
		if from <= to {
			fmt.Fprintf(&b, `\x{%x}-\x{%x}`, from, to)
		}
	}
	for first := true; ; first = false {
		if i >= len(runes) {
			return "", 0, false
		}
		if runes[i] == ']' && !first {
			i++
			break
		}
		if end := strings.Index(string(runes[i:]), ":]"); strings.HasPrefix(string(runes[i:]), "[:") && end > 0 {
			named := string(runes[i:])[:end+2]
			b.WriteString(named)
			i += len([]rune(named))
			continue
		}
		from, ok := literal()
		if !ok {
			return "", 0, false
		}
		to := from
		if i+1 < len(runes) && runes[i] == '-' && runes[i+1] != ']' {
			i++
			if to, ok = literal(); !ok {
				return "", 0, false
			}
		}
		to = max(to, from)         // as git has it, [z-a] matches z
		span(from, min(to, '/'-1)) // around the slash
		span(max(from, '/'+1), to)
	}
	length := len(string(runes[:i]))
	switch {
	case negated:
		return `[^/` + b.String() + `]`, length, true
	case b.Len() == 0:
		return "", 0, false // nothing is left that it could match
	}
	return `[` + b.String() + `]`, length, true
}
