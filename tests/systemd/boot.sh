#!/bin/bash
# Makes what process 1 of a machine of the tests sees, and becomes systemd in it. `machine.py` starts
# it as the first process of new namespaces, in a mount namespace that has the layers.
#
#   boot.sh DIRECTORY LOWER NAME [joined]
#
# DIRECTORY holds up/, work/ and root/, all empty; LOWER is what overlayfs takes as lowerdir; NAME is
# the machine's, and that of a control group already made in every hierarchy that it gets.
set -euo pipefail
DIRECTORY=$1 LOWER=$2 NAME=$3 R=$1/root CGROUPS=/sys/fs/cgroup

# A cgroup namespace begins where the process is that makes it.
if [[ ${4:-} != joined ]]; then
    for group in "$CGROUPS/$NAME" "$CGROUPS"/*/"$NAME"; do
        [[ ! -d $group ]] || echo 0 >"$group/cgroup.procs"
    done
    exec unshare --cgroup bash "$0" "$DIRECTORY" "$LOWER" "$NAME" joined
fi

mount -t overlay -o "lowerdir=$LOWER,upperdir=$DIRECTORY/up,workdir=$DIRECTORY/work" overlay "$R"

mount -t proc -o nosuid,nodev,noexec proc "$R/proc"
for part in sys sysrq-trigger irq bus fs; do # the kernel is not the machine's own
    [[ ! -e $R/proc/$part ]] || mount --bind "$R/proc/$part" "$R/proc/$part"
    [[ ! -e $R/proc/$part ]] || mount -o remount,ro,bind "$R/proc/$part"
done
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$R/sys"

mount -t tmpfs -o nosuid,mode=0755 tmpfs "$R/dev"
for device in null zero full random urandom tty; do
    : >"$R/dev/$device"
    mount --bind "/dev/$device" "$R/dev/$device"
done
mkdir "$R/dev/pts" "$R/dev/shm"
ln -s pts/ptmx "$R/dev/ptmx"
ln -s /proc/self/fd "$R/dev/fd"
ln -s fd/0 "$R/dev/stdin"
ln -s fd/1 "$R/dev/stdout"
ln -s fd/2 "$R/dev/stderr"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$R/dev/pts"
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$R/dev/shm"
mount -t tmpfs -o nosuid,nodev,mode=0755 tmpfs "$R/run"
mount -t tmpfs -o nosuid,nodev,mode=1777 tmpfs "$R/tmp"

if [[ -d $CGROUPS/$NAME ]]; then # cgroup v2 alone
    mount -t cgroup2 -o nosuid,nodev,noexec,nsdelegate cgroup2 "$R$CGROUPS"
else
    mount -t tmpfs -o nosuid,nodev,noexec,mode=0755 cgroup "$R$CGROUPS"
    for group in "$CGROUPS"/*/"$NAME"; do
        hierarchy=$(basename "$(dirname "$group")")
        case $hierarchy in
            unified) type=cgroup2 options=nsdelegate ;;
            systemd) type=cgroup options=none,name=systemd ;;
            *) type=cgroup options=$hierarchy ;;
        esac
        mkdir "$R$CGROUPS/$hierarchy"
        mount -t $type -o "nosuid,nodev,noexec,$options" cgroup "$R$CGROUPS/$hierarchy"
    done
    mount -o remount,ro,bind "$R$CGROUPS"
fi

# A quiet machine: of what this system has enabled nothing starts by itself. Once is enough, and once
# only: what was enabled in a machine on a lower layer shall start.
if [[ ! -e $R/etc/quiet-machine ]]; then
    : >"$R/etc/quiet-machine"
    units=$R/etc/systemd/system
    rm -rf "$units"/*.wants "$units/dbus-org.freedesktop.timesync1.service"
    for unit in systemd-timesyncd.service apt-daily.timer apt-daily-upgrade.timer getty.target; do
        ln -sf /dev/null "$units/$unit"
    done
    rm -rf "$R/etc/machine-id" "$R/var/log/journal"
    mkdir -p "$R/var/log/journal"
    : >"$R/etc/machine-id"
fi
rm -f "$R/etc/hostname"
echo "$NAME" >"$R/etc/hostname"
hostname "$NAME"

cd "$R"
mkdir .old
pivot_root . .old
cd /
umount -l .old
rmdir .old
# systemd leaves this to whoever starts it in a container; LoadCredential= needs it.
mount --make-rshared /
exec env -i container=other PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    TERM=dumb LANG=C.UTF-8 \
    setpriv --bounding-set -sys_module,-sys_time,-sys_rawio,-syslog,-mac_admin,-mac_override,-audit_control,-wake_alarm,-block_suspend \
    /lib/systemd/systemd --unit=multi-user.target --log-target=journal --show-status=false
