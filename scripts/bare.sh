#!/bin/sh
# Runs `./dev COMMAND…` in a fresh clone of the last commit inside a bare Debian 12 (minbase, git
# and nothing else), to see that ./dev installs all that it needs. Needs root and debootstrap.
#
#   scripts/bare.sh test           a new system each time
#   scripts/bare.sh --again test   the system and the clone as the last run left them
#
# LATLAS_MIRROR names the Debian mirror; LATLAS_DATA, where set, is seen inside, read-only. Mounts
# live in a namespace of their own and vanish with the run. All of it stands in build/bare.
set -eu
cd "$(dirname "$0")/.."
mirror=${LATLAS_MIRROR:-http://deb.debian.org/debian}
place=$PWD/build/bare
again=""
if [ "${1:-}" = --again ]; then
  again=yes
  shift
fi
[ $# -gt 0 ] || { sed -n '2,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo "bare: needs root, for chroot" >&2; exit 2; }
command -v debootstrap >/dev/null || { echo "bare: needs debootstrap (apt-get install debootstrap)" >&2; exit 2; }

# One run at a time; the lock goes with the process.
mkdir -p "$place/archives/partial"
exec 9>"$place/lock"
flock -n 9 || { echo "bare: another run is under way in build/bare" >&2; exit 2; }

# The pristine system, made once.
if [ ! -f "$place/base/.complete" ]; then
  rm -rf "$place/base"
  debootstrap --variant=minbase --include=git --cache-dir="$place/archives" bookworm "$place/base" "$mirror" >&2
  cat > "$place/base/etc/apt/sources.list" <<END
deb $mirror bookworm main
deb $mirror bookworm-updates main
deb ${mirror%/debian}/debian-security bookworm-security main
END
  # The system is thrown away; waiting for the disk at every package would take most of the time.
  echo force-unsafe-io > "$place/base/etc/dpkg/dpkg.cfg.d/unsafe-io"
  touch "$place/base/.complete"
fi

if [ -z "$again" ] || [ ! -d "$place/root" ]; then
  rm -rf "$place/root"
  cp -a "$place/base" "$place/root"
  git clone -q --no-hardlinks "$PWD" "$place/root/root/latlas"
fi
cp /etc/resolv.conf "$place/root/etc/resolv.conf"

data=${LATLAS_DATA:-}
mkdir -p "$place/root/mnt/data"
export place data
# shellcheck disable=SC2016
exec unshare --mount --propagation private sh -euc '
  mount -t proc proc "$place/root/proc"
  mount --bind /dev "$place/root/dev"
  mount --bind "$place/archives" "$place/root/var/cache/apt/archives"
  if [ -n "$data" ]; then
    mount --bind "$data" "$place/root/mnt/data"
    mount -o remount,bind,ro "$place/root/mnt/data"
    LATLAS_DATA=/mnt/data
    export LATLAS_DATA
  fi
  exec chroot "$place/root" /usr/bin/env -u LD_LIBRARY_PATH -u LD_PRELOAD HOME=/root \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c "cd /root/latlas && exec ./dev \"\$@\"" dev "$@"
' bare "$@"
