#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# linux.sh - timings on a Linux guest of 2 GiB with 100 processes, as JSON lines; run.sh runs it.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
ptmm=$BUILD/ptmm
. tests/lib/sh/linux.sh
trap linux_teardown EXIT

left_out()
{
	echo "bench: $LINUX_WHY: Linux figures left out" >&2
	exit 0
}

# row NAME VALUE UNIT AIM
row()
{
	printf '{"name":"%s","value":%s,"unit":"%s","aim":%s}\n' "$@"
}

# seconds COMMAND...: the median of seven runs.
seconds()
{
	local t0 t1
	for _ in 1 2 3 4 5 6 7; do
		t0=$(date +%s%N)
		"$@" > /dev/null || return 1
		t1=$(date +%s%N)
		echo $((t1 - t0))
	done | sort -n | awk 'NR == 4 { printf "%.3f", $1 / 1e9 }'
}

# The guest's own pause, as the report says it: the median of seven, in milliseconds.
pause()
{
	for _ in 1 2 3 4 5 6 7; do
		"$ptmm" report "$1" --format json | jq .target.consistency.pause_seconds || return 1
	done | sort -n | awk 'NR == 4 { printf "%.3f", $1 * 1000 }'
}

linux_setup || left_out
linux_kernel 6.1 || left_out
linux_start bench mem=2048 cpus=2 append=ptmm.procs=78 || left_out
linux_wait_ready bench || left_out
target=$(linux_target bench)
row "report of a 2 GiB Linux guest, 100 processes, live" "$(seconds "$ptmm" report "$target")" s 0.3
row "pause of that guest" "$(pause "$target")" ms 20
linux_dump bench "$LINUX_DIR/dump" || left_out
linux_stop bench
row "report of the same from its dump, in the page cache" \
	"$(seconds "$ptmm" report "core:$LINUX_DIR/dump")" s 0.5
