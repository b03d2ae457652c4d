package bootstrap

import (
	"fmt"
	"strings"

	"github.com/crumpet-paas/crumpet/server/agents"
)

// removing is a script that takes files and folders away, with what is mounted in them: a client of Nomad leaves mounts
// behind, through which a removal would go on into what others own.
//
// What an image brought stays, as far as it lies at one of the paths or right below: agents.ImagePaths names it. A machine
// that was one of a cluster can so be one of the next, as if it had booted from its image again.
func removing(paths []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, removeScript, agents.ImagePaths)
	for _, path := range paths {
		b.WriteString("remove " + path + "\n")
	}
	return b.String()
}

const removeScript = `set -e
image=%s
brought() { [ -f $image ] && grep -Fqx -e "$1" $image; }
remove() {
  awk -v p="$1/" 'index($2, p) == 1 {print $2}' /proc/mounts | sort -r | while read -r m; do umount -l "$m"; done
  if ! brought "$1"; then
    rm -rf --one-file-system "$1"
  elif [ -d "$1" ]; then
    for f in "$1"/* "$1"/.[!.]* "$1"/..?*; do
      brought "$f" || rm -rf --one-file-system "$f"
    done
  fi
}
`

// relinking has the programs that an image brought be those in use again.
func relinking() string {
	return fmt.Sprintf(`[ -f %[1]s ] || exit 0
sed -n 's|^\(%[2]s/[^ ]*\) -> \([^ /]*\)$|\1 \2|p' %[1]s | while read -r link program; do ln -sfn -- "$program" "$link"; done
`, agents.ImagePaths, agents.Programs)
}
