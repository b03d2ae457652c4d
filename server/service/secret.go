package service

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Keys in Vault's KV of what was given for an instance or binding, and of what opens a provider.
const (
	keyParameters = "parameters"
	keyDrain      = "syslog_drain_url"
	keyRoute      = "route_service_url"
	keyPassword   = "password"
	keyToken      = "token"
)

// given is what was given for an instance, in the form in which Vault has it.
func given(params paas.Secret, user paas.UserCredentials) map[string]string {
	values := map[string]string{}
	for key, secret := range map[string]paas.Secret{
		keyParameters: params, paas.CredentialsKey: user.Credentials, keyDrain: user.SyslogDrainURL, keyRoute: user.RouteServiceURL,
	} {
		if !secret.Empty() {
			values[key] = secret.Reveal()
		}
	}
	return values
}

func ungiven(values map[string]string) (paas.Secret, paas.UserCredentials) {
	return paas.NewSecret(values[keyParameters]), paas.UserCredentials{
		Credentials: paas.NewSecret(values[paas.CredentialsKey]), SyslogDrainURL: paas.NewSecret(values[keyDrain]), RouteServiceURL: paas.NewSecret(values[keyRoute]),
	}
}

// keep writes what was given to Vault, and says under which version; 0 for nothing.
func (s *Services) keep(ctx context.Context, at paas.ParamsPath, values map[string]string) (version int, err error) {
	if len(values) == 0 {
		return 0, nil
	}
	s.cfg.Around("vault.PutParams", func() { version, err = s.cfg.Vault.PutParams(ctx, at, values) })
	return version, err
}

// account gives a provider with what opens it.
func (s *Services) account(ctx context.Context, p paas.Provider) (Account, error) {
	values, err := s.cfg.Vault.Provider(ctx, p.Name)
	if err != nil && paas.CodeOf(err) != paas.NotFound { // Vault's own engine may have it instead
		return Account{}, err
	}
	return Account{Provider: p, Secret: ProviderSecret{Password: paas.NewSecret(values[keyPassword]), Token: paas.NewSecret(values[keyToken])}}, nil
}

func (p ProviderSecret) values() map[string]string {
	values := map[string]string{}
	if !p.Password.Empty() {
		values[keyPassword] = p.Password.Reveal()
	}
	if !p.Token.Empty() {
		values[keyToken] = p.Token.Reveal()
	}
	return values
}

// pathOf is where in Vault the parameters of a binding are.
func pathOf(b paas.Binding) paas.ParamsPath {
	return paas.ParamsPath{Team: b.Team, Instance: b.Instance, Binding: b.App + "." + b.Name}
}

// shortest is how long a text must be to be hidden: what is shorter would garble other words, and guards
// nothing.
const shortest = 4

const unrepeated = "What it says repeats a value that it was given, and is not kept."

// withheld gives a provider's words, unless they repeat one of the values in secrets: JSON objects, or
// plain texts.
func withheld(words string, secrets ...paas.Secret) string {
	lower := strings.ToLower(words)
	for _, secret := range secrets {
		for _, value := range leaves(secret) {
			for _, form := range []string{value, url.QueryEscape(value), url.PathEscape(value), quoted(value)} {
				if len(form) >= shortest && strings.Contains(lower, strings.ToLower(form)) {
					return unrepeated
				}
			}
		}
	}
	return words
}

func quoted(value string) string {
	b, err := json.Marshal(value)
	if err != nil {
		return value
	}
	return strings.Trim(string(b), `"`)
}

// leaves are the texts and numbers in a JSON object, names left out; the whole text where it is none.
func leaves(secret paas.Secret) []string {
	if secret.Empty() {
		return nil
	}
	var value any
	decoder := json.NewDecoder(strings.NewReader(secret.Reveal()))
	decoder.UseNumber()
	if decoder.Decode(&value) != nil {
		return []string{secret.Reveal()}
	}
	var list []string
	var walk func(any)
	walk = func(value any) {
		switch v := value.(type) {
		case map[string]any:
			for _, member := range v {
				walk(member)
			}
		case []any:
			for _, element := range v {
				walk(element)
			}
		case string:
			list = append(list, v)
			for line := range strings.SplitSeq(v, "\n") { // words are cleaned of line ends
				list = append(list, strings.TrimSpace(line))
			}
		case json.Number:
			list = append(list, v.String())
		}
	}
	walk(value)
	return list
}

// flatten turns a JSON object of credentials into the values of single files: what is no text stays JSON.
// Names that can't be a file's are in the whole object only.
func flatten(object paas.Secret) (map[string]paas.Secret, bool) {
	var fields map[string]json.RawMessage
	decoder := json.NewDecoder(strings.NewReader(object.Reveal()))
	if decoder.Decode(&fields) != nil || fields == nil || decoder.More() {
		return nil, false
	}
	values := map[string]paas.Secret{paas.CredentialsKey: object}
	for name, raw := range fields {
		if !fileName(name) || name == paas.CredentialsKey || reservedEntry(name) {
			continue
		}
		var text string
		if json.Unmarshal(raw, &text) != nil {
			var short bytes.Buffer
			if json.Compact(&short, raw) != nil {
				continue
			}
			text = short.String()
		}
		values[name] = paas.NewSecret(text)
	}
	return values, true
}

// reservedEntry are files that say what a binding is.
func reservedEntry(name string) bool { return name == "type" || name == "provider" }

func fileName(name string) bool {
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.':
		default:
			return false
		}
	}
	return name != "" && len(name) <= 128 && name[0] != '.'
}

// entriesOf completes what a binding consists of by the names of its values.
func entriesOf(e paas.Entries, values map[string]paas.Secret) paas.Entries {
	if len(values) == 0 {
		return e
	}
	e.Keys = nil
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if name != paas.CredentialsKey {
			e.Keys = append(e.Keys, name)
		}
	}
	if e.URL == "" {
		for _, name := range []string{"uri", "url", "URI", "URL"} {
			if slices.Contains(e.Keys, name) {
				e.URL = name
				break
			}
		}
	}
	return e
}

// plain gives values as Vault's adapter takes them.
func plain(values map[string]paas.Secret) map[string]string {
	all := make(map[string]string, len(values))
	for name, value := range values {
		all[name] = value.Reveal()
	}
	return all
}
