package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/crumpet-paas/crumpet/server/client"
	"github.com/crumpet-paas/crumpet/server/paas"
	"github.com/crumpet-paas/crumpet/server/wire"
)

func newVolumesCmd(s *session) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "volumes",
		Short: "Folders that processes keep across deploys",
		Long: `A process with a volume block in its crumpet.hcl has one folder for each number of its instances: web.0 has
the same one in every release. No deploy, no restart and not even the end of the app takes a volume away; an app
of the same name finds it again. Only "volumes delete" does, with the app's name typed.`,
		Example: `  crumpet volumes list
  crumpet volumes delete 'shop--db--data[1]'`,
	}
	add(cmd, "", newVolumesListCmd(s), newVolumeDeleteCmd(s))
	refuseOthers(cmd)
	return cmd
}

func newVolumesListCmd(s *session) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "list [APP]",
		Short: "List the volumes of an app, or of all apps of the team",
		Long: `Lists the volumes with the node that each is on, its state, and the instance that has it now. The volumes of
apps that are no more are listed as well.`,
		Example: `  crumpet volumes list
  crumpet volumes list shop --json`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := s.client()
			if err != nil {
				return err
			}
			list, err := c.Volumes(cmd.Context(), strings.Join(args, ""))
			if err != nil {
				return err
			}
			if asJSON {
				return s.printJSON(list)
			}
			s.showVolumes(list.Items)
			return nil
		},
		ValidArgsFunction: completing(s.appNames),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func (s *session) showVolumes(list []wire.HostVolume) {
	if len(list) == 0 {
		s.say("There is no volume. A volume block in a process of crumpet.hcl makes one.")
		return
	}
	var rows [][]string
	for _, v := range list {
		rows = append(rows, []string{v.Name, v.App, fmt.Sprintf("%s.%d", v.Process, v.Index), sizeText(v.Size), v.Node, s.tone(string(v.Status)), shortAll(v.UsedBy)})
	}
	s.table(s.out, []string{"VOLUME", "APP", "INSTANCE", "SIZE", "NODE", "STATUS", "USED BY"}, rows)
}

// sizeText is a size as a spec would have it.
func sizeText(mebi int) string {
	if mebi > 0 && mebi%1024 == 0 {
		return fmt.Sprintf("%d GiB", mebi/1024)
	}
	return fmt.Sprintf("%d MiB", mebi)
}

func shortAll(ids []string) string {
	some := make([]string, len(ids))
	for i, id := range ids {
		some[i] = short(id)
	}
	return strings.Join(some, " ")
}

func newVolumeDeleteCmd(s *session) *cobra.Command {
	var confirmed string
	cmd := &cobra.Command{
		Use:   "delete VOLUME",
		Short: "Delete a volume and all that is in it",
		Long: `Asks for the app's name first; --confirm APP stands for the answer, and is needed where nobody can be asked.
A volume that an instance uses is not deleted: stop the app or scale the process down first. Whoever needs one in
its place gets an empty one.`,
		Example: `  crumpet volumes delete 'shop--db--data[1]'
  crumpet volumes delete 'shop--db--data[1]' --confirm shop`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.deleteVolume(cmd.Context(), args[0], confirmed)
		},
		ValidArgsFunction: completing(s.volumeNames),
	}
	cmd.Flags().StringVar(&confirmed, "confirm", "", "the app's name; then it is not asked for")
	completeFlag(cmd, "confirm", s.appNames)
	return cmd
}

func (s *session) deleteVolume(ctx context.Context, name, confirmed string) error {
	c, err := s.client()
	if err != nil {
		return err
	}
	volume, err := volumeNamed(ctx, c, name)
	if err != nil {
		return err
	}
	if confirmed == "" {
		s.say("This deletes volume %s of team %q on node %s and all that is in it. It can't be undone.", name, c.Team(), volume.Node)
		s.say("Type the app's name to go on:")
		line, err := bufio.NewReader(io.LimitReader(s.in, 1024)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		confirmed = strings.TrimSpace(line)
	}
	if confirmed != volume.App {
		return paas.Errorf(paas.Invalid, "The volume belongs to app %q, and the answer was %q: nothing was deleted.", volume.App, confirmed)
	}
	if _, err := c.DeleteVolume(ctx, volume.App, name); err != nil {
		return err
	}
	s.print("Volume %s is deleted.", name)
	return nil
}

func volumeNamed(ctx context.Context, c *client.Client, name string) (wire.HostVolume, error) {
	list, err := c.Volumes(ctx, "")
	if err != nil {
		return wire.HostVolume{}, err
	}
	var names []string
	for _, v := range list.Items {
		if v.Name == name {
			return v, nil
		}
		names = append(names, v.Name)
	}
	return wire.HostVolume{}, nearest(paas.Errorf(paas.NotFound, "No volume is called %q. `crumpet volumes list` lists them.", name), name, names)
}

// volumeNames completes names of volumes; a server that does not answer completes nothing.
func (s *session) volumeNames(ctx context.Context) []string {
	c, err := s.client()
	if err != nil {
		return nil
	}
	list, err := c.Volumes(ctx, "")
	if err != nil {
		return nil
	}
	var names []string
	for _, v := range list.Items {
		names = append(names, v.Name)
	}
	return names
}

// dropVolumes deletes the volumes of an app that is no more, or says that they stay.
func (s *session) dropVolumes(ctx context.Context, c *client.Client, app string, wanted bool) error {
	list, err := c.Volumes(ctx, app)
	if err != nil || len(list.Items) == 0 {
		return err
	}
	if !wanted {
		s.print("%s of it %s, with what is in them. `crumpet volumes list %s` shows them; a later app %q finds them again.",
			count(len(list.Items), "volume"), stay(len(list.Items)), app, app)
		return nil
	}
	for _, v := range list.Items {
		if _, err := c.DeleteVolume(ctx, app, v.Name); err != nil {
			return err
		}
		s.print("Volume %s is deleted.", v.Name)
	}
	return nil
}

func stay(n int) string {
	if n == 1 {
		return "stays"
	}
	return "stay"
}
