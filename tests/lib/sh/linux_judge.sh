# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# linux_judge.sh - a Linux guest, looked at live and by its dumps; after linux.sh.
#
#	linux_begin NAME LEVELS KASLR PTI CPUS		starts a guest of the kernel that is set
#	linux_end NAME KERNEL LEVELS KASLR PTI CPUS [FORMAT]...
#		when it is ready: one report live and one of a dump in each FORMAT, each held
#		against the guest's own word by linux_compare.c; then the guest is stopped.
#		LINUX_ALSO, a function's name, is called as FUNCTION LABEL REPORT for each.
#	linux_table		what came out, a line a guest
#
# LEVELS is 4 or 5; KASLR and PTI are on or off.

LINUX_ALSO=
linux_moved=0 linux_planted=no linux_rows=()
linux_compare=${BUILD:-$PWD/build}/tests/guest/linux_compare

# linux_look LABEL TARGET TRUTH LEVELS KASLR PTI CPUS: sets `result` and `tables`.
linux_look()
{
	local label=$1 target=$2 truth=$3 levels=$4 kaslr=$5 pti=$6 cpus=$7 out status
	local report=$LINUX_DIR/report.json wanted found failed=$tap_failed
	result=FAIL
	if ! timeout 120 "$PTMM" report "$target" --format json > "$report" 2> "$LINUX_DIR/err"; then
		if grep -q 'without libkdumpfile' "$LINUX_DIR/err"; then
			tap_skip "$label" "ptmm was built without libkdumpfile"
			result=-
			return
		fi
		tap_not_ok "$label: the report is made" "$(tail -n 1 "$LINUX_DIR/err" | cut -c 1-200)"
		return
	fi
	wanted="$levels $([ "$pti" = on ] && echo true || echo false) $cpus"
	found=$(jq -r '"\(.kernel.paging_levels) \(.kernel.pti) \(.target.vcpus)"' "$report")
	tap_equal "$label: levels, PTI and vCPUs" "$wanted" "$found"
	found=$(jq -r .kernel.kaslr_offset "$report")
	[ "$found" = 0x0 ] || linux_moved=$((linux_moved + 1))
	[ "$kaslr" = on ] || tap_equal "$label: no KASLR, no offset" 0x0 "$found"
	tap_equal "$label: no finding is an error" "" \
		"$(jq -r '.findings[] | select(.severity == "error").message' "$report" | head -n 3)"
	out=$(TAP_PREFIX="$label:" timeout 120 "$linux_compare" "$target" "$truth" "$report" 2>&1)
	status=$?
	printf '%s\n' "$out"
	tap_failed=$((tap_failed + $(grep -c '^not ok ' <<< "$out")))
	# It says itself what failed; 1 is that.
	[ "$status" -le 1 ] || tap_not_ok "$label: the comparison ends" "status $status"
	[ -z "$LINUX_ALSO" ] || "$LINUX_ALSO" "$label" "$report"
	[ "$tap_failed" -gt "$failed" ] || result=ok
	tables=$(jq -r .summary.tables "$report")
}

linux_begin()
{
	local append="pti=$4"
	[ "$2" = 5 ] || append="$append no5lvl"
	[ "$3" = on ] || append="$append nokaslr"
	linux_start "$1" "cpus=$5" "append=$append" ||
		tap_not_ok "Linux guest $1 starts" "$LINUX_WHY"
}

# linux_live NAME LABEL LEVELS...: as linux_look; and the guest is left as it was found.
linux_live()
{
	local name=$1 label=$2
	linux_look "$label" "$(linux_target "$name")" "$(linux_truth "$name")" "${@:3}"
	tap_equal "$label: the guest still runs" running "$(linux_virsh domstate "$name" 2>&1)"
}

# The first dump that all is well with serves to see that the comparison can fail.
linux_by_dump()
{
	local name=$1 label=$2 dump=$LINUX_DIR/dump truth
	truth=$(linux_truth "$name")
	if ! linux_dump "$name" "$dump" "$format"; then
		tap_not_ok "$label: a dump is made" "$LINUX_WHY"
		result=FAIL
		return
	fi
	linux_look "$label" "core:$dump" "$truth" "${@:3}"
	if [ "$linux_planted" = no ] && [ "$result" = ok ]; then
		linux_planted=yes
		linux_plant "$linux_compare" "$dump" "$truth" "$LINUX_DIR/report.json"
	fi
	rm -f "$dump"
}

linux_end()
{
	local name=$1 kernel=$2 label row format result=- tables=-
	shift 2
	label="Linux $kernel, $1-level, KASLR $2, PTI $3, $4 vCPU"
	printf -v row '%-8s %6s %6s %4s %6s' "$kernel" "$1" "$2" "$3" "$4"
	if linux_wait_ready "$name"; then
		linux_live "$name" "$label, live" "${@:1:4}"
		row="$row  $(printf '%7s %5s' "$tables" "$result")"
		for format in "${@:5}"; do
			linux_by_dump "$name" "$label, $format dump" "${@:1:4}"
			row="$row $(printf '%5s' "$result")"
		done
	else
		tap_not_ok "$label: the guest gets ready" "$LINUX_WHY"
		row="$row  did not start"
	fi
	linux_rows+=("$row")
	linux_stop "$name"
}

linux_table()
{
	[ ${#linux_rows[@]} -gt 0 ] || return 0
	tap_equal "KASLR moves kernels, and is seen" yes "$([ "$linux_moved" -gt 0 ] && echo yes)"
	echo "#| kernel   levels  KASLR  PTI  vCPUs  tables  live  dump"
	printf '#| %s\n' "${linux_rows[@]}"
}
