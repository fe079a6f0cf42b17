#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# bugs.sh - every bug that the guest can plant gives the verdicts and findings
# that the table in bugs.c states: here, and with 5 levels and PTI nested.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh
. tests/lib/sh/guest.sh
program=$BUILD/tests/guest/bugs

for bug in $("$program" --list); do
	guest_add "2 vCPUs" 2 "bug=$bug" "$program" "$bug"
done
guest_run_here
# A guest takes some twenty seconds there: for check each bug on one of the two in turn,
# every other bug; check-all has them all.
n=0
for bug in $("$program" --list); do
	n=$((n + 1))
	all=0
	[ "${PTMM_TIER:-check}" = check ] || all=1
	if [ $all = 1 ] || [ $((n % 4)) = 1 ]; then
		guest_add "5-level" 1 "levels=5 bug=$bug" "$program" "$bug"
	fi
	if [ $all = 1 ] || [ $((n % 4)) = 3 ]; then
		guest_add "5-level, pti on" 2 "levels=5 pti=on bug=$bug" "$program" "$bug"
	fi
done
guest_run_nested
tap_end
