#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# tour.sh - every command of the README's tour does what the README says.
#
# The commands are the lines "$ COMMAND" of the fenced blocks under the heading
# that has "tour" in it. They run in order, in one shell, with ptmm in the PATH;
# "exit N" in a comment behind a command says that status N is right.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh
. tests/lib/sh/guest.sh

guest_bed_of_its_own "the tour"

# A block is fenced, or indented by four blanks.
mapfile -t commands < <(awk '
	/^#/ && !fence { tour = tolower($0) ~ /tour/ }
	/^```/ { fence = !fence }
	tour && (fence || /^    /) { sub(/^    /, ""); if (/^\$ /) print substr($0, 3) }' README.md)
tap_match "the README has a tour" '^([5-9]|[0-9]{2,})$' "${#commands[@]}"

PATH=$BUILD:$PATH
for command in ${commands+"${commands[@]}"}; do
	expected=$(sed -n 's/.*#.*exit \([0-9]*\).*/\1/p' <<< "$command")
	(cd "$work" && eval "$command") > "$work/out" 2>&1 < /dev/null
	status=$?
	if [ "$status" -eq "${expected:-0}" ]; then
		tap_ok "$command"
	else
		sed 's/^/# /' "$work/out" | head -n 20
		tap_not_ok "$command" "status $status: $(tail -n 1 "$work/out" | cut -c 1-120)"
	fi
done
tap_end
