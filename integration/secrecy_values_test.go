package integration_test

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
)

// needles are the values that a story has planted, by what they are called, and all that each would look
// like where somebody repeats it.
type needles struct {
	mu    sync.Mutex // a broker plants as well
	names []string
	texts map[string]string   // by name
	forms map[string][]string // by name: what to search for
}

// token is what makes a value one of its own: letters that no escaping changes.
func token() string {
	b := make([]byte, 12)
	_, _ = rand.Read(b) // never fails
	return "Zq" + hex.EncodeToString(b)
}

// shapes are texts around a token that are easy to get wrong. Each is text in UTF-8.
var shapes = []string{
	"%s", "two words %s", "\"%s\"", "'%s'", "$HOME/%s", "${HOME}%s$(id)", "{{ %s }}", "a\nb %s\nc\n", "\t%s\t", "%%s%s%%d",
	"grüße-%s-🥞", "\\%s\\n", "#%s", "%s # no comment", "--%s", "a=b&c=%s", "<%s>", "[\"%s\"]", "{\"a\": \"%s\"}", "`%s`",
	"postgres://u:%s@db.invalid/x?y=z", "-----BEGIN KEY-----\n%s\n-----END KEY-----\n", "%s;rm -rf /", "NAME=%s", "x%s" + "\u2028",
}

// plant makes a value of an unusual shape.
func (n *needles) plant(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := token()
	text := strings.ReplaceAll(shapes[len(n.names)%len(shapes)], "%s", key)
	n.add(name, key, text)
	return text
}

// found adds a value that somebody else made.
func (n *needles) found(name, text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.add(name, text, text)
}

// bare plants a value without an unusual shape, to stand in a text that a story writes itself.
func (n *needles) bare(name string) string {
	text := token()
	n.found(name, text)
	return text
}

// text is a value by its name.
func (n *needles) text(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.texts[name]
}

// add derives what a leak could look like. The key stays as it is in JSON, in a URL and in HCL, so that it
// finds the value there too; base64 of a text that holds it has one of three forms, by where it begins.
func (n *needles) add(name, key, text string) {
	forms := []string{key, hex.EncodeToString([]byte(key)), strings.ToUpper(hex.EncodeToString([]byte(key)))}
	for shift := range 3 {
		padded := strings.Repeat("x", shift) + key
		whole := base64.RawStdEncoding.EncodeToString([]byte(padded))
		skip := []int{0, 2, 3}[shift]
		cut := whole[skip : len(whole)/4*4-4]
		forms = append(forms, cut, strings.NewReplacer("+", "-", "/", "_").Replace(cut))
	}
	sum := sha256.Sum256([]byte(text))
	forms = append(forms, hex.EncodeToString(sum[:])) // a hash of a weak value is the value
	if n.texts == nil {
		n.texts, n.forms = map[string]string{}, map[string][]string{}
	}
	n.names = append(n.names, name)
	n.texts[name], n.forms[name] = text, forms
}

// sum is what an app shows of a value that it has.
func sum(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// in gives the names of the values that stand in a text, in whatever form.
func (n *needles) in(text string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	var names []string
	for _, name := range n.names {
		for _, form := range n.forms[name] {
			if strings.Contains(text, form) {
				names = append(names, name)
				break
			}
		}
	}
	return names
}
