package jobspec

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/crumpet-paas/crumpet/server/paas"
)

const vcapFile = "secrets/crumpet/vcap.env"

// vcapServices is VCAP_SERVICES as Cloud Foundry has it: lists of bindings by the label of their offering.
// Its line is in single quotes, between which an environment file gives nothing a meaning, and in which no
// single quote and no control character may stand; JSON can write the one otherwise and needs the others
// only between its parts.
func vcapServices(in Input, bound []paas.Binding) string {
	by := map[string][]string{}
	for _, b := range bound {
		if b.Bind.As == paas.AsEnv && b.Bind.VCAP {
			label := cmp.Or(b.Label, "user-provided")
			by[label] = append(by[label], vcapService(in, b, label))
		}
	}
	if len(by) == 0 {
		return ""
	}
	var lists []string
	for _, label := range slices.Sorted(maps.Keys(by)) {
		lists = append(lists, jsonText(label)+":["+strings.Join(by[label], ",")+"]")
	}
	return paas.VCAPServicesVariable + "='{" + strings.Join(lists, ",") + "}'\n"
}

func vcapService(in Input, b paas.Binding, label string) string {
	tags := make([]string, len(b.Tags))
	for i, tag := range b.Tags {
		tags[i] = jsonText(tag)
	}
	plan := "null"
	if b.Plan != "" {
		plan = jsonText(b.Plan)
	}
	return fmt.Sprintf(`{"name":%s,"binding_guid":%s,"binding_name":%s,"instance_name":%s,"label":%s,"plan":%s,"tags":[%s],"credentials":%s,"syslog_drain_url":null,"volume_mounts":[]}`,
		jsonText(b.Name), jsonText(b.ID), jsonText(b.Name), jsonText(b.Instance), jsonText(label), plan, strings.Join(tags, ","),
		withBinding(in, b, vcapCredentials(b)))
}

// inQuotes writes a JSON text so that it can stand in single quotes.
const inQuotes = ` | replaceAll "'" "\\u0027"`

func vcapCredentials(b paas.Binding) string {
	if b.Kind == paas.KindPostgres {
		f := b.Entries.Facts
		// Libraries look for the names that one broker or another gave them.
		pairs := []string{`"uri":"` + postgresURL(f) + `"`}
		for _, name := range []string{"username", "password"} {
			pairs = append(pairs, fmt.Sprintf(`%q:{{ .Data.%s | toUnescapedJSON%s }}`, name, name, inQuotes))
		}
		for _, fact := range [][2]string{{"host", "host"}, {"hostname", "host"}, {"port", "port"}, {"database", "database"}, {"name", "database"}, {"sslmode", "sslmode"}} {
			if value := f[fact[1]]; value != "" {
				pairs = append(pairs, fmt.Sprintf(`%q:%s`, fact[0], jsonText(value)))
			}
		}
		return "{" + strings.Join(pairs, ",") + "}"
	}
	// A broker's own object, with its types, where there is one; else all keys as texts.
	whole := fmt.Sprintf(`{{ with index .Data.data %q }}{{ . | regexReplaceAll "[\\x00-\\x1f]" " "%s }}`, paas.CredentialsKey, inQuotes)
	var pairs []string
	for _, name := range b.Entries.Keys {
		pairs = append(pairs, fmt.Sprintf(`%s:{{ index .Data.data %q | toUnescapedJSON%s }}`, jsonText(name), name, inQuotes))
	}
	return whole + "{{ else }}{" + strings.Join(pairs, ",") + "}{{ end }}"
}

// vcapApplication gives what programs from Cloud Foundry read of the app itself, where a binding is given
// as they know it.
func vcapApplication(in Input, bound []paas.Binding, env map[string]string) {
	if !slices.ContainsFunc(bound, func(b paas.Binding) bool { return b.Bind.As == paas.AsEnv && b.Bind.VCAP }) {
		return
	}
	rel := in.Release
	var hosts []string
	for _, r := range rel.Spec.Routes() {
		hosts = append(hosts, jsonText(strings.TrimSuffix(r.String(), "/")))
	}
	uris := "[" + strings.Join(hosts[:min(1, len(hosts))], ",") + "]" // as CRUMPET_URL: others come and go without a new instance
	env[paas.VCAPApplicationVariable] = fmt.Sprintf(`{"application_name":%s,"name":%s,"organization_name":%s,"space_name":%s,"process_type":%s,"application_uris":%s,"uris":%s}`,
		jsonText(rel.App), jsonText(rel.App), jsonText(rel.Team), jsonText(cmp.Or(rel.Spec.Environment, "default")), jsonText(env[envProcess]), uris, uris)
}

// jsonText is a text in JSON that means nothing to a template, to Nomad or between single quotes.
func jsonText(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil { // a text can't fail
		return `""`
	}
	return strings.NewReplacer("'", `\u0027`, "{", `\u007b`, "$", `\u0024`).Replace(strings.TrimSuffix(b.String(), "\n"))
}
