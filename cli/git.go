package cli

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

// gitWithin bounds what a push waits for git: the commit only adds to a release.
const gitWithin = 2 * time.Second

// objectName is the hash of a commit, SHA-1 or SHA-256.
var objectName = regexp.MustCompile(`^[0-9a-f]{40}([0-9a-f]{24})?$`)

// gitCommit names the commit that a folder's source is of, and says whether the folder has changes
// that the commit does not hold. It is "" where there is no git, no work tree, or no answer in time,
// and for a folder of which the commit holds nothing.
func gitCommit(ctx context.Context, dir string) (commit string, dirty bool) {
	ctx, cancel := context.WithTimeout(ctx, gitWithin)
	defer cancel()
	heads, err := git(ctx, dir, "rev-parse", "--verify", "HEAD^{commit}")
	if err != nil {
		return "", false
	}
	commit = strings.TrimSpace(heads)
	if !objectName.MatchString(commit) {
		return "", false
	}
	if held, err := git(ctx, dir, "ls-tree", "--name-only", "HEAD", "--", "."); err != nil || held == "" {
		return "", false
	}
	// The folder in which `crumpet dev` keeps its state is no source.
	changes, err := git(ctx, dir, "status", "--porcelain", "--untracked-files=normal", "--", ".", ":(exclude).crumpet")
	if err != nil {
		return "", false
	}
	return commit, changes != ""
}

// git runs the one on PATH. It takes no lock, and starts no program that the repository names.
func git(ctx context.Context, dir string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", dir, "-c", "core.fsmonitor=false"}, args...)...)
	cmd.Env = append(os.Environ(), "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C")
	cmd.WaitDelay = gitWithin
	var out bytes.Buffer
	cmd.Stdout = &out
	err := cmd.Run()
	return out.String(), err
}
