package router

import (
	"bufio"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// verb is what a command does to the table.
type verb int

const (
	verbAdd verb = iota
	verbDel
	verbWeight
)

// command is one parsed line of route text.
type command struct {
	verb    verb
	service string
	src     string // host/path, or :port
	dst     string
	weight  float64
	tags    []string
	opts    map[string]string
}

// Fabio's grammar allows any run of white space between words, refuses quotes inside quotes, and ends at
// the end of the line: a trailing comment is an error.
//
//	route add SERVICE SRC DST [weight W] [tags "a,b"] [opts "k=v k=v"]
//	route del SERVICE tags "a,b" | route del tags "a,b" | route del SERVICE [SRC [DST]]
//	route weight SERVICE SRC weight W [tags "a,b"] | route weight SRC weight W tags "a,b"
var (
	isAdd    = regexp.MustCompile(`^route\s+add`)
	isDel    = regexp.MustCompile(`^route\s+del`)
	isWeight = regexp.MustCompile(`^route\s+weight`)
	isBlank  = regexp.MustCompile(`^(\s*$|#|//)`)

	addForm = regexp.MustCompile(`^route\s+add\s+(\S+)\s+(\S+)\s+(\S+)` +
		`(?:\s+weight\s+(\S+))?(?:\s+tags\s+"([^"]*)")?(?:\s+opts\s+"([^"]*)")?$`)
	delTagsOfService = regexp.MustCompile(`^route\s+del\s+(\S+)\s+tags\s+"([^"]*)"$`)
	delTags          = regexp.MustCompile(`^route\s+del\s+tags\s+"([^"]*)"$`)
	delForm          = regexp.MustCompile(`^route\s+del\s+(\S+)(?:\s+(\S+)(?:\s+(\S+))?)?$`)
	weightOfService  = regexp.MustCompile(`^route\s+weight\s+(\S+)\s+(\S+)\s+weight\s+(\S+)(?:\s+tags\s+"([^"]*)")?$`)
	weightOfSource   = regexp.MustCompile(`^route\s+weight\s+(\S+)\s+weight\s+(\S+)\s+tags\s+"([^"]*)"$`)
)

var (
	errVerb   = errors.New("syntax error: 'route' expected")
	errAdd    = errors.New("syntax error: 'route add' invalid")
	errDel    = errors.New("syntax error: 'route del' invalid")
	errWeight = errors.New("syntax error: 'route weight' invalid")
	errValue  = errors.New("syntax error: weight value invalid")
)

// parse reads route text. The first bad line makes the whole text bad. A line longer than the scanner's
// 64 KB ends the text without an error, as it does in Fabio: the lines after it are not read.
func parse(text string) ([]command, error) {
	var commands []command
	scanner := bufio.NewScanner(strings.NewReader(text))
	for n := 1; scanner.Scan(); n++ {
		line := strings.TrimSpace(scanner.Text())
		if isBlank.MatchString(line) {
			continue
		}
		c, err := parseLine(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		commands = append(commands, c)
	}
	return commands, nil
}

func parseLine(line string) (command, error) {
	switch {
	case isAdd.MatchString(line):
		return parseAdd(line)
	case isDel.MatchString(line):
		return parseDel(line)
	case isWeight.MatchString(line):
		return parseWeight(line)
	}
	return command{}, errVerb
}

func parseAdd(line string) (command, error) {
	m := addForm.FindStringSubmatch(line)
	if m == nil {
		return command{}, errAdd
	}
	w, err := weightValue(m[4])
	return command{
		verb: verbAdd, service: m[1], src: m[2], dst: m[3],
		weight: w, tags: splitTags(m[5]), opts: splitOpts(m[6]),
	}, err
}

// parseDel tries the forms with tags first. Tags without quotes fall through to the last form, where
// "tags" is read as a source that matches nothing; empty tags delete the whole service.
func parseDel(line string) (command, error) {
	if m := delTagsOfService.FindStringSubmatch(line); m != nil {
		return command{verb: verbDel, service: m[1], tags: splitTags(m[2])}, nil
	}
	if m := delTags.FindStringSubmatch(line); m != nil {
		return command{verb: verbDel, tags: splitTags(m[1])}, nil
	}
	if m := delForm.FindStringSubmatch(line); m != nil {
		return command{verb: verbDel, service: m[1], src: m[2], dst: m[3]}, nil
	}
	return command{}, errDel
}

func parseWeight(line string) (command, error) {
	if m := weightOfService.FindStringSubmatch(line); m != nil {
		w, err := weightValue(m[3])
		return command{verb: verbWeight, service: m[1], src: m[2], weight: w, tags: splitTags(m[4])}, err
	}
	if m := weightOfSource.FindStringSubmatch(line); m != nil {
		w, err := weightValue(m[2])
		return command{verb: verbWeight, src: m[1], weight: w, tags: splitTags(m[3])}, err
	}
	return command{}, errWeight
}

func weightValue(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	w, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return 0, errValue
	}
	return w, nil
}

func splitTags(s string) []string {
	if s == "" {
		return nil
	}
	tags := strings.Split(s, ",")
	for i := range tags {
		tags[i] = strings.TrimSpace(tags[i])
	}
	return tags
}

func splitOpts(s string) map[string]string {
	if s == "" {
		return nil
	}
	opts := map[string]string{}
	for field := range strings.FieldsSeq(s) {
		key, value, _ := strings.Cut(field, "=")
		opts[key] = value
	}
	return opts
}
