#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# linux_libvirt.sh - domains of libvirt: each way to read their memory gives the same, a
# pause is short and never outlives ptmm, and what cannot be read is refused in one line.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh
. tests/lib/sh/linux.sh
BUILD=${BUILD:-$PWD/build}
PTMM=${PTMM:-$BUILD/ptmm}
hold=$BUILD/tests/guest/linux_hold
trap linux_teardown EXIT

linux_setup && linux_kernel 6.1 || {
	tap_skip "libvirt domains" "$LINUX_WHY"
	tap_end
}
work=$LINUX_DIR
export XDG_RUNTIME_DIR=$work/ptmm
mkdir -m 700 "$XDG_RUNTIME_DIR"
export LIBVIRT_DEFAULT_URI=$LINUX_URI

state()
{
	linux_virsh domstate "$1" 2>&1 | head -n 1
}

# report NAME FILE [COMMAND...]: a report by ptmm, or by ptmm inside of a command.
report()
{
	local name=$1 file=$2
	shift 2
	timeout 120 "$@" "$PTMM" report "libvirt:$name" --format json -o "$file" \
		< /dev/null 2> "$work/err"
}

# Two nodes, of which one reaches over the hole below 4 GiB; and one that shares nothing.
linux_start shared mem=5120 nodes=2 cpus=2 && linux_start private mem=256 ||
	tap_not_ok "the guests start" "$LINUX_WHY"
linux_virsh destroy private
sed -i '/<memoryBacking>/d' "$work/guests/private/domain.xml"
linux_virsh create "$work/guests/private/domain.xml" > /dev/null
for name in shared private; do
	linux_wait_ready "$name" || {
		tap_not_ok "the guest $name gets ready" "$LINUX_WHY"
		tap_end
	}
done

# What there is, by every name that it has.
tap_match "the list has the domains" '^shared +[0-9]+ running +5120 MiB +2$' \
	"$("$PTMM" list --libvirt)"
tap_equal "the list as JSON" '["private","running",1]' "$("$PTMM" list --connect "$LINUX_URI" \
	--format json | jq -c '.domains[] | select(.name == "private") | [.name, .state, .cpus]')"
for name in shared "$(linux_virsh domuuid shared)" "$(linux_virsh domid shared)" \
	"shared?connect=$LINUX_URI"; do
	tap_match "by ${name%%\?*}" 'Linux|6\.1\.' "$("$PTMM" report "libvirt:$name" 2>&1)"
done

# Each way to read memory says the same of a guest at rest.
outside=
unshare -p -f --mount-proc true 2> /dev/null && outside="unshare -p -f --mount-proc"
# same NAME WAY: the guest's report so far, and by the monitor alone.
same()
{
	local name=$1 way=$2
	linux_virsh suspend "$name"
	report "$name" "$work/$name.json"
	tap_equal "$name: read is $way" "$way" "$(jq -r .target.access "$work/$name.json")"
	if [ "$way" = mapped ]; then
		tap_equal "$name: nothing to say about it" "" "$(cat "$work/err")"
	else
		tap_match "$name: how to have it faster" "copied.*memfd.*shared" "$(cat "$work/err")"
	fi
	tap_equal "$name: CR3 is QEMU's" \
		"$(linux_hmp "$name" "info registers -a" | tr -d '\r' |
			sed -n 's/.*CR3=0*\([0-9a-f]*\) .*/0x\1/p' | tr '\n' ' ')" \
		"$(jq -r '.vcpus[].cr3' "$work/$name.json" | tr '\n' ' ')"
	if [ -z "$outside" ]; then
		tap_skip "$name: the monitor gives the same" "this user cannot hide processes"
	else
		# shellcheck disable=SC2086
		report "$name" "$work/monitor.json" $outside
		tap_equal "$name: the monitor is the last resort" monitor \
			"$(jq -r .target.access "$work/monitor.json")"
		tap_match "$name: which is slow" "slowly.*not to be seen" "$(cat "$work/err")"
		tap_equal "$name: the monitor gives the same" \
			"$(jq -c '[.tables, .owners, .vcpus]' "$work/$name.json" | md5sum)" \
			"$(jq -c '[.tables, .owners, .vcpus]' "$work/monitor.json" | md5sum)"
	fi
	tap_equal "$name: paused before, paused after" paused "$(state "$name")"
	linux_virsh resume "$name"
}
same shared mapped
if [ "$(id -u)" -eq 0 ]; then
	same private process
else
	tap_skip "private: QEMU's memory is copied" "not root"
fi
tap_equal "memory is all there" $((5120 << 20)) "$(jq .target.memory_bytes "$work/shared.json")"

# QEMU's own clock tells how long the guest stood still.
timeout 60 virsh -c "$LINUX_URI" qemu-monitor-event --loop --domain shared \
	> "$work/events" 2>&1 < /dev/null &
events=$!
sleep 1
count()
{
	sleep 0.5
	grep -c "event $1" "$work/events"
}
stops=$(count STOP)
"$PTMM" report --consistency live libvirt:shared > /dev/null 2>&1
tap_equal "live: it is read" 0 $?
tap_equal "live: no pause" "$stops" "$(count STOP)"
# The shortest counts: the machine may be busy with something else.
for _ in $(seq 10); do
	report shared "$work/live.json"
done
stops=$(count STOP)
tap_equal "every stop has its resume" "$stops" "$(count RESUME)"
[ "$stops" -ge 10 ]
tap_equal "every report has its stop" 0 $?
kill "$events" 2> /dev/null
wait "$events" 2> /dev/null
shortest=$(awk '/event STOP/ { stop = $4 } /event RESUME/ { print int(($4 - stop) * 1e6) }' \
	"$work/events" | sort -n | head -n 1)
echo "# shortest of 10 pauses by QEMU's clock: ${shortest:-none} us"
[ "${shortest:-1000000}" -lt 200000 ]
tap_equal "a pause is short" 0 $?

# A ptmm that is killed: at any moment, and for sure while it holds the guest.
# settled NAME: what state it is in once nobody of ours is left.
settled()
{
	for _ in $(seq 100); do
		pgrep -x linux_hold > /dev/null || break
		sleep 0.1
	done
	state "$1"
}
wrong=
for _ in $(seq 20); do
	"$hold" shared > /dev/null 2>&1 < <(echo loop; sleep 5) &
	pid=$!
	sleep "$(printf '0.%03d' $((RANDOM % 700)))"
	kill -KILL "$pid"
	wait "$pid" 2> /dev/null
	wrong="$wrong$(settled shared | grep -v running)"
done
tap_equal "20 kills at random: it runs each time" "" "$wrong"

# told NAME: a holder to be commanded; says the answer to each.
told()
{
	coproc HOLD { exec "$hold" "$1" 2>> "$work/noise"; }
	holder=$HOLD_PID
	read -r -t 60 answer <&"${HOLD[0]}"
}
tell()
{
	echo "$1" >&"${HOLD[1]}"
	answer=
	read -r -t 60 answer <&"${HOLD[0]}"
}
# let_go: the holder ends, as it likes or because it was killed.
let_go()
{
	[ -z "${1-}" ] || kill -"$1" "$holder"
	[ -n "${1-}" ] || tell close
	wait "$holder" 2> /dev/null
}
told shared
tap_equal "a holder" open "$answer"
tell pause
tap_equal "it holds the guest" paused "$(state shared)"
let_go KILL
tap_equal "killed while it holds: the guest runs" running "$(settled shared)"

told shared
tell pause
guardian=$(pgrep -P "$holder")
for signal in INT TERM HUP; do
	kill -$signal "$guardian"
done
sleep 0.2
tap_equal "the guardian minds no signal" "paused (S)" \
	"$(state shared) ($(ps -o state= -p "$guardian"))"
kill -KILL "$guardian"
tell resume
tap_match "without its guardian: says so" "^error .*is gone" "$answer"
tap_equal "without its guardian: the guest runs all the same" running "$(state shared)"
let_go

told shared
tell pause
linux_virsh resume shared
tell resume
tap_match "let go by another: said" "somebody let the domain run" "$answer"
tell pause; tell pause; tell resume
tap_equal "pauses nest" paused "$(state shared)"
tell resume
tap_equal "and end" running "$(state shared)"
let_go

linux_virsh suspend shared
told shared
tell pause
let_go KILL
tap_equal "paused by another, then killed: still paused" paused "$(settled shared)"
linux_virsh resume shared

# What cannot be read, each in one line with status 3.
refused()
{
	local what=$1 pattern=$2 out status
	shift 2
	out=$(timeout 60 "$@" 2>&1 > /dev/null < /dev/null)
	status=$?
	tap_equal "$what: status" 3 "$status"
	tap_match "$what: said" "$pattern" "$out"
	tap_equal "$what: in one line" 1 "$(wc -l <<< "$out")"
}
refused "no such domain" "no domain 'nosuch'.*shared" "$PTMM" report libvirt:nosuch
refused "no such libvirt" "cannot connect to libvirt at .*nosuch" \
	"$PTMM" report "libvirt:shared?connect=qemu+unix:///session?socket=/nosuch"
refused "not QEMU" "domains of QEMU" "$PTMM" report "libvirt:test?connect=test:///default"
linux_virsh define <(sed 's/<name>private/<name>off/' "$work/guests/private/domain.xml") > /dev/null
refused "not running" "not running \(shut off\)" "$PTMM" report libvirt:off
linux_virsh undefine off
if [ "$(id -u)" -eq 0 ]; then
	chmod 700 "$work/run"
	refused "no permission" "cannot connect.*[Pp]ermission denied" env XDG_RUNTIME_DIR="$work/none" \
		setpriv --reuid=65533 --regid=65533 --clear-groups "$PTMM" report libvirt:shared
fi

# Before Linux runs: no report, but tables can be walked by CR3.
linux_virsh create <(sed -e 's/<name>private/<name>firmware/' \
	-e '/<kernel>/d; /<initrd>/d; /<cmdline>/d; /<serial/d' \
	"$work/guests/private/domain.xml") > /dev/null
refused "firmware" "no vCPU runs a Linux kernel|paging is off" "$PTMM" report libvirt:firmware
tap_match "firmware: a walk by CR3" "pgd .* 0x1000 " \
	"$("$PTMM" walk libvirt:firmware --cr3 0x1000 0x0 2> /dev/null)"
linux_virsh destroy firmware

# QEMU dies while it is held.
told private
tell pause
linux_virsh destroy private
tell regs
tap_match "QEMU died: registers" "^error .*(ended meanwhile|is gone)" "$answer"
tell resume
tap_match "QEMU died: resume" "^error .*(ended meanwhile|is gone)" "$answer"
let_go
tap_equal "libvirt itself printed nothing" "" "$(cat "$work/noise")"
tap_end
