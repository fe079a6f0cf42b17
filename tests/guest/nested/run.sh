#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# run.sh - runs one command on a real KVM that QEMU emulates.
#
#   run.sh [--timeout S] [--mem M] [--file HOSTPATH[:GUESTPATH]]... -- COMMAND ARGS...
#
# QEMU's TCG emulates AMD SVM with nested paging, so Debian's own kernel has a
# complete /dev/kvm there: LA57, 1 GiB pages, ring 0 at speed. The command sees
# the files given, busybox, /dev/kvm and XDG_RUNTIME_DIR; a program that is not
# static takes its libraries along. Prints the command's output and exits with
# its status; 77: it cannot be done on this machine (the reason is on stderr);
# 124: out of time; 125: the machine died before the command ended.
set -u
here=$(cd "${0%/*}" && pwd)
. "$here/kernel.sh"

usage()
{
	sed -n 's/^#   run/usage: run/p' "$0" >&2
	exit 2
}

skip()
{
	echo "SKIP: $1" >&2
	exit 77
}

# A word as the shell reads it back.
quote()
{
	printf "'%s' " "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")"
}

# Copies the shared libraries of a program to where it looks for them.
libraries()
{
	local lib
	for lib in $(ldd "$1" 2> /dev/null | grep -o '/[^ ]*' | grep -vF "$1:"); do
		[ -e "$root$lib" ] && continue
		mkdir -p "$root$(dirname "$lib")"
		cp -L "$lib" "$root$lib"
	done
}

timeout=120 mem=512 files=()
while [ $# -gt 0 ]; do
	case $1 in
	--timeout) timeout=${2-}; shift 2 || usage ;;
	--mem) mem=${2-}; shift 2 || usage ;;
	--file) files+=("${2-}"); shift 2 || usage ;;
	--) shift; break ;;
	*) usage ;;
	esac
done
[ $# -gt 0 ] || usage

for tool in qemu-system-x86_64 cpio busybox dpkg-deb objcopy; do
	command -v "$tool" > /dev/null || skip "no $tool"
done
nested_kernel || skip "$NESTED_WHY"

work=$(mktemp -d "${TMPDIR:-/tmp}/ptmm-nested.XXXXXX") || exit 125
qemu=
# shellcheck disable=SC2317
cleanup()
{
	[ -z "$qemu" ] || kill "$qemu" 2> /dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

root=$work/root
mkdir -p "$root/bin" "$root/dev" "$root/modules"
cp "$(command -v busybox)" "$root/bin/busybox"
cp "$NESTED_KERNEL"/modules/* "$NESTED_KERNEL/order" "$root/modules/"
cp "$here/init" "$root/init"
for file in ${files+"${files[@]}"}; do
	host=${file%%:*} guest=/$(basename "${file%%:*}")
	case $file in *:*) guest=${file#*:} ;; esac
	[ -e "$host" ] || { echo "run.sh: no such file: $host" >&2; exit 2; }
	mkdir -p "$root$(dirname "$guest")"
	cp -rL "$host" "$root$guest" || exit 125
	[ ! -f "$host" ] || libraries "$host"
done
for word in "$@"; do quote "$word"; done > "$root/command"
chmod 755 "$root/init"
(cd "$root" && find . | cpio --quiet -o -H newc) > "$work/initrd" || exit 125

: > "$work/console"
: > "$work/output"
timeout -k 5 "$timeout" \
	qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m "$mem" -nodefaults \
	-display none -no-reboot -kernel "$NESTED_KERNEL/vmlinuz" -initrd "$work/initrd" \
	-append "console=ttyS0 quiet panic=-1 mitigations=off" \
	-serial "file:$work/console" -serial "file:$work/output" \
	< /dev/null > "$work/qemu.log" 2>&1 &
qemu=$!
wait "$qemu"
ended=$?
qemu=

cat "$work/output"
status=$(tr -d '\r' < "$work/console" | sed -n 's/^ptmm-nested: status \([0-9]*\)$/\1/p' | tail -n 1)
if [ -z "$status" ]; then
	status=125
	[ "$ended" -eq 124 ] && status=124 && echo "run.sh: no end after $timeout s" >&2
	cat "$work/qemu.log" >&2
	tail -n 20 "$work/console" | tr -d '\r' >&2
fi
exit "$status"
