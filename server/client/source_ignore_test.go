package client_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/google/go-cmp/cmp"
)

func TestIgnoreFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"names at any depth":            {map[string]string{".gitignore": "*.log\n", "a.log": "", "x/b.log": "", "x/c": ""}, ".gitignore x/c"},
		"anchored":                      {map[string]string{".gitignore": "/a\nx/b\n", "a": "", "b": "", "x/a": "", "x/b": "", "y/x/b": ""}, ".gitignore b x/a y/x/b"},
		"folders only":                  {map[string]string{".gitignore": "build/\n", "build/x": "", "y/build": ""}, ".gitignore y/build"},
		"the last rule counts":          {map[string]string{".gitignore": "*.txt\n!keep.txt\n", "a.txt": "", "keep.txt": ""}, ".gitignore keep.txt"},
		"nothing comes back from out":   {map[string]string{".gitignore": "dir/\n!dir/keep\n", "dir/keep": "", "dir/x": ""}, ".gitignore"},
		"but from among its content":    {map[string]string{".gitignore": "dir/*\n!dir/keep\n", "dir/keep": "", "dir/x": ""}, ".gitignore dir/keep"},
		"nested":                        {map[string]string{".gitignore": "*.gen\n", "x/.gitignore": "!*.gen\n/only\n", "a.gen": "", "x/a.gen": "", "x/only": "", "x/y/only": ""}, ".gitignore x/.gitignore x/a.gen x/y/only"},
		"crumpetignore has more to say": {map[string]string{".gitignore": "dist/\n*.tmp\n", ".crumpetignore": "!dist/\ntestdata/\n", "dist/app.js": "", "a.tmp": "", "testdata/x": ""}, ".gitignore dist/app.js"},
		"a nested crumpetignore":        {map[string]string{"x/.crumpetignore": "/y\n", "y": "", "x/y": "", "x/z": ""}, "x/z y"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := pack(t, folder(t, test.files), client.PackConfig{})
			if got := strings.Join(paths(s), " "); got != test.want {
				t.Errorf("packed %s, want %s", got, test.want)
			}
		})
	}
}

func TestIgnoreFilesAboveAFolderOfARepository(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string]string{
		".git/HEAD": "x", ".gitignore": "*.secret\n/apps/shop/local\n/local\nshop/dist\n/apps/**/deep\n", "apps/.gitignore": "!good.secret\n",
		"apps/shop/a": "", "apps/shop/b.secret": "", "apps/shop/good.secret": "", "apps/shop/local": "", "apps/shop/x/local": "",
		"apps/shop/dist": "", "apps/shop/x/deep": "",
	})
	got := strings.Join(paths(pack(t, filepath.Join(dir, "apps", "shop"), client.PackConfig{})), " ")
	if want := "a dist good.secret x/local"; got != want {
		t.Errorf("packed %s, want %s", got, want)
	}
}

// TestIgnoreFilesMeanWhatGitMeans makes ignore files at random and compares with git.
func TestIgnoreFilesMeanWhatGitMeans(t *testing.T) {
	t.Parallel()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Skip("git is not on PATH")
	}
	dir := folder(t, map[string]string{
		"a": "", "b.o": "", "foo/a": "", "foo/b.o": "", "foo/bar/a": "", "foo/bar/baz/b.o": "", "bar/foo/a.txt": "", "bar/a b": "", "bar/a ": "",
		"build/x.o": "", "build/deep/y": "", "doc/build": "", "#hash": "", "!bang": "", "x/y/z/a-b": "", "x/a]b": "", "x/a^b": "", "x/[ab]": "", "x/A1": "",
		"x/z*": "", "abar/abar": "", "x/y/foo/bar/a": "", "star*star": "",
	})
	command := func(args ...string) string {
		t.Helper()
		c := exec.CommandContext(t.Context(), git, args...)
		c.Dir = dir
		c.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := c.Output()
		if err != nil {
			t.Fatalf("git %v: %v", args, err)
		}
		return string(out)
	}
	command("init", "-q")
	lines := []string{
		"a", "*.o", "foo", "foo/", "/foo", "foo/bar", "foo/*", "foo/**", "**/foo", "**/foo/bar", "**/bar/**", "foo/**/a", "**/a", "a**", "f**o/a", "!a", "!*.o", "!foo",
		"!foo/", "!build", "!foo/bar/", "build/", "build/*", "!build/deep", "[a-c]", "[!a]*", "[^a]*", "x/[]ab]*", "x/a[]]b", "x/a[!a]b", "x/[[:upper:]]*", "x/[[:alpha:][:digit:]][0-9]",
		"x/\\[ab\\]", "\\#hash", "#hash", "\\!bang", "!bang", "bar/a\\ ", "bar/a ", "bar/a b", "? b", "?", "x/?/", "*/", "*", "/*", "!/*", "!*/", "x/a[^", "foo\\", "",
		"   ", "foo//", "/", "//", "**", "/**", "**/", "***", "foo/***/a", "x/**z**", "x/z\\*", "star\\*star", "x/[+-0]", "x[/]y", "[z-a]", "x/y/z/a[-]b", "x/y/z/a[a-]b", "a\r", "build/\r",
		"ab*ar/", "a*/abar", "*/bar", "**/bar/a", "x/**/bar", "x/*/bar", "!**/bar/a", "\\a", "f\\oo/",
	}
	random := rand.New(rand.NewPCG(1, 2))
	some := func() string {
		var text []string
		for range 1 + random.IntN(5) {
			text = append(text, lines[random.IntN(len(lines))])
		}
		return strings.Join(text, "\n") + "\n"
	}
	for n := range len(lines) + 100 {
		top, nested := some(), ""
		if n < len(lines) {
			top = lines[n] + "\n" // each alone
		} else {
			nested = some()
		}
		write(t, filepath.Join(dir, ".gitignore"), top)
		write(t, filepath.Join(dir, "foo", ".gitignore"), nested)
		want := strings.FieldsFunc(command("ls-files", "-z", "--others", "--exclude-standard"), func(r rune) bool { return r == 0 })
		slices.Sort(want)
		var got []string
		if s, err := client.Pack(t.Context(), dir, client.PackConfig{}); err == nil { // an empty source is an error
			got = paths(s)
		}
		if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
			t.Errorf(".gitignore %q, foo/.gitignore %q (-git +crumpet):\n%s", top, nested, diff)
		}
	}
}
