# The first process of a host: in namespaces of its own already, it makes the host's control groups and root, and
# becomes its init. It gets $NAME, $DISK, $BASE, $GROUP, $CONTROLLERS, $INIT, $HUSHED and $IMAGE, and
# waits for a line that says its cable is in.
set -eu
named= # the hierarchy that has no controller: systemd keeps its units in it
[ "$INIT" != systemd ] || named=systemd
if [ "${1:-}" != in-groups ]; then
  mount --make-rprivate /
  read -r _
  for c in $CONTROLLERS $named; do
    g=/sys/fs/cgroup/$c/$GROUP
    mkdir -p "$g/$NAME"
    if [ "$c" = cpuset ]; then # a new set has no processor and no memory until it is given some
      for d in "$g" "$g/$NAME"; do
        cat "${d%/*}/cpuset.cpus" > "$d/cpuset.cpus"
        cat "${d%/*}/cpuset.mems" > "$d/cpuset.mems"
      done
    fi
    echo 0 > "$g/$NAME/cgroup.procs"
  done
  exec unshare --cgroup sh "$BOOT" in-groups
fi

root=$DISK/root
mount -t overlay -o "lowerdir=$BASE,upperdir=$DISK/upper,workdir=$DISK/work" "$NAME" "$root"
cd "$root"
mount -t proc -o nosuid,nodev,noexec proc proc
mount -t sysfs -o nosuid,nodev,noexec sysfs sys
mount -t tmpfs -o mode=0755 cgroup sys/fs/cgroup
for c in $CONTROLLERS; do
  mkdir "sys/fs/cgroup/$c"
  mount -t cgroup -o "$c" cgroup "sys/fs/cgroup/$c"
done
if [ -n "$named" ]; then
  mkdir sys/fs/cgroup/systemd
  mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
fi
mount -t tmpfs -o nosuid,mode=0755 dev dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts dev/pts
mount -t tmpfs -o nosuid,nodev shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
mknod -m 0666 dev/null c 1 3
mknod -m 0666 dev/zero c 1 5
mknod -m 0666 dev/full c 1 7
mknod -m 0666 dev/random c 1 8
mknod -m 0666 dev/urandom c 1 9
mknod -m 0666 dev/tty c 5 0
mount -t tmpfs -o nosuid,nodev,mode=0755 run run
mount -t tmpfs -o nosuid,nodev,mode=1777 tmp tmp
mkdir -p run/sshd run/lock run/systemd/system
for unit in $HUSHED; do ln -s /dev/null "run/systemd/system/$unit"; done
hostname "$NAME"
echo "$NAME" > etc/hostname
grep -q "^127.0.1.1 $NAME\$" etc/hosts 2> /dev/null || printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$NAME" > etc/hosts
if [ "$IMAGE" = no ]; then
  mkdir -p -m 0700 root/.ssh
  echo "$OPERATOR" > root/.ssh/authorized_keys
else # cloud-init lets the operator in, as a cloud's user data have it
  seed=var/lib/cloud/seed/nocloud
  mkdir -p $seed
  printf 'instance-id: %s\nlocal-hostname: %s\n' "$NAME" "$NAME" > $seed/meta-data
  printf '#cloud-config\nssh_authorized_keys:\n  - %s\n' "$OPERATOR" > $seed/user-data
  printf 'config: disabled\n' > $seed/network-config # the cable is in, with an address
fi

mkdir -p mnt
pivot_root . mnt
cd /
umount -l mnt
if [ "$IMAGE" = no ]; then # an image has what makes these
  [ -e /etc/machine-id ] && [ -s /etc/machine-id ] || tr -d - < /proc/sys/kernel/random/uuid > /etc/machine-id
  [ -e /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
fi
clean="env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
case $INIT in
  # That it is in a container it can't see by itself. By cgroup v1 alone: of v2 there is one tree, which hosts would share.
  # None sets the clock, which is this machine's too.
  systemd) exec setpriv --bounding-set=-sys_time $clean container=crumpet-lab /sbin/init systemd.unified_cgroup_hierarchy=0 systemd.legacy_systemd_cgroup_controller=1 < /dev/null ;;
  *) exec $clean HOME=/root tini -- /usr/sbin/sshd -D -e ;;
esac
