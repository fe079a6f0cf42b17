#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# nested.sh - the second test bed itself: does it carry output, files and exit
# status, and is the KVM in it what the other tests count on?
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh
nested=tests/guest/nested/run.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

caps=$work/kvmcaps
${CC:-gcc} -std=gnu11 -O2 -o "$caps" tests/guest/nested/kvmcaps.c || {
	tap_not_ok "kvmcaps compiles"
	tap_end
}
echo "it's a file" > "$work/file"

out=$("$nested" --timeout 90 --file "$caps:/bin/kvmcaps" --file "$work/file:/etc/f" -- \
	sh -c 'kvmcaps && cat /etc/f && exit "$1"' sh 7 2> "$work/err" < /dev/null)
status=$?
if [ "$status" -eq 77 ]; then
	tap_skip "nested KVM" "$(sed -n 's/^SKIP: //p' "$work/err")"
	tap_end
fi
tap_equal "the exit status comes out" 7 "$status"
tap_match "a file goes in, words are quoted" "^it's a file\$" "$out"
tap_match "a guest runs on the nested KVM" '^guest_runs yes$' "$out"
tap_match "the nested KVM has 5-level paging" '^la57 yes$' "$out"
tap_match "the nested KVM has 1 GiB pages" '^pages1g yes$' "$out"
tap_match "the nested KVM has 32 machine-check banks" '^mce_banks 32$' "$out"

"$nested" --timeout 1 -- true > /dev/null 2>&1 < /dev/null
tap_equal "out of time is 124" 124 $?
PATH=$work/none /bin/bash "$nested" -- true > /dev/null 2>&1 < /dev/null
tap_equal "no QEMU is a skip" 77 $?

if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
	tap_match "a guest runs on this machine's KVM" '^guest_runs yes$' "$("$caps" 2>&1)"
else
	tap_skip "a guest runs on this machine's KVM" "no access to /dev/kvm"
fi
tap_end
