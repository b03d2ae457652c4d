package route

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Verb is what a command does to a router's table.
type Verb string

// The verbs of Fabio's language.
const (
	VerbAdd    Verb = "add"
	VerbDel    Verb = "del"
	VerbWeight Verb = "weight"
)

// Command is one line of a rule, as Fabio understands it.
type Command struct {
	Verb    Verb
	Service string
	Src     string // HOST/PATH
	Dst     string // URL, with add
	Weight  float64
	Tags    []string
	Opts    string
}

// scanLimit is the length of a line, in bytes, from which on Fabio's scanner drops it and all that
// follow without a word.
const scanLimit = 64 << 10

// The forms of Fabio's commands. Words are parted by any white space, quotes can't be inside quotes,
// and nothing may follow: a comment at the end of a line is an error.
var (
	form = func(words string) *regexp.Regexp {
		return regexp.MustCompile(`^` + strings.ReplaceAll("route "+words, " ", `\s+`) + `$`)
	}
	verbs = map[Verb]*regexp.Regexp{
		VerbAdd:    regexp.MustCompile(`^route\s+add`),
		VerbDel:    regexp.MustCompile(`^route\s+del`),
		VerbWeight: regexp.MustCompile(`^route\s+weight`),
	}
	addForm       = form(`add (\S+) (\S+) (\S+)(?: weight (\S+))?(?: tags "([^"]*)")?(?: opts "([^"]*)")?`)
	delTagsForm   = form(`del (\S+) tags "([^"]*)"`)
	delAllForm    = form(`del tags "([^"]*)"`)
	delForm       = form(`del (\S+)(?: (\S+)(?: (\S+))?)?`)
	weightForm    = form(`weight (\S+) (\S+) weight (\S+)(?: tags "([^"]*)")?`)
	weightSrcForm = form(`weight (\S+) weight (\S+) tags "([^"]*)"`)
)

// Parse reads a rule by Fabio's grammar. An error is one that would freeze every router's table, or
// make routers drop a part of the rule.
func Parse(text string) ([]Command, error) {
	var commands []Command
	number := 0
	for line := range strings.Lines(text) {
		number++
		if len(line) >= scanLimit {
			return nil, fmt.Errorf("line %d: %d bytes, of which routers read less than %d", number, len(line), scanLimit)
		}
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "//") {
			continue
		}
		c, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		commands = append(commands, c)
	}
	return commands, nil
}

func parseLine(line string) (Command, error) {
	switch {
	case verbs[VerbAdd].MatchString(line):
		return parseAdd(line)
	case verbs[VerbDel].MatchString(line):
		return parseDel(line)
	case verbs[VerbWeight].MatchString(line):
		return parseWeight(line)
	}
	return Command{}, errors.New("no route command")
}

func parseAdd(line string) (Command, error) {
	m := addForm.FindStringSubmatch(line)
	if m == nil {
		return Command{}, errors.New("route add: not understood")
	}
	w, err := number(m[4])
	return Command{Verb: VerbAdd, Service: m[1], Src: m[2], Dst: m[3], Weight: w, Tags: split(m[5]), Opts: m[6]}, err
}

func parseDel(line string) (Command, error) {
	if m := delTagsForm.FindStringSubmatch(line); m != nil {
		return Command{Verb: VerbDel, Service: m[1], Tags: split(m[2])}, nil
	}
	if m := delAllForm.FindStringSubmatch(line); m != nil {
		return Command{Verb: VerbDel, Tags: split(m[1])}, nil
	}
	if m := delForm.FindStringSubmatch(line); m != nil {
		return Command{Verb: VerbDel, Service: m[1], Src: m[2], Dst: m[3]}, nil
	}
	return Command{}, errors.New("route del: not understood")
}

func parseWeight(line string) (Command, error) {
	if m := weightForm.FindStringSubmatch(line); m != nil {
		w, err := number(m[3])
		return Command{Verb: VerbWeight, Service: m[1], Src: m[2], Weight: w, Tags: split(m[4])}, err
	}
	if m := weightSrcForm.FindStringSubmatch(line); m != nil {
		w, err := number(m[2])
		return Command{Verb: VerbWeight, Src: m[1], Weight: w, Tags: split(m[3])}, err
	}
	return Command{}, errors.New("route weight: not understood")
}

func number(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	w, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, fmt.Errorf("weight %q is no number", s)
	}
	return w, nil
}

func split(s string) []string {
	if s == "" {
		return nil
	}
	tags := strings.Split(s, ",")
	for i := range tags {
		tags[i] = strings.TrimSpace(tags[i])
	}
	return tags
}
