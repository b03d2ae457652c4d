package vault_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	vaultapi "github.com/hashicorp/vault/api"
)

func TestVersionsOfAKey(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := contract(t, "versions")
	kv := s.KVv2("versions")
	one, err := kv.Put(ctx, "app/env", map[string]any{"A": "1", "N": json.Number("1234567890123")})
	check(t, err)
	if one.VersionMetadata.Version != 1 || one.VersionMetadata.CreatedTime.IsZero() {
		t.Errorf("first version is %+v", one.VersionMetadata)
	}
	_, err = kv.Put(ctx, "app/env", map[string]any{"A": "x"}, vaultapi.WithCheckAndSet(0))
	refused(t, err, 400, "check-and-set parameter did not match the current version")
	_, err = kv.Put(ctx, "app/env", map[string]any{"A": "2"}, vaultapi.WithCheckAndSet(1))
	check(t, err)

	old, err := kv.GetVersion(ctx, "app/env", 1)
	check(t, err)
	if diff := cmp.Diff(map[string]any{"A": "1", "N": json.Number("1234567890123")}, old.Data); diff != "" {
		t.Errorf("version 1 (-want +got):\n%s", diff)
	}
	now, err := kv.Get(ctx, "app/env")
	check(t, err)
	if now.Data["A"] != "2" || now.VersionMetadata.Version != 2 {
		t.Errorf("current version is %+v of %+v", now.Data, now.VersionMetadata)
	}
	if _, err := kv.GetVersion(ctx, "app/env", 9); !errors.Is(err, vaultapi.ErrSecretNotFound) {
		t.Errorf("a version that never was: %v", err)
	}

	check(t, kv.Delete(ctx, "app/env"))
	gone, err := kv.Get(ctx, "app/env") // 404, but with data: the client makes a secret without values of it
	check(t, err)
	if gone.Data != nil || gone.VersionMetadata.DeletionTime.IsZero() || gone.VersionMetadata.Destroyed {
		t.Errorf("a deleted version is %+v", gone.VersionMetadata)
	}
	check(t, kv.Undelete(ctx, "app/env", []int{2}))
	now, err = kv.Get(ctx, "app/env")
	check(t, err)
	if now.Data["A"] != "2" {
		t.Errorf("an undeleted version is %v", now.Data)
	}
	check(t, kv.DeleteVersions(ctx, "app/env", []int{1}))
	check(t, kv.Destroy(ctx, "app/env", []int{1}))
	check(t, kv.Undelete(ctx, "app/env", []int{1}))
	old, err = kv.GetVersion(ctx, "app/env", 1)
	check(t, err)
	if old.Data != nil || !old.VersionMetadata.Destroyed {
		t.Errorf("a destroyed version is %v, %+v", old.Data, old.VersionMetadata)
	}

	_, err = kv.Patch(ctx, "app/env", map[string]any{"B": map[string]any{"C": "3"}, "A": nil})
	check(t, err)
	now, err = kv.Get(ctx, "app/env")
	check(t, err)
	if diff := cmp.Diff(map[string]any{"B": map[string]any{"C": "3"}}, now.Data); diff != "" || now.VersionMetadata.Version != 3 {
		t.Errorf("a patched version (-want +got):\n%s", diff)
	}
	if _, err := kv.Patch(ctx, "none", map[string]any{"A": "1"}); err == nil {
		t.Error("a key that is not there was patched")
	}
}

func TestMetadataOfAKey(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := contract(t, "meta")
	kv := s.KVv2("meta")
	check(t, kv.PutMetadata(ctx, "k", vaultapi.KVMetadataPutInput{MaxVersions: 2, CASRequired: true, CustomMetadata: map[string]any{"owner": "me"}}))
	_, err := kv.Put(ctx, "k", map[string]any{"A": "1"})
	refused(t, err, 400, "check-and-set parameter required for this call")
	for n := range 3 {
		_, err := kv.Put(ctx, "k", map[string]any{"A": "1"}, vaultapi.WithCheckAndSet(n))
		check(t, err)
	}
	m, err := kv.GetMetadata(ctx, "k")
	check(t, err)
	if m.CurrentVersion != 3 || m.OldestVersion != 2 || len(m.Versions) != 2 || m.MaxVersions != 2 || !m.CASRequired || m.CustomMetadata["owner"] != "me" {
		t.Errorf("metadata is %+v", m)
	}
	if _, err := kv.GetVersion(ctx, "k", 1); !errors.Is(err, vaultapi.ErrSecretNotFound) {
		t.Errorf("a version beyond the limit: %v", err)
	}
	optional := false
	check(t, kv.PatchMetadata(ctx, "k", vaultapi.KVMetadataPatchInput{CASRequired: &optional, CustomMetadata: map[string]any{"since": "now"}}))
	m, err = kv.GetMetadata(ctx, "k")
	check(t, err)
	if diff := cmp.Diff(map[string]any{"owner": "me", "since": "now"}, m.CustomMetadata); diff != "" || m.CASRequired || m.MaxVersions != 2 {
		t.Errorf("patched metadata is %+v\n%s", m, diff)
	}
	check(t, kv.DeleteMetadata(ctx, "k"))
	if _, err := kv.Get(ctx, "k"); !errors.Is(err, vaultapi.ErrSecretNotFound) {
		t.Errorf("a key whose metadata is gone: %v", err)
	}
	_, err = s.Logical().Write("meta/config", map[string]any{"max_versions": 1})
	check(t, err)
	for range 2 {
		_, err := kv.Put(ctx, "short", map[string]any{"A": "1"})
		check(t, err)
	}
	if _, err := kv.GetVersion(ctx, "short", 1); !errors.Is(err, vaultapi.ErrSecretNotFound) {
		t.Errorf("a version beyond the mount's limit: %v", err)
	}
}

func TestKeysAreListedByFolder(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := contract(t, "listed")
	for _, key := range []string{"a", "b/c", "b/d", "b"} {
		_, err := s.KVv2("listed").Put(ctx, key, map[string]any{})
		check(t, err)
	}
	for path, want := range map[string][]any{"listed/metadata": {"a", "b", "b/"}, "listed/metadata/b": {"c", "d"}, "listed/metadata/none": nil} {
		got, err := s.Logical().List(path)
		check(t, err)
		var keys []any
		if got != nil {
			keys, _ = got.Data["keys"].([]any)
		}
		if diff := cmp.Diff(want, keys); diff != "" {
			t.Errorf("%s (-want +got):\n%s", path, diff)
		}
	}
}

func TestVersionsEndByThemselves(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	s := ready(t, t.TempDir())
	check(t, s.Sys().Mount("secret", &vaultapi.MountInput{Type: "kv-v2"}))
	kv := s.KVv2("secret")
	check(t, kv.PutMetadata(ctx, "k", vaultapi.KVMetadataPutInput{DeleteVersionAfter: time.Hour}))
	_, err := kv.Put(ctx, "k", map[string]any{"A": "1"})
	check(t, err)
	s.clock.add(59 * time.Minute)
	if got, err := kv.Get(ctx, "k"); err != nil || got.Data["A"] != "1" {
		t.Errorf("before its time: %v, %v", got, err)
	}
	s.clock.add(2 * time.Minute)
	if got, err := kv.Get(ctx, "k"); err != nil || got.Data != nil {
		t.Errorf("after its time: %v, %v", got, err)
	}
}
