//go:build linux

package integration_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestClusterImages: `up` on machines that booted from images made by packer/. They are there with the image's own users,
// units and way of letting people in, cloud-init brings the operator's key, and what `up` does is what the image can't
// know: no program is sent. The cluster comes back from a power cut, passes the image's check list, and once it is
// destroyed its machines are what the image had made of them, so that the next one is made as quickly.
func TestClusterImages(t *testing.T) {
	w := newImageWorks(t)
	w.rootFolder()
	built := w.build("docker.server", "docker.client")
	roots := map[string]string{"server-1": w.rootOf(built, "docker.server"), "client-1": w.rootOf(built, "docker.client")}
	w.log("root folders of the images")
	imagesServe(t, roots)
	w.log("whole")
}

// imagesServe makes a cluster on machines that boot from root folders, and takes it off them.
func imagesServe(t *testing.T, roots map[string]string) {
	u := &imageCluster{unitCluster: newUnitCluster(t, labShape{servers: []string{"server-1"}, clients: []string{"client-1"}, user: "debian", roots: roots})}
	u.checked()
	u.distinct()
	u.namesWhoMayCome()
	before := u.brought()
	u.made()
	u.sentNothing(before)
	u.checked()
	u.powerCut()
	u.checked()
	u.ended()
	u.asBefore(before)
	u.checked()
}

// rootOf unpacks the root folder of an image, without what Docker puts there for containers.
func (w *imageWorks) rootOf(built, name string) string {
	w.t.Helper()
	root := filepath.Join(w.dir, "root-"+name)
	w.must(5*time.Minute, "sh", "-ec", `mkdir "$2"
		container=$(docker create "$1")
		docker export "$container" | tar -x --numeric-owner -C "$2"
		docker rm "$container"
		rm -f "$2/.dockerenv" "$2/etc/hosts" "$2/etc/hostname"`, "export", w.imageOf(built, name), root)
	return root
}

// imageCluster is a cluster of units on machines that booted from images.
type imageCluster struct{ *unitCluster }

// checked has each machine's image check it, and cloud-init say that it is done.
func (u *imageCluster) checked() {
	u.t.Helper()
	for _, h := range u.lab.Hosts() {
		out, err := h.Console("cloud-init status --wait && systemctl is-system-running --wait && /opt/crumpet/image/check")
		if lines := strings.Split(strings.TrimSpace(out), "\n"); err == nil {
			u.t.Logf("%s: %s", h.Name, lines[len(lines)-1])
			continue
		}
		failed, _ := h.Console("systemctl list-units --failed --plain --no-legend; cloud-init status --long")
		u.t.Errorf("on %s: %v\n%s%s", h.Name, err, out, failed)
	}
}

// distinct: machines of one image share no key and no id.
func (u *imageCluster) distinct() {
	u.t.Helper()
	seen := map[string]string{}
	for _, h := range u.lab.Hosts() {
		for line := range strings.Lines(u.console(h.Name, "cat /etc/machine-id /etc/ssh/ssh_host_*_key.pub")) {
			if other, ok := seen[line]; ok {
				u.t.Errorf("%s and %s both have %s", other, h.Name, line)
			}
			seen[line] = h.Name
		}
	}
}

// namesWhoMayCome: cloud-init lets nobody in as root, and `up` tells whom it lets in.
func (u *imageCluster) namesWhoMayCome() {
	u.t.Helper()
	text, err := os.ReadFile(filepath.Join(u.dir, "cluster.hcl"))
	if err != nil {
		u.t.Fatal(err)
	}
	u.write("root.hcl", strings.Replace(string(text), `"debian"`, `"root"`, 1))
	if _, err := u.run("up", "--plan", "--file", "root.hcl"); err == nil || !strings.Contains(err.Error(), `login as the user \"debian\"`) {
		u.t.Errorf("up as root says %v", err)
	}
}

// brought lists what of the folders that `up` writes to there is: who owns it, what is in it, and which very file it is.
func (u *imageCluster) brought() map[string][]string {
	u.t.Helper()
	all := map[string][]string{}
	for _, h := range u.lab.Hosts() {
		out := u.console(h.Name, `find /opt/crumpet /etc/crumpet /var/lib/crumpet /var/log/crumpet /etc/systemd/system \
  -not -path '/var/log/crumpet/*.log' \( -type f -printf '%p %M %u:%g ' -exec sha256sum -z {} \; -printf ' %i %T@\n' -o -printf '%p %M %u:%g %l\n' \) | tr -d '\0' | sort`)
		for line := range strings.Lines(out) {
			all[h.Name] = append(all[h.Name], strings.TrimSpace(line))
		}
	}
	return all
}

// sentNothing: programs and units are the very files that the image had.
func (u *imageCluster) sentNothing(before map[string][]string) {
	u.t.Helper()
	after := u.brought()
	for host, lines := range before {
		kept := 0
		for _, line := range lines {
			path, _, _ := strings.Cut(line, " ")
			if !strings.HasPrefix(path, "/opt/crumpet/") && !strings.HasPrefix(path, "/etc/systemd/system/crumpet-") {
				continue
			}
			if kept++; !slices.Contains(after[host], line) {
				u.t.Errorf("up has put another in place of %s on %s", line, host)
			}
		}
		for _, line := range after[host] {
			if strings.HasPrefix(line, "/opt/crumpet/") && !slices.Contains(lines, line) {
				u.t.Errorf("up has sent %s to %s", line, host)
			}
		}
		u.t.Logf("%s: %d files of the image are the same after up", host, kept)
	}
}

// asBefore: destroy has left of the machines what the image had made of them, and another up would send nothing.
func (u *imageCluster) asBefore(before map[string][]string) {
	u.t.Helper()
	after := u.brought()
	for host, lines := range before {
		for _, line := range slices.Concat(without(lines, after[host], "- "), without(after[host], lines, "+ ")) {
			u.t.Errorf("destroy has changed on %s: %s", host, line)
		}
	}
	out, _ := u.run("up", "--plan", "--json") // its exit code is 1, as there is all to do
	if strings.Contains(out, "install ") || !strings.Contains(out, "start consul") {
		u.t.Errorf("after destroy the plan is %s", out)
	}
}

// without are the lines that another list lacks, each with a mark before it.
func without(lines, others []string, mark string) (left []string) {
	for _, line := range lines {
		if !slices.Contains(others, line) {
			left = append(left, fmt.Sprint(mark, line))
		}
	}
	return left
}
