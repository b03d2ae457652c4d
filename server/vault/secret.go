package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/crumpet-paas/crumpet/server/paas"
)

// SecretVersion is what is known of one version of an app's config and secrets, without its values.
type SecretVersion struct {
	Version int
	Created time.Time
	Gone    bool // deleted or destroyed: its values can't be had
}

// PutSecrets writes the next version of an app's config and secrets: all of them, as those that are left
// out are gone. cas is the newest version there is, 0 before the first. Codes: invalid (a name or a size,
// with every fault), conflict (somebody wrote meanwhile), unavailable, forbidden.
func (c *Client) PutSecrets(ctx context.Context, ref paas.AppRef, values map[string]string, cas int) (version int, err error) {
	if err := checkRef(ref); err != nil {
		return 0, err
	}
	if err := CheckSecrets(values); err != nil {
		return 0, err
	}
	to := c.kvCall(fmt.Sprintf("write config and secrets of %s", ref), "data", ref)
	answer, err := c.write(ctx, to, map[string]any{"data": values, "options": map[string]any{"cas": cas}})
	if paas.CodeOf(err) == paas.Conflict {
		return 0, paas.Wrap(paas.Conflict, err, "The config and secrets of app %s are no longer at version %d: somebody else changed them. Look at them and try again.", ref, cas)
	}
	if err != nil {
		return 0, err
	}
	if answer != nil {
		if n, ok := answer.Data["version"].(json.Number); ok {
			version, _ = strconv.Atoi(n.String()) // 0 is caught below
		}
	}
	if version < 1 {
		return 0, paas.Errorf(paas.Internal, "Vault at %s did not say which version of %s it wrote.", c.address, to.path)
	}
	return version, nil
}

// Secrets gives the values of one version. Codes: not_found (there is none, or it is gone), unavailable,
// forbidden.
func (c *Client) Secrets(ctx context.Context, ref paas.AppRef, version int) (map[string]string, error) {
	if err := checkRef(ref); err != nil {
		return nil, err
	}
	gone := paas.Errorf(paas.NotFound, "Version %d of the config and secrets of app %s is not in Vault: it was never written, or it is older than those kept, deleted or destroyed. Choose another release, or set the values again.", version, ref)
	if version < 1 { // Vault takes 0 for the newest
		return nil, gone
	}
	to := c.kvCall(fmt.Sprintf("read version %d of config and secrets of %s", version, ref), "data", ref)
	to.query = map[string][]string{"version": {strconv.Itoa(version)}}
	var body struct {
		Data map[string]any `json:"data"`
	}
	err := c.read(ctx, to, &body)
	if paas.CodeOf(err) == paas.NotFound {
		gone.Err = err
		return nil, gone
	}
	if err != nil {
		return nil, err
	}
	if body.Data == nil {
		return nil, gone
	}
	values := make(map[string]string, len(body.Data))
	for name, value := range body.Data {
		text, ok := value.(string)
		if !ok {
			return nil, paas.Errorf(paas.Internal, "The value of %q in version %d of the secrets of app %s is not a text: it was not written by Crumpet. Set it again.", name, version, ref)
		}
		values[name] = text
	}
	return values, nil
}

// SecretVersions lists the versions that Vault still knows, oldest first; an app without any has none.
func (c *Client) SecretVersions(ctx context.Context, ref paas.AppRef) ([]SecretVersion, error) {
	if err := checkRef(ref); err != nil {
		return nil, err
	}
	var body struct {
		Versions map[string]struct {
			Created   time.Time `json:"created_time"`
			Deleted   string    `json:"deletion_time"`
			Destroyed bool      `json:"destroyed"`
		} `json:"versions"`
	}
	err := c.read(ctx, c.kvCall(fmt.Sprintf("list versions of config and secrets of %s", ref), "metadata", ref), &body)
	if paas.CodeOf(err) == paas.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var list []SecretVersion
	for number, v := range body.Versions {
		n, err := strconv.Atoi(number)
		if err != nil {
			return nil, paas.Wrap(paas.Internal, err, "Vault at %s names a version %q of the secrets of app %s.", c.address, number, ref)
		}
		list = append(list, SecretVersion{Version: n, Created: v.Created, Gone: v.Destroyed || v.Deleted != ""})
	}
	slices.SortFunc(list, func(a, b SecretVersion) int { return a.Version - b.Version })
	return list, nil
}

// KeepVersions says how many versions of an app's config and secrets Vault keeps; the oldest goes when one
// more is written. It may be said before the first version.
func (c *Client) KeepVersions(ctx context.Context, ref paas.AppRef, versions int) error {
	if err := checkRef(ref); err != nil {
		return err
	}
	if versions < 1 { // Vault takes 0 for the mount's own number
		return paas.Errorf(paas.Invalid, "%d versions of the secrets of app %s can't be kept. Keep at least 1.", versions, ref)
	}
	_, err := c.write(ctx, c.kvCall(fmt.Sprintf("set how many versions of secrets of %s are kept", ref), "metadata", ref), map[string]any{"max_versions": versions})
	return err
}

// DeleteSecrets deletes all versions for good, and what is known of them; none is as well.
func (c *Client) DeleteSecrets(ctx context.Context, ref paas.AppRef) error {
	if err := checkRef(ref); err != nil {
		return err
	}
	return c.remove(ctx, c.kvCall(fmt.Sprintf("delete config and secrets of %s", ref), "metadata", ref))
}
