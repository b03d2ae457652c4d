package cli

import "github.com/spf13/cobra"

func newClusterCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cluster",
		Short: "Make and look after the cluster under all apps",
		Long: `Makes a cluster of Consul, Nomad, Vault, Fabio and Crumpet out of empty machines, from one file, cluster.hcl; looks
after it, backs it up and brings it back. docs/cluster.md is the chapter on it.`,
		Example: `  crumpet cluster init prod --domain apps.example.com --server server-1=10.0.0.11 --client client-1=10.0.0.21
  crumpet cluster up --plan
  crumpet cluster up
  crumpet cluster verify`,
	}
	add(cmd, "", newClusterInitCmd(s), newClusterUpCmd(s), newClusterUnsealCmd(s), newClusterTokenCmd(s), newClusterDestroyCmd(s))
	add(cmd, "", newClusterBackupCmd(s), newClusterRestoreCmd(s), newClusterStatusCmd(s), newClusterVerifyCmd(s))
	refuseOthers(cmd)
	return cmd
}
