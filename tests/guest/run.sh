#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# run.sh - ptmm run, list and stop: every way that a guest ends has its status,
# names are guests' own, nothing is left behind.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh
. tests/lib/sh/guest.sh

guest_bed_of_its_own "run, list, stop"

for way in POWEROFF PANIC TRIPLE HALT SPIN HELLO; do
	${CC:-gcc} -nostdlib -static -Wl,-Ttext=0x200000,-Tdata=0x201000,--build-id=none \
		-DWAY=$way -o "$work/$way" tests/guest/tiny.S || tap_not_ok "$way is built"
done

# ends NAME IMAGE STATUS PATTERN: what the guest ends with, and what is said of it.
ends()
{
	timeout 20 "$PTMM" run --name "$2" "$work/$2" > "$work/out" 2> "$work/err" < /dev/null
	tap_equal "$1: status" "$3" $?
	tap_match "$1: said" "$4" "$(cat "$work/err")"
	tap_equal "$1: in one line" 1 "$(wc -l < "$work/err")"
}
ends "power off" POWEROFF 0 'powered off'
ends "panic" PANIC 13 'panic'
ends "triple fault" TRIPLE 10 'triple fault.*rip 0x20.*cr2 0x.*cr3 0x'
ends "halted with nothing pending" HALT 12 'halted.*rip 0x20'
timeout 20 "$PTMM" run "$work/HELLO" > "$work/out" 2> /dev/null < /dev/null
tap_equal "the serial console is stdout" "hello from ring 0" "$(tr -d '\r' < "$work/out")"

# signalled SIGNAL: a guest in the foreground ends cleanly.
signalled()
{
	local pid status
	"$PTMM" run --name signal "$work/SPIN" > /dev/null 2>&1 < /dev/null &
	pid=$!
	for _ in $(seq 50); do
		"$PTMM" list 2> /dev/null | grep -q signal && break
		sleep 0.1
	done
	kill -"$1" "$pid"
	wait "$pid"
	status=$?
	tap_equal "SIG$1 ends the guest: status" 14 "$status"
	tap_equal "SIG$1 ends the guest: nothing is left" "" "$(left)"
}

# Sockets and locks that are left; logs may stay.
left()
{
	find "$XDG_RUNTIME_DIR" -mindepth 1 ! -type d ! -name '*.log' -printf '%P '
}
# A shell starts background jobs with SIGINT ignored; a terminal's Ctrl-C finds it not so.
signalled TERM
set -m
signalled INT
set +m

"$PTMM" run --name one --detach "$work/SPIN" > "$work/out" 2>&1 < /dev/null
tap_equal "--detach returns at READY" 0 $?
tap_match "list shows it" '(^|[^[:alnum:]])one([^[:alnum:]]|$)' "$("$PTMM" list 2>&1)"
socket=$(find "$XDG_RUNTIME_DIR" -type s | head -n 1)
tap_equal "the socket is the user's alone" 600 "$(stat -c %a "$socket")"
"$PTMM" run --name one "$work/SPIN" > /dev/null 2> "$work/err" < /dev/null
tap_equal "a second guest of the name: status" 2 $?
tap_match "a second guest of the name: said" 'one.*(runs|exists|in use|taken|already)' "$(cat "$work/err")"
"$PTMM" stop one > "$work/out" 2>&1 < /dev/null
tap_equal "stop" 0 $?
tap_equal "stop leaves nothing" "" "$(left)"
"$PTMM" stop one > /dev/null 2> "$work/err" < /dev/null
tap_equal "stop of no guest: status" 3 $?
tap_match "stop of no guest: said" 'one' "$(cat "$work/err")"

timeout 20 "$PTMM" run --name early --detach "$work/TRIPLE" > /dev/null 2> "$work/err" < /dev/null
tap_equal "--detach of a guest that dies first: its status" 10 $?
tap_match "--detach of a guest that dies first: said" 'triple fault' "$(cat "$work/err")"

"$PTMM" run --name stale "$work/SPIN" > /dev/null 2>&1 < /dev/null &
vmm=$!
for _ in $(seq 50); do
	"$PTMM" list 2> /dev/null | grep -q stale && break
	sleep 0.1
done
kill -KILL $vmm
wait $vmm 2> /dev/null
tap_equal "a killed VMM is not listed" "" "$("$PTMM" list 2> /dev/null | grep stale)"
tap_equal "its socket is removed" "" "$(left)"
"$PTMM" run --name stale --detach "$work/SPIN" > /dev/null 2>&1 < /dev/null
tap_equal "its name is free again" 0 $?
"$PTMM" stop stale > /dev/null 2>&1

# Inspection from outside does not end with the guest hanging.
"$PTMM" run --name held --cpus 2 --detach > /dev/null 2> "$work/err" < /dev/null
tap_equal "the test guest starts" 0 $?
timeout 20 "$PTMM" report held > /dev/null 2>&1 &
reader=$!
kill -KILL $reader 2> /dev/null
wait $reader 2> /dev/null
timeout 20 "$PTMM" report held > "$work/out" 2> "$work/err"
tap_equal "a reader killed in its pause stops nobody" 0 $?
"$PTMM" stop --all > /dev/null 2>&1
tap_equal "stop --all stops all" "" "$("$PTMM" list 2> /dev/null | grep held)"
tap_end
