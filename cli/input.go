package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// What is read here may hold secrets, so nothing that is said of it quotes it: a place in the text is named
// by its line and column.

// longestInput is more than the server takes in one body.
const longestInput = 1 << 20

// password reads a secret of one line: from what a flag names, else by a question on the terminal that does
// not show the answer. There is no third way: arguments are seen by every user of a machine.
func (s *session) password(flag, path, question string) (string, error) {
	if path == "" && !s.prompts() {
		return "", usagef("there is no terminal to ask on: give --%s FILE, or --%s - for stdin", flag, flag)
	}
	var text []byte
	var err error
	if path == "" {
		s.say("%s (it is not shown):", question)
		text, err = term.ReadPassword(int(s.in.(*os.File).Fd())) //nolint:forcetypeassert // prompts has looked
	} else {
		text, err = s.readFile(path, longestInput)
	}
	if err != nil {
		return "", err
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	switch {
	case secret == "":
		return "", paas.Errorf(paas.Invalid, "The secret of --%s is empty.", flag)
	case strings.ContainsAny(secret, "\r\n\x00") || !utf8.ValidString(secret):
		return "", paas.Errorf(paas.Invalid, "The secret of --%s is not one line of text.", flag)
	}
	return secret, nil
}

// plainURL refuses a URL that holds a secret, without showing it; instead says how to give that.
func plainURL(flag, text, instead string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return usagef("--%s is not a URL with a host, such as https://host.example.com:5432/", flag)
	}
	_, password := u.User.Password()
	for key := range u.Query() {
		password = password || slices.ContainsFunc([]string{"pass", "pwd", "token", "secret"}, func(word string) bool {
			return strings.Contains(strings.ToLower(key), word)
		})
	}
	if password {
		return usagef("--%s holds a password, and arguments stay in the shell's history and are seen in the list of processes: %s", flag, instead)
	}
	return nil
}

// parameters reads the JSON object of --parameters or --parameters-file; nil where neither is given.
func (s *session) parameters(text, path string) (json.RawMessage, error) {
	flag := "parameters"
	switch {
	case path != "":
		read, err := s.readFile(path, longestInput)
		if err != nil {
			return nil, err
		}
		flag, text = "parameters-file", string(read)
	case text == "":
		return nil, nil
	}
	object, problem := jsonObject([]byte(text))
	if problem != "" {
		return nil, usagef("--%s %s; a JSON object is wanted, such as {\"size\": 3}", flag, problem)
	}
	return object, nil
}

// credentials reads what --credentials-file names: a JSON object, or lines of KEY=VALUE as in a .env file.
func (s *session) credentials(path string) (json.RawMessage, error) {
	text, err := s.readFile(path, longestInput)
	if err != nil {
		return nil, err
	}
	var object json.RawMessage
	var problem string
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) {
		object, problem = jsonObject(text)
	} else {
		values := map[string]string{}
		list, faults := parseEnv(path, text)
		if len(faults) > 0 {
			return nil, &paas.Error{Code: paas.Invalid, Message: "--credentials-file names neither a JSON object nor lines of KEY=VALUE.", Faults: faults}
		}
		for _, v := range list {
			values[v.name] = v.value
		}
		if object, err = json.Marshal(values); err != nil {
			return nil, err
		}
	}
	if bytes.Equal(bytes.Join(bytes.Fields(object), nil), []byte("{}")) {
		problem = "holds no credential"
	}
	if problem != "" {
		return nil, usagef("--credentials-file %s; a JSON object is wanted, or a line of KEY=VALUE for each", problem)
	}
	return object, nil
}

// jsonObject checks that a text is one JSON object with no key given twice.
func jsonObject(text []byte) (object json.RawMessage, problem string) {
	if !utf8.Valid(text) {
		return nil, "is not UTF-8"
	}
	var whole json.RawMessage
	if err := json.Unmarshal(text, &whole); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			// What stands before the quote names a letter of the text.
			why := syntax.Error()
			if _, behind, found := strings.Cut(why, "' "); found {
				why = behind
			}
			return nil, fmt.Sprintf("is not JSON at %s (%s)", place(text, syntax.Offset-1), why)
		}
		return nil, "is not JSON"
	}
	if whole = bytes.TrimSpace(whole); whole[0] != '{' {
		return nil, "is JSON, but no object"
	}
	if twice := doubleKey(text); twice >= 0 {
		return nil, "names a key again at " + place(text, twice)
	}
	return whole, ""
}

// doubleKey gives the place of a key that its object has already, or -1. The text is valid JSON.
func doubleKey(text []byte) int64 {
	type level struct {
		keys  map[string]bool // nil in an array
		isKey bool            // what comes next is a key
	}
	var levels []level
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	for {
		token, err := decoder.Token()
		if err != nil {
			return -1
		}
		if delim, ok := token.(json.Delim); ok && (delim == '}' || delim == ']') {
			levels = levels[:len(levels)-1]
			continue
		}
		if len(levels) > 0 {
			top := &levels[len(levels)-1]
			if key, ok := token.(string); ok && top.isKey {
				if top.keys[key] {
					return decoder.InputOffset() - 1
				}
				top.keys[key], top.isKey = true, false
				continue
			}
			top.isKey = top.keys != nil
		}
		switch token {
		case json.Delim('{'):
			levels = append(levels, level{keys: map[string]bool{}, isKey: true})
		case json.Delim('['):
			levels = append(levels, level{})
		}
	}
}

// place is where an offset is for a reader.
func place(text []byte, offset int64) string {
	before := text[:min(max(offset, 0), int64(len(text)))]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("line %d, column %d", line, column)
}
