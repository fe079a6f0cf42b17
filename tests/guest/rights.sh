#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# rights.sh - the rights and the canonicality that `ptmm walk` states are what the
# CPU does. KVM_TRANSLATE knows neither, so a program in the guest tries every
# access and says on the console what worked (guest-images/testguest/user/probe.c).
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh
. tests/lib/sh/guest.sh

guest_bed_of_its_own "rights"

"$PTMM" run --name rights --append probe "$TESTGUEST" > "$work/console" 2>&1 < /dev/null &
for _ in $(seq 200); do
	grep -aq 'probes done' "$work/console" && break
	sleep 0.1
done

# What a walk says of an address: "rwx", or "---" where ring 3 may do nothing.
walked()
{
	if ! "$PTMM" walk rights --pid "$1" "$2" --format json > "$work/walk" 2> "$work/err"; then
		if grep -q 'not canonical' "$work/err"; then
			echo "---"
		else
			cat "$work/err"
		fi
		return
	fi
	jq -r '[.. | objects | select(has("gva"))][0]
		| if .result == "mapped" and .rights.user
		  then "r" + (if .rights.write then "w" else "-" end)
			   + (if .rights.execute then "x" else "-" end)
		  else "---" end' "$work/walk"
}

seen=
while read -r pid rights at; do
	tap_equal "rights at $at" "$rights" "$(walked "$pid" "$at")"
	seen="$seen $rights"
done < <(tr -d '\r' < "$work/console" |
	sed -nE 's/^\[([0-9]+)\] probe ([-rwx]{3}) at (0x[0-9a-f]+)$/\1 \2 \3/p')
for rights in --- r-- rw- r-x rwx; do
	tap_match "some address is $rights" "( |^)$rights( |\$)" "$seen"
done
"$PTMM" stop rights > /dev/null 2>&1
wait
tap_end
