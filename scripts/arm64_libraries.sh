#!/bin/sh
# The ARM64 libraries of the numerical rooms, unpacked into build/arm64-libraries: Debian's own
# packages, but beside this machine's system, not in it, where a second architecture would have to
# be enabled and packages of both kept in step.
set -eu
cd "$(dirname "$0")/.."
packages="libhwy-dev libhwy1 libssl-dev libssl3 zlib1g-dev zlib1g"
place=$PWD/build/arm64-libraries
[ ! -f "$place/.complete" ] || exit 0

rm -rf "$place"
mkdir -p "$place/lists/partial" "$place/packages"
apt() {
  apt-get -qq -o APT::Architectures::=arm64 -o Dir::State::Lists="$place/lists" -o Dir::Cache::pkgcache= \
    -o Dir::Cache::srcpkgcache= -o APT::Sandbox::User=root -o Debug::NoLocking=true "$@"
}
apt update
# shellcheck disable=SC2086
(cd "$place/packages" && apt download $(for p in $packages; do echo "$p:arm64"; done))
for package in "$place"/packages/*.deb; do dpkg -x "$package" "$place"; done
rm -rf "$place/lists" "$place/packages"
touch "$place/.complete"
