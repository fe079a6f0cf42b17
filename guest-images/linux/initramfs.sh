#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# initramfs.sh - makes the initramfs of the Linux guests: busybox, the workload, /init.
#
#   initramfs.sh FILE [MODULES-FOLDER]
#
# MODULES-FOLDER is the one that fetch.sh leaves beside a vmlinuz; without it the
# guest has no swap. FILE appears whole or not at all. 77: a tool is missing.
set -u
here=$(cd "${0%/*}" && pwd)
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
	sed -n 's/^#   init/usage: init/p' "$0" >&2
	exit 2
fi
file=$1 modules=${2-}

for tool in busybox cpio "${CC:-gcc}"; do
	command -v "$tool" > /dev/null || { echo "SKIP: no $tool" >&2; exit 77; }
done
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,dev,proc,sys,tmp,huge,modules}
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$here/init" "$root/init"
chmod 755 "$root/init"
"${CC:-gcc}" -std=gnu11 -O2 -Wall -Wextra -Werror -D_GNU_SOURCE -I "$here/../.." -static -pthread -s \
	-o "$root/bin/workload" "$here"/{workload,scenes,truth}.c || exit 1
[ -z "$modules" ] || cp "$modules"/* "$root/modules/"
(cd "$root" && find . | cpio --quiet -o -H newc) > "$work/cpio" || exit 1
mv "$work/cpio" "$file"
