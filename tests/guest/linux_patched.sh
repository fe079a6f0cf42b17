#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# linux_patched.sh - our patched Linux records the owner of every user table, at every level.
#
# Built by guest-images/linux/build.sh: the first time takes minutes, later it is in the
# cache. A stock kernel's share of tables that it could name the owner of stands beside.
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
	tap_skip "the patched Linux" "$LINUX_WHY"
	tap_end
}

# User tables: all, and those whose verdict is match.
shares()
{
	jq -r '[.owners[] | select(.kind == "user").mm] as $users |
		[.tables[] | select(.owner as $o | $users | index($o))] |
		"\(map(select(.verdict == "match")) | length) of \(length)"' "$1"
}

# The PTI user PGD is no table of its own; a shared table has one recorded owner of several.
every_table_matches()
{
	tap_equal "$1: every user table records its owner" "" "$(jq -r '
		[.owners[] | select(.kind == "user").mm] as $users |
		.tables[] | select(.owner as $o | $users | index($o)) |
		select(.verdict | IN("match", "shared", "deposited", "pti-user") | not) |
		"\(.level) \(.va) \(.verdict)"' "$2" | head -n 3)"
	patched=$(shares "$2")
}

stock_share()
{
	stock=$(shares "$2")
}

log=$LINUX_DIR/build.log
out=$(guest-images/linux/build.sh 2> "$log" < /dev/null)
case $? in
0) ;;
77) tap_skip "the patched Linux" "$(sed -n 's/^SKIP: //p' "$log" | tail -n 1)"; tap_end ;;
*) tail -n 20 "$log" | sed 's/^/# /'
   tap_not_ok "the patched Linux builds" "$(tail -n 1 "$log" | cut -c 1-160)"; tap_end ;;
esac
LINUX_VMLINUZ=$(sed -n 2p <<< "$out") LINUX_MODULES=
patched=- stock=-
linux_planted=yes
LINUX_ALSO=every_table_matches
linux_begin p 5 on on 2
linux_begin q 4 on off 1
linux_end p patched 5 on on 2 elf
linux_end q patched 4 on off 1 elf
if linux_kernel 6.1; then
	LINUX_ALSO=stock_share
	linux_begin s 5 on off 1
	linux_end s 6.1 5 on off 1
	echo "# user tables whose owner the kernel itself names: stock $stock, patched $patched"
else
	tap_skip "the stock kernel beside" "$LINUX_WHY"
fi
linux_table
tap_end
