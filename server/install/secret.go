package install

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// Secrets of the platform below crumpet/data/platform/, beside those that Crumpet's servers make themselves.
const (
	serverSecret  = "server"      // what a server's configuration is rendered from
	fabioSecret   = "fabio"       // likewise of a router
	firstSecret   = "first-token" // the operators' token, adopted by a new store
	installSecret = "install"     // the wish
)

const secretPath = "/v1/crumpet/data/platform/"

// readSecret gives the values of a secret. Code not_found: there is none.
func readSecret(ctx context.Context, vault Call, name string) (map[string]string, error) {
	values, _, err := readVersion(ctx, vault, name)
	return values, err
}

func readVersion(ctx context.Context, vault Call, name string) (values map[string]string, version int, err error) {
	var answer struct {
		Data struct {
			Data     map[string]string `json:"data"`
			Metadata struct {
				Version int `json:"version"`
			} `json:"metadata"`
		} `json:"data"`
	}
	if err := vault(ctx, "GET", secretPath+name, nil, &answer); err != nil {
		return nil, 0, err
	}
	if answer.Data.Data == nil {
		return nil, answer.Data.Metadata.Version, paas.Errorf(paas.NotFound, "The secret %s of the platform is deleted.", name)
	}
	return answer.Data.Data, answer.Data.Metadata.Version, nil
}

// secret gives the values of a secret, none where there is none.
func (i *Install) secret(ctx context.Context, name string) (map[string]string, error) {
	values, err := readSecret(ctx, i.cfg.Vault, name)
	if paas.CodeOf(err) == paas.NotFound {
		return map[string]string{}, nil
	}
	return values, err
}

// keep lays values over those of a secret, by check-and-set: two who install at once don't undo each other.
func (i *Install) keep(ctx context.Context, name string, add map[string]string) error {
	values, version, err := readVersion(ctx, i.cfg.Vault, name)
	if err != nil && paas.CodeOf(err) != paas.NotFound {
		return err
	}
	next := maps.Clone(values)
	if next == nil {
		next = map[string]string{}
	}
	maps.Copy(next, add)
	if err := i.cfg.Vault(ctx, "POST", secretPath+name, map[string]any{"data": next, "options": map[string]int{"cas": version}}, nil); err != nil {
		return fmt.Errorf("keep the secret %s of the platform: %w", name, err)
	}
	return nil
}

func (i *Install) secretObjects() []object {
	given := map[string]string{
		"database_url": i.cfg.Given.Database, "nomad_ca": i.cfg.Given.NomadCA, "nomad_cert": i.cfg.Given.NomadCert,
		"nomad_key": i.cfg.Given.NomadKey, "vault_ca": i.cfg.Given.VaultCA,
	}
	maps.DeleteFunc(given, func(_, value string) bool { return value == "" })
	return []object{
		{
			"vault", "secret", "crumpet/platform/" + serverSecret,
			func(ctx context.Context) (string, error) {
				have, err := i.secret(ctx, serverSecret)
				if err != nil {
					return "", err
				}
				if have["database_url"] == "" && given["database_url"] == "" {
					return "", paas.Errorf(paas.Invalid, "Crumpet needs a PostgreSQL database that every node reaches. Put its URL, postgres://USER:PASSWORD@HOST/DATABASE, into a file and say --database-file FILE.")
				}
				for key, value := range given {
					if have[key] != value {
						return "other or no " + key, nil
					}
				}
				return "", nil
			},
			func(ctx context.Context) error { return i.keep(ctx, serverSecret, given) },
		},
		{
			"vault", "secret", "crumpet/platform/" + firstSecret,
			func(ctx context.Context) (string, error) {
				have, err := i.secret(ctx, firstSecret)
				if err == nil && have["token"] == "" {
					return missing, nil
				}
				return "", err
			},
			func(ctx context.Context) error {
				return i.keep(ctx, firstSecret, map[string]string{"token": newToken()})
			},
		},
	}
}

// wishObject is last: what could not be made so is not taken for wished by the next run.
func (i *Install) wishObject() object {
	return object{
		"vault", "secret", "crumpet/platform/" + installSecret,
		func(ctx context.Context) (string, error) {
			have, err := i.secret(ctx, installSecret)
			if err != nil {
				return "", err
			}
			wish, err := json.Marshal(i.asked)
			switch {
			case err != nil:
				return "", err
			case have["wish"] == "":
				return missing, nil
			case have["wish"] != string(wish):
				return "another wish", nil
			}
			return "", nil
		},
		func(ctx context.Context) error {
			wish, err := json.Marshal(i.asked)
			if err != nil {
				return err
			}
			return i.keep(ctx, installSecret, map[string]string{"wish": string(wish)})
		},
	}
}

func savedWish(values map[string]string) (Wish, error) {
	if values["wish"] == "" {
		return Wish{}, paas.Errorf(paas.NotFound, "No wish is kept in Vault.")
	}
	wish := Wish{}
	if err := json.Unmarshal([]byte(values["wish"]), &wish); err != nil {
		return Wish{}, paas.Wrap(paas.Invalid, err, "What crumpet/platform/install holds in Vault is no wish of an install.")
	}
	return wish, nil
}

// newToken makes a token as Crumpet's servers know them.
func newToken() string {
	secret := make([]byte, 32)
	_, _ = rand.Read(secret) // never fails: crypto/rand ends the program instead
	return "crumpet_" + base64.RawURLEncoding.EncodeToString(secret)
}

// newUUID makes an id as Consul wants its tokens.
func newUUID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// HasCertificate says whether the servers have a certificate for Nomad that this authority has signed. Code not_found: they
// have no secret at all.
func HasCertificate(ctx context.Context, vault Call, authority string) (bool, error) {
	have, err := readSecret(ctx, vault, serverSecret)
	return have["nomad_cert"] != "" && have["nomad_key"] != "" && have["nomad_ca"] == authority, err
}

// FirstToken gives the operators' token of Crumpet.
func (i *Install) FirstToken(ctx context.Context) (string, error) {
	have, err := readSecret(ctx, i.cfg.Vault, firstSecret)
	return have["token"], err
}
