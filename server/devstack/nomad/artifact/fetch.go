package artifact

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Source is one artifact of a task, with its texts interpolated.
type Source struct {
	URL     string
	Options map[string]string
	Headers map[string]string
	Mode    string // any, file or dir
	Dest    string // relative to the task's folder
}

// Fetch downloads and unpacks. Its errors read like those of Nomad's getter.
func Fetch(ctx context.Context, client *http.Client, src Source, taskDir string) error {
	if err := fetch(ctx, client, src, taskDir); err != nil {
		return fmt.Errorf("failed to download artifact %q: %w", withoutQuery(src.URL), err)
	}
	return nil
}

// withoutQuery keeps signatures out of events.
func withoutQuery(raw string) string {
	before, _, _ := strings.Cut(raw, "?")
	return before
}

func fetch(ctx context.Context, client *http.Client, src Source, taskDir string) error {
	u, err := url.Parse(strings.TrimPrefix(src.URL, "http::"))
	if err != nil {
		return errors.New("the address is not a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("no getter available for X-Terraform-Get source protocol: %s", u.Scheme)
	}
	// go-getter takes its own options out of the query too.
	query := u.Query()
	option := func(name string) string {
		value := src.Options[name]
		if v := query.Get(name); v != "" {
			value = v
			query.Del(name)
			u.RawQuery = query.Encode()
		}
		return value
	}
	checksum, archive := option("checksum"), option("archive")
	if archive == "" {
		archive = archiveOf(u.Path)
	}
	dest := filepath.Join(taskDir, filepath.FromSlash(src.Dest))
	if dest != taskDir && !strings.HasPrefix(dest, taskDir+string(filepath.Separator)) {
		return errors.New("artifact destination path escapes the alloc directory")
	}
	sum, want, err := checksumOf(checksum)
	if err != nil {
		return err
	}
	file, err := download(ctx, client, u, src.Headers, sum, taskDir)
	if err != nil {
		return err
	}
	err = place(file, u, archive, src.Mode, dest, func() error {
		if got := hex.EncodeToString(sum.Sum(nil)); want != "" && got != want {
			return fmt.Errorf("getter failed: Checksums did not match for %s.\nExpected: %s\nGot: %s", filepath.Base(u.Path), want, got)
		}
		return nil
	})
	return errors.Join(err, file.Close(), removeIfThere(file.Name()))
}

func removeIfThere(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func archiveOf(name string) string {
	for _, suffix := range []string{".tar.gz", ".tgz", ".tar", ".zip"} {
		if strings.HasSuffix(name, suffix) {
			return suffix[1:]
		}
	}
	return "false"
}

func checksumOf(option string) (hash.Hash, string, error) {
	if option == "" {
		return sha256.New(), "", nil
	}
	kind, want, found := strings.Cut(option, ":")
	if !found {
		kind, want = "sha256", option
	}
	want = strings.ToLower(want)
	switch {
	case kind == "sha256" && len(want) == 2*sha256.Size:
		return sha256.New(), want, nil
	case kind == "sha512" && len(want) == 2*sha512.Size:
		return sha512.New(), want, nil
	}
	return nil, "", fmt.Errorf("invalid checksum: %s", option)
}

func download(ctx context.Context, client *http.Client, u *url.URL, headers map[string]string, sum hash.Hash, dir string) (*os.File, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, errors.New("the address is not a URL")
	}
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := client.Do(request)
	if err != nil {
		// It repeats the address, and with it its query.
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err
		}
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("bad response code: %d", response.StatusCode), response.Body.Close())
	}
	file, err := os.CreateTemp(dir, ".artifact-*")
	if err != nil {
		return nil, errors.Join(err, response.Body.Close())
	}
	_, err = io.Copy(io.MultiWriter(file, sum), response.Body)
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return nil, errors.Join(err, file.Close(), os.Remove(file.Name()))
	}
	return file, nil
}

func place(file *os.File, u *url.URL, archive, mode, dest string, verify func() error) error {
	if err := verify(); err != nil {
		return err
	}
	switch archive {
	case "tar.gz", "tgz", "tar":
		return unpack(file, archive != "tar", dest)
	case "false":
	default:
		return fmt.Errorf("archives of type %q are not served", archive)
	}
	if mode != "file" {
		dest = filepath.Join(dest, path.Base(u.Path))
	}
	if err := os.MkdirAll(filepath.Dir(dest), 0o755); err != nil {
		return err
	}
	if err := os.Chmod(file.Name(), 0o644); err != nil {
		return err
	}
	return os.Rename(file.Name(), dest)
}
