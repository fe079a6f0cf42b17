#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# core_cut.sh - dumps that QEMU itself wrote, cut at every megabyte: each gives an
# answer or one clear line, none crashes. check: a guest in its firmware, as an ELF core
# and kdump-compressed. check-all: a Linux guest too.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-$PWD/build}
PTMM=${PTMM:-$BUILD/ptmm}
. tests/lib/sh/tap.sh
. tests/lib/sh/linux.sh

command -v qemu-system-x86_64 > /dev/null || {
	tap_skip "cut dumps" "no qemu-system-x86_64"
	tap_end
}
work=$(mktemp -d) || exit 1
trap 'linux_teardown; rm -rf "$work"' EXIT

# look STATUSES COMMAND...: an answer, or one line on stderr and nothing on stdout.
look()
{
	local statuses=$1 status
	shift
	timeout 60 "$PTMM" "$@" > "$work/out" 2> "$work/err" < /dev/null
	status=$?
	case " $statuses " in
	*" $status "*) ;;
	*) wrong="ptmm $*: status $status: $(head -n 1 "$work/err")"; return ;;
	esac
	if [ "$status" -eq 0 ]; then
		answers=$((answers + 1))
		[ -s "$work/out" ] || wrong="ptmm $*: no answer"
		return
	fi
	refusals=$((refusals + 1))
	[ "$(wc -l < "$work/err")" -eq 1 ] && [ ! -s "$work/out" ] ||
		wrong="ptmm $*: not one line: $(head -n 2 "$work/err" | tr '\n' '|')"
}

# cut_all NAME FILE CR3: from the end, so that one copy does. Sets answers, refusals.
cut_all()
{
	local name=$1 file=$2 cr3=$3 megabytes
	answers=0 refusals=0 wrong=
	megabytes=$(($(stat -c %s "$file") >> 20))
	look "0 3" report "core:$file"
	while [ "$megabytes" -ge 0 ] && [ -z "$wrong" ]; do
		truncate -s "${megabytes}M" "$file"
		look "0 3" report "core:$file"
		# A CR3 is asked for that a cut-off dump still has among its RAM, or not.
		look "0 2 3" walk "core:$file" --cr3 "$cr3" 0x0 0xffffffff81000000
		[ -z "$wrong" ] || wrong="cut at $megabytes MiB: $wrong"
		megabytes=$((megabytes - 1))
	done
	tap_equal "$name: each cut gives an answer or one line" "" "$wrong"
}

# A guest without a disk stays in its firmware.
{
	sleep 3
	echo "dump-guest-memory $work/firmware.elf"
	sleep 1
	echo "dump-guest-memory -z $work/firmware.kdump"
	sleep 1
	echo quit
} | timeout 60 nice -n 10 qemu-system-x86_64 -accel tcg -m 32 -smp 2 -nodefaults -display none \
	-serial none -monitor stdio > "$work/qemu.log" 2>&1
if [ ! -s "$work/firmware.elf" ] || [ ! -s "$work/firmware.kdump" ]; then
	tap_not_ok "QEMU dumps a guest" "$(tail -n 1 "$work/qemu.log")"
	tap_end
fi
chmod 600 "$work"/firmware.*
"$PTMM" report "$work/firmware.elf" > "$work/out" 2> "$work/err"
tap_equal "a guest in its firmware has no report" 3 $?
tap_match "a guest in its firmware: why" 'no vCPU runs a Linux kernel' "$(cat "$work/err")"
for format in elf kdump; do
	out=$("$PTMM" walk "$work/firmware.$format" --cr3 0x1000 0x0 2>&1)
	case $out in
	*"built without libkdumpfile"*)
		tap_skip "a kdump-compressed guest" "built without libkdumpfile"
		continue ;;
	esac
	tap_match "$format: a guest without a kernel is walked by CR3" 'not mapped' "$out"
	cut_all "firmware.$format" "$work/firmware.$format" 0x1000
	tap_match "$format: some cuts are refused" '^[1-9]' "$refusals"
	[ "$format" = kdump ] || tap_match "$format: most cuts can be walked" '^[2-9][0-9]' "$answers"
done

if [ "${PTMM_TIER:-check}" = check-all ]; then
	if linux_setup && linux_kernel 6.1 && linux_start c mem=256 && linux_wait_ready c &&
		linux_dump c "$work/linux.elf"; then
		linux_stop c
		cp --sparse=always "$work/linux.elf" "$work/copy" && chmod 600 "$work/copy"
		cr3=$("$PTMM" report "core:$work/copy" --format json | jq -r '.vcpus[0].cr3')
		tap_match "the Linux dump has a report" '^0x' "$cr3"
		cut_all "linux" "$work/copy" "$cr3"
		tap_match "linux: some cuts can be walked" '^[1-9]' "$answers"
	elif [ "${LINUX_WHY:-}" ]; then
		tap_skip "cut dumps of Linux" "$LINUX_WHY"
	else
		tap_not_ok "a Linux guest is dumped" "no reason given"
	fi
fi
tap_end
