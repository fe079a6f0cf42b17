#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# install-deps.sh - the Debian packages that ptmm needs.
#
#   tests/install-deps.sh [SET]...     build (default); check: to test; linux: a guest kernel
#
# Quiet and quick where nothing is missing. Installs what is missing as root or
# by passwordless sudo; else prints the one line to run and exits 1. Where there
# is no dpkg (another distribution) it leaves the judgement to the Makefile.
set -u

build="gcc make pkg-config libjson-c-dev libelf-dev libvirt-dev libbpf-dev libcmocka-dev
	zlib1g-dev libkdumpfile-dev dwarves binutils"
check="qemu-system-x86 busybox-static cpio clang python3 jq libvirt-daemon libvirt-clients xz-utils"
linux="gcc make flex bison bc libelf-dev libssl-dev dwarves xz-utils lz4 cpio perl patch
	util-linux"

wanted=
for set in "${@:-build}"; do
	case $set in
	build) wanted="$wanted $build" ;;
	check) wanted="$wanted $check" ;;
	linux) wanted="$wanted $linux" ;;
	*) sed -n 's/^#   tests/usage: tests/p' "$0" >&2; exit 2 ;;
	esac
done

command -v dpkg-query > /dev/null || exit 0

# shellcheck disable=SC2086
have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $wanted 2> /dev/null |
	sed -n 's/ installed$//p')
missing=
for package in $wanted; do
	grep -qxF "$package" <<< "$have" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -eq 0 ]; then
	sudo=
elif sudo -n true 2> /dev/null; then
	sudo="sudo -n"
else
	echo "ptmm: packages are missing; run: sudo apt-get install$missing" >&2
	exit 1
fi

echo "ptmm: installing$missing" >&2
log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086
install()
{
	DEBIAN_FRONTEND=noninteractive $sudo apt-get -qq -y -o Dpkg::Use-Pty=0 \
		--no-install-recommends install $missing > "$log" 2>&1 < /dev/null
}
# The lists may be absent or old: fetch them only if it does not go without.
install || { $sudo apt-get -qq update > "$log" 2>&1 && install; } || {
	tail -n 5 "$log" >&2
	echo "ptmm: could not install$missing" >&2
	exit 1
}
