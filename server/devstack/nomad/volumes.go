package nomad

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	nomadapi "github.com/hashicorp/nomad/api"

	"github.com/crumpet-paas/crumpet/server/devstack/nomad/sched"
	"github.com/crumpet-paas/crumpet/server/devstack/nomad/state"
)

// Dynamic host volumes: folders below the stand-in's own, made as Nomad's plugin mkdir makes them, each on the
// node it was asked for. A node shows those it has, and instances are placed by that.

const mkdirPlugin = "mkdir"

// volumePath is where the folder of a volume lies that was made here.
func (s *Server) volumePath(id string) string {
	return filepath.Join(s.cfg.Data, "host_volumes", id)
}

// hostVolumes are those that a node has, by name, as it shows them.
func hostVolumes(v *state.View, node string) map[string]*nomadapi.HostVolumeInfo {
	has := map[string]*nomadapi.HostVolumeInfo{}
	for _, vol := range v.Volumes("*") {
		if vol.NodeID == node {
			has[vol.Name] = &nomadapi.HostVolumeInfo{Path: vol.HostPath, ID: vol.ID}
		}
	}
	return has
}

// withVolumes is a node that shows the volumes it has.
func withVolumes(tx *state.Tx, id string) {
	if n := tx.Node(id); n != nil {
		c := *n
		c.HostVolumes, c.ModifyIndex = hostVolumes(&tx.View, id), tx.Index()
		tx.PutNode(&c)
	}
}

func (s *Server) listVolumes(v *state.View, r *http.Request) (any, uint64, error) {
	query := r.URL.Query()
	if query.Get("type") != "host" {
		return nil, 0, fail(http.StatusNotImplemented, "only volumes of the type host are kept here")
	}
	out := []*nomadapi.HostVolumeStub{}
	for _, vol := range v.Volumes(namespace(r)) {
		if id := query.Get("node_id"); id != "" && id != vol.NodeID {
			continue
		}
		if pool := query.Get("node_pool"); pool != "" && pool != vol.NodePool {
			continue
		}
		if !strings.HasPrefix(vol.ID, query.Get("prefix")) {
			continue
		}
		out = append(out, &nomadapi.HostVolumeStub{
			Namespace: vol.Namespace, ID: vol.ID, Name: vol.Name, PluginID: vol.PluginID, NodePool: vol.NodePool, NodeID: vol.NodeID,
			CapacityBytes: vol.CapacityBytes, State: vol.State,
			CreateIndex: vol.CreateIndex, CreateTime: vol.CreateTime, ModifyIndex: vol.ModifyIndex, ModifyTime: vol.ModifyTime,
		})
	}
	return out, v.Last(state.Volumes), nil
}

func (s *Server) getVolume(v *state.View, r *http.Request) (any, uint64, error) {
	vol := v.Volume(r.PathValue("id"))
	if vol == nil || namespace(r) != "*" && vol.Namespace != namespace(r) {
		return nil, v.Last(state.Volumes), fail(http.StatusNotFound, "volume not found")
	}
	out := *vol
	out.Allocations = stubs(volumeUsers(v, vol), r)
	return &out, max(vol.ModifyIndex, v.Last(state.Allocs)), nil
}

// volumeUsers are the allocations that have a volume and have not ended.
func volumeUsers(v *state.View, vol *nomadapi.HostVolume) []*state.Alloc {
	return slices.DeleteFunc(v.Allocs(vol.Namespace), func(a *state.Alloc) bool {
		return a.ClientTerminal() || a.NodeID != vol.NodeID || !slices.Contains(sched.Sources(a.Group(), a.Name), vol.Name)
	})
}

func (s *Server) createVolume(r *http.Request) (any, uint64, error) {
	return s.putVolume(r, func(vol *nomadapi.HostVolume) error {
		mode, err := folderMode(vol.Parameters)
		if err != nil {
			return err
		}
		vol.HostPath, vol.CapacityBytes = s.volumePath(vol.ID), 0
		if err := os.MkdirAll(vol.HostPath, mode); err != nil {
			return fmt.Errorf("error creating directory: %w", err)
		}
		return os.Chmod(vol.HostPath, mode)
	})
}

func (s *Server) registerVolume(r *http.Request) (any, uint64, error) {
	return s.putVolume(r, func(vol *nomadapi.HostVolume) error {
		switch {
		case vol.NodeID == "":
			return fail(http.StatusInternalServerError, "cannot register volume: node ID is required")
		case vol.HostPath == "":
			return fail(http.StatusInternalServerError, "cannot register volume: host path is required")
		}
		if _, err := os.Stat(vol.HostPath); err != nil {
			return fmt.Errorf("could not verify host path for %q: %w", vol.HostPath, err)
		}
		return nil
	})
}

// putVolume keeps a new volume once its folder is there.
func (s *Server) putVolume(r *http.Request, folder func(*nomadapi.HostVolume) error) (any, uint64, error) {
	var in nomadapi.HostVolumeCreateRequest
	if err := decode(r, &in); err != nil {
		return nil, 0, err
	}
	vol := in.Volume
	if vol == nil {
		return nil, 0, fail(http.StatusInternalServerError, "missing volume definition")
	}
	vol.Namespace = cmp.Or(vol.Namespace, namespace(r))
	var err error
	s.state.View(func(v *state.View) { err = seatVolume(v, vol, s.isRegister(r)) })
	if err != nil {
		return nil, 0, err
	}
	if vol.ID != "" {
		return nil, 0, fail(http.StatusNotImplemented, "a volume can't be changed here")
	}
	now := time.Now().UnixNano()
	vol.ID, vol.CreateTime, vol.ModifyTime, vol.State = newID(), now, now, nomadapi.HostVolumeStatePending
	if vol.PluginID == "" && !s.isRegister(r) {
		vol.PluginID = "default"
	}
	if len(vol.RequestedCapabilities) == 0 {
		vol.RequestedCapabilities = []*nomadapi.HostVolumeCapability{{
			AttachmentMode: nomadapi.HostVolumeAttachmentModeFilesystem, AccessMode: nomadapi.HostVolumeAccessModeSingleNodeWriter,
		}}
	}
	if err := folder(vol); err != nil {
		return nil, 0, err
	}
	index, err := s.update("HostVolumeRegistered", func(tx *state.Tx) error {
		vol.CreateIndex, vol.ModifyIndex = tx.Index(), tx.Index()
		kept := *vol
		kept.State = nomadapi.HostVolumeStateReady // its node is here, and shows it at once
		tx.PutVolume(&kept)
		withVolumes(tx, vol.NodeID)
		unblock(tx)
		return nil
	})
	return &nomadapi.HostVolumeCreateResponse{Volume: vol}, index, err
}

func (s *Server) isRegister(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/register") }

// seatVolume finds the node of a volume, or says in Nomad's words why there is none.
func seatVolume(v *state.View, vol *nomadapi.HostVolume, register bool) error {
	if vol.Name == "" {
		return fail(http.StatusInternalServerError, "volume validation failed: missing name")
	}
	if v.Namespace(vol.Namespace) == nil {
		return fail(http.StatusInternalServerError, "volume validation failed: no such namespace %q", vol.Namespace)
	}
	fits := func(n *nomadapi.Node) bool {
		return register || vol.PluginID == mkdirPlugin && sched.Meets(n, vol.Constraints)
	}
	if vol.NodeID != "" {
		n := v.Node(vol.NodeID)
		switch {
		case n == nil:
			return fail(http.StatusInternalServerError, "validating volume %q against state failed: node %q does not exist", vol.Name, vol.NodeID)
		case !fits(n):
			return fail(http.StatusInternalServerError, "could not place volume %q: node %s is not feasible for volume", vol.Name, vol.NodeID)
		case n.Status != nomadapi.NodeStatusReady:
			return fail(http.StatusInternalServerError, "No path to node")
		}
		vol.NodePool = n.NodePool
		return nil
	}
	existing, infeasible := 0, 0
	for _, n := range v.Nodes() {
		switch _, has := n.HostVolumes[vol.Name]; {
		case vol.NodePool != "" && vol.NodePool != n.NodePool:
		case has:
			existing++
		case !fits(n):
			infeasible++
		default:
			vol.NodeID, vol.NodePool = n.ID, n.NodePool
			return nil
		}
	}
	return fail(http.StatusInternalServerError,
		"could not place volume %q: no node meets constraints: %d nodes had existing volume, 0 nodes filtered by node pool governance, %d nodes were infeasible", vol.Name, existing, infeasible)
}

// folderMode reads the parameters of the plugin mkdir; owners are left as they are.
func folderMode(parameters map[string]string) (fs.FileMode, error) {
	mode := fs.FileMode(0o700)
	for name, value := range parameters {
		switch name {
		case "mode":
			n, err := strconv.ParseUint(value, 8, 32)
			if err != nil {
				return 0, fmt.Errorf("invalid value for %q: %w", name, err)
			}
			mode = fs.FileMode(n)
		case "uid", "gid":
		default:
			return 0, fmt.Errorf("invalid value for %q: unknown mkdir parameter: %q", name, name)
		}
	}
	return mode, nil
}

func (s *Server) deleteVolume(r *http.Request) (any, uint64, error) {
	id, path := r.PathValue("id"), ""
	var err error
	s.state.View(func(v *state.View) {
		vol := v.Volume(id)
		if vol == nil || vol.Namespace != namespace(r) {
			err = fail(http.StatusInternalServerError, "no such volume: %s", id)
			return
		}
		var users []string
		for _, a := range volumeUsers(v, vol) {
			users = append(users, a.ID)
		}
		n := v.Node(vol.NodeID)
		switch {
		case len(users) > 0:
			err = fail(http.StatusInternalServerError, "volume %s in use by allocations: %v", id, users)
		case (n == nil || n.Status != nomadapi.NodeStatusReady) && !boolParam(r, "force"):
			err = fail(http.StatusInternalServerError, "volume cannot be removed from unknown node without force=true")
		case vol.PluginID != "":
			path = vol.HostPath
		}
	})
	if err != nil {
		return nil, 0, err
	}
	if path != "" { // what was registered is somebody else's
		if err := os.RemoveAll(path); err != nil {
			return nil, 0, fmt.Errorf("error deleting directory: %w", err)
		}
	}
	index, err := s.update("HostVolumeDeleted", func(tx *state.Tx) error {
		vol := tx.Volume(id)
		tx.DeleteVolume(id)
		if vol != nil {
			withVolumes(tx, vol.NodeID)
		}
		return nil
	})
	return struct{}{}, index, err
}

// mount gives a task the volumes that it mounts. There is no chroot here, so each lies below the task's folder,
// as a link to where it is.
func (t *task) mount(def *nomadapi.Task) error {
	if len(def.VolumeMounts) == 0 {
		return nil
	}
	a, ok := t.r.alloc()
	if !ok {
		return errStopped
	}
	if def.Driver != "exec" {
		return t.unmounted(fmt.Errorf("task driver %q for %q does not support host volumes", def.Driver, t.name))
	}
	var has map[string]*nomadapi.HostVolumeInfo
	t.r.s.state.View(func(v *state.View) { has = hostVolumes(v, a.NodeID) })
	for _, m := range def.VolumeMounts {
		req := a.Group().Volumes[*m.Volume]
		if req == nil || req.Type != "host" {
			continue
		}
		source := sched.Source(req, a.Name)
		vol := has[source]
		if vol == nil {
			return t.unmounted(fmt.Errorf("host volume validation error: missing %s", source))
		}
		link := filepath.Join(t.r.s.allocDir(t.r.id), t.name, filepath.Clean("/"+*m.Destination))
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			return t.unmounted(err)
		}
		if at, err := os.Readlink(link); err == nil && at == vol.Path {
			continue // from before a restart
		}
		if err := os.Symlink(vol.Path, link); err != nil {
			return t.unmounted(err)
		}
	}
	return nil
}

func (t *task) unmounted(err error) error {
	t.r.event(t.name, nil, taskEvent("Task hook failed", func(e *nomadapi.TaskEvent) { e.Message = "volumes: " + err.Error() }))
	return &startError{text: fmt.Sprintf("prestart hook %q failed: %v", "volumes", err)}
}

// succeed waits until the allocation has ended whose place this one takes, as Nomad's clients do: the two never
// run side by side. It gives false when the runner is to end meanwhile.
func (r *runner) succeed(ctx context.Context, previous string) bool {
	for {
		news, over := r.s.state.Changed(), true
		r.s.state.View(func(v *state.View) {
			if before := v.Alloc(previous); before != nil {
				over = before.ClientTerminal()
			}
		})
		if over {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-news:
		}
	}
}
