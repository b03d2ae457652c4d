package spec_test

import (
	"encoding/json"
	"fmt"

	"pgregory.net/rapid"

	"github.com/crumpet-paas/crumpet/server/paas"
)

func drawSecrets(t *rapid.T) []paas.SecretFile {
	var list []paas.SecretFile
	for i := range rapid.IntRange(0, 2).Draw(t, "secrets") {
		list = append(list, paas.SecretFile{Name: fmt.Sprintf("S_%d", i), Path: fmt.Sprintf("dir/f %d", i), Mode: rapid.SampledFrom([]string{"0444", "0400"}).Draw(t, "mode")})
	}
	return list
}

// drawServices draws services in every order of those that say their variable and those that do not.
func drawServices(t *rapid.T) []paas.ServiceUse {
	var list []paas.ServiceUse
	names := rapid.Permutation([]string{"db", "postgres", "database", "cache", "a-b"}).Draw(t, "names")
	for i, name := range names[:rapid.IntRange(0, 4).Draw(t, "services")] {
		u := paas.ServiceUse{Name: name, Instance: rapid.SampledFrom([]string{"shop-" + name, "other"}).Draw(t, "instance")}
		if rapid.Bool().Draw(t, "offering") {
			u.Offering, u.Plan = rapid.SampledFrom([]string{"postgres", "a.B"}).Draw(t, "of"), "small"
			if rapid.Bool().Draw(t, "parameters") {
				b, err := json.Marshal(map[string]any{"a": drawText(t), "for": []any{1, nil, true}})
				if err != nil {
					t.Fatal(err)
				}
				u.Parameters = b
			}
		}
		switch rapid.SampledFrom([]string{"env", "vcap", "files", "signal"}).Draw(t, "bind") {
		case "env", "vcap":
			u.Bind = paas.Bind{As: paas.AsEnv, Env: rapid.SampledFrom([]string{"DATABASE_URL", fmt.Sprintf("OWN_%d", i), "DB_URL", "POSTGRES_URL"}).Draw(t, "variable")}
			u.Bind.VCAP = rapid.Bool().Draw(t, "vcap")
		case "files":
			u.Bind = paas.Bind{As: paas.AsFiles, Change: paas.ChangeNoop}
		case "signal":
			u.Bind = paas.Bind{As: paas.AsFiles, Change: paas.ChangeSignal, Signal: "SIGHUP"}
		}
		list = append(list, u)
	}
	return list
}

func drawVolumes(t *rapid.T) []paas.Volume {
	var list []paas.Volume
	for i := range rapid.SampledFrom([]int{0, 0, 1, 2}).Draw(t, "volumes") {
		list = append(list, paas.Volume{Name: drawName(t, "v", i), Size: rapid.IntRange(1, 3000).Draw(t, "MiB"), Mount: fmt.Sprintf("/data/v %d", i)})
	}
	return list
}
