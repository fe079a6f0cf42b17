#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# linux.sh - unmodified Linux guests: does the report say what the guest's own kernel says?
#
# Debian's cloud kernels, without debuginfo, under libvirt and QEMU's TCG, looked at while
# they run and by a memory dump; linux_compare.c holds both against what the workload in
# the guest read from /proc. check: Debian 12's kernel. check-all: Debian 11, 12, 13 and
# unstable, each with 4 and 5 levels, with and without KASLR and PTI, on 1 and 4 vCPUs.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-$PWD/build}
PTMM=${PTMM:-$BUILD/ptmm}
. tests/lib/sh/tap.sh
. tests/lib/sh/linux.sh
. tests/lib/sh/linux_plant.sh
. tests/lib/sh/linux_judge.sh
trap linux_teardown EXIT

linux_setup || {
	tap_skip "Linux guests" "$LINUX_WHY"
	tap_end
}

# The guests of one kernel; one boots while the one before it is looked at.
matrix()
{
	local kernel=$1 levels kaslr pti cpus count=0 before=() words
	for levels in 4 5; do
		# Debian 11's kernel is built without 5-level paging.
		[ "$kernel $levels" != "5.10 5" ] || continue
		for kaslr in on off; do for pti in off on; do for cpus in 1 4; do
			words=("m$count" "$kernel" "$levels" "$kaslr" "$pti" "$cpus" elf)
			count=$((count + 1))
			linux_begin "${words[0]}" "${words[@]:2:4}"
			[ ${#before[@]} -eq 0 ] || linux_end "${before[@]}"
			before=("${words[@]}")
		done; done; done
	done
	linux_end "${before[@]}"
}

# Processes that change all the time: what rests must add up, and nothing may look broken.
churn()
{
	local kernel=$1 label="Linux $1 with churn" report=$LINUX_DIR/report.json look wrong
	if ! linux_start c cpus=2 append=ptmm.churn || ! linux_wait_ready c; then
		tap_not_ok "$label: the guest gets ready" "$LINUX_WHY"
		return
	fi
	for look in 1 2 3 4 5; do
		timeout 120 "$PTMM" report "$(linux_target c)" --format json > "$report" 2> "$LINUX_DIR/err"
		tap_equal "$label, look $look: the report is made" 0 $?
		wrong=$(jq -r '.findings[] | select(.severity == "error").message' "$report" | head -n 2)
		tap_equal "$label, look $look: no finding is an error" "" "$wrong"
		wrong=$(jq -r '.owners[] | select(.kind == "user") |
			select(any(.tasks[]; .comm | startswith("w-"))) |
			select(.pgtables_bytes.recorded != .pgtables_bytes.counted) |
			.tasks[0].comm' "$report" | head -n 3)
		tap_equal "$label, look $look: what rests adds up" "" "$wrong"
	done
	linux_stop c
}

# Two nodes and RAM on both sides of the hole below 4 GiB.
nodes()
{
	linux_start n mem=4500 cpus=2 nodes=2 append=pti=off ||
		tap_not_ok "Linux $1, two nodes: the guest starts" "$LINUX_WHY"
	linux_end n "$1" 5 on off 2
}

kernels=6.1
[ "${PTMM_TIER:-check}" = check ] || kernels="5.10 6.1 6.12 7.x"
for kernel in ${LINUX_KERNELS:-$kernels}; do
	if ! linux_kernel "$kernel"; then
		tap_skip "Linux $kernel" "$LINUX_WHY"
	elif [ "${PTMM_TIER:-check}" = check ]; then
		linux_begin a 5 on off 2
		linux_begin b 4 on on 1
		linux_end a "$kernel" 5 on off 2 elf kdump-zlib
		linux_end b "$kernel" 4 on on 1 elf
		churn "$kernel"
	else
		matrix "$kernel"
		churn "$kernel"
		[ "$kernel" != 6.1 ] || nodes "$kernel"
	fi
done
linux_table
tap_end
