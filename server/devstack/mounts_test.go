package devstack_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/crumpet-paas/crumpet/server/devstack"
)

func TestMountsOfTasksInnerOnesFirst(t *testing.T) {
	t.Parallel()
	table := `21 1 254:0 / / rw - ext4 /dev/vda rw
30 21 254:0 /x /data/my\040dev/nomad/alloc/1/web/alloc rw - ext4 /dev/vda rw
31 30 254:0 /y /data/my\040dev/nomad/alloc/1/web/alloc/logs rw - ext4 /dev/vda rw
32 21 0:40 / /data/my\040dev/nomad/allocated rw - tmpfs tmpfs rw
`
	want := []string{"/data/my dev/nomad/alloc/1/web/alloc/logs", "/data/my dev/nomad/alloc/1/web/alloc"}
	if diff := cmp.Diff(want, devstack.MountPoints(table, "/data/my dev/nomad/alloc")); diff != "" {
		t.Error(diff)
	}
}
