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
. tests/lib/sh/tap.sh
. tests/lib/sh/linux.sh
. tests/lib/sh/linux_plant.sh
BUILD=${BUILD:-$PWD/build}
PTMM=${PTMM:-$BUILD/ptmm}
compare=$BUILD/tests/guest/linux_compare
trap linux_teardown EXIT

linux_setup || {
	tap_skip "Linux guests" "$LINUX_WHY"
	tap_end
}
work=$LINUX_DIR
moved=0 planted=no rows=()

# field REPORT FILTER: of the report just made.
field()
{
	jq -r "$2" "$1" 2> /dev/null
}

# judge LABEL TARGET TRUTH LEVELS KASLR PTI CPUS: says what came out; sets `result`.
judge()
{
	local label=$1 target=$2 truth=$3 levels=$4 kaslr=$5 pti=$6 cpus=$7 out status
	local report=$work/report.json wanted found failed=$tap_failed
	result=FAIL
	if ! timeout 120 "$PTMM" report "$target" --format json > "$report" 2> "$work/err"; then
		tap_not_ok "$label: the report is made" "$(tail -n 1 "$work/err" | cut -c 1-160)"
		return
	fi
	wanted="$levels $([ "$pti" = on ] && echo true || echo false) $cpus"
	found=$(field "$report" '"\(.kernel.paging_levels) \(.kernel.pti) \(.target.vcpus)"')
	tap_equal "$label: levels, PTI and vCPUs" "$wanted" "$found"
	found=$(field "$report" .kernel.kaslr_offset)
	[ "$found" = 0x0 ] || moved=$((moved + 1))
	[ "$kaslr" = on ] || tap_equal "$label: no KASLR, no offset" 0x0 "$found"
	tap_equal "$label: no finding is an error" "" \
		"$(field "$report" '.findings[] | select(.severity == "error").message' | head -n 3)"
	out=$(TAP_PREFIX="$label:" timeout 120 "$compare" "$target" "$truth" "$report" 2>&1)
	status=$?
	printf '%s\n' "$out"
	tap_failed=$((tap_failed + $(grep -c '^not ok ' <<< "$out")))
	# It says itself what failed; 1 is that.
	[ "$status" -le 1 ] || tap_not_ok "$label: the comparison ends" "status $status"
	[ "$tap_failed" -gt "$failed" ] || result=ok
	tables=$(field "$report" .summary.tables)
}

# begin NAME LEVELS KASLR PTI CPUS: starts a guest of the kernel that is set.
begin()
{
	local append="pti=$4"
	[ "$2" = 5 ] || append="$append no5lvl"
	[ "$3" = on ] || append="$append nokaslr"
	linux_start "$1" "cpus=$5" "append=$append"
}

# end NAME KERNEL LEVELS KASLR PTI CPUS [FORMAT]...: the same guest, live and by its dumps.
end()
{
	local name=$1 kernel=$2 label row format result=- tables=-
	shift 2
	label="Linux $kernel, $1-level, KASLR $2, PTI $3, $4 vCPU"
	printf -v row '%-6s %6s %6s %4s %6s' "$kernel" "$1" "$2" "$3" "$4"
	if ! linux_wait_ready "$name"; then
		tap_not_ok "$label: the guest gets ready" "$LINUX_WHY"
		rows+=("$row    did not start")
		linux_stop "$name"
		return
	fi
	judge "$label, live" "$(linux_target "$name")" "$(linux_truth "$name")" "${@:1:4}"
	row="$row   $(printf '%7s %5s' "$tables" "$result")"
	for format in "${@:5}"; do
		if linux_dump "$name" "$work/dump" "$format"; then
			judge "$label, $format dump" "core:$work/dump" "$(linux_truth "$name")" "${@:1:4}"
			if [ "$planted" = no ] && [ "$result" = ok ]; then
				planted=yes
				linux_plant "$compare" "$work/dump" "$(linux_truth "$name")" \
					"$work/report.json"
			fi
			rm -f "$work/dump"
		else
			tap_not_ok "$label: a dump is made" "$LINUX_WHY"
			result=FAIL
		fi
		row="$row $(printf '%5s' "$result")"
	done
	rows+=("$row")
	linux_stop "$name"
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
			begin "${words[0]}" "${words[@]:2:4}" ||
				tap_not_ok "Linux $kernel: a guest starts" "$LINUX_WHY"
			[ ${#before[@]} -eq 0 ] || end "${before[@]}"
			before=("${words[@]}")
		done; done; done
	done
	end "${before[@]}"
}

kernels=6.1
[ "${PTMM_TIER:-check}" = check ] || kernels="5.10 6.1 6.12 7.x"
for kernel in ${LINUX_KERNELS:-$kernels}; do
	if ! linux_kernel "$kernel"; then
		tap_skip "Linux $kernel" "$LINUX_WHY"
	elif [ "${PTMM_TIER:-check}" = check ]; then
		begin a 5 on off 2 || tap_not_ok "Linux $kernel: a guest starts" "$LINUX_WHY"
		begin b 4 on on 1 || tap_not_ok "Linux $kernel: a guest starts" "$LINUX_WHY"
		end a "$kernel" 5 on off 2 elf kdump-zlib
		end b "$kernel" 4 on on 1 elf
	else
		matrix "$kernel"
	fi
done

if [ ${#rows[@]} -gt 0 ]; then
	tap_equal "KASLR moves kernels, and is seen" yes "$([ "$moved" -gt 0 ] && echo yes)"
	echo "# kernel levels  KASLR  PTI  vCPUs   tables  live  dump"
	printf '# %s\n' "${rows[@]}"
fi
tap_end
