package cli

import "github.com/spf13/cobra"

func newClusterCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Look after the cluster under all apps",
	}
	add(cmd, "", newClusterBackupCmd(s), newClusterRestoreCmd(s), newClusterStatusCmd(s), newClusterVerifyCmd(s))
	refuseOthers(cmd)
	return cmd
}
