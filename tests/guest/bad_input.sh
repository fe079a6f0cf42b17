#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# bad_input.sh - what cannot be done is refused with one clear line on stderr,
# nothing on stdout, and the documented status; and no half-written file.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh
. tests/lib/sh/guest.sh

why=$(guest_no_kvm)
if [ -n "$why" ]; then
	tap_skip "bad input" "$why"
	tap_end
fi
work=$(mktemp -d) || exit 1
chmod 755 "$work"
export XDG_RUNTIME_DIR=$work/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
trap '"$PTMM" stop --all > /dev/null 2>&1; rm -rf "$work"' EXIT

# refused NAME STATUS PATTERN COMMAND...
refused()
{
	local name=$1 expected=$2 pattern=$3 status
	shift 3
	timeout 30 "$@" > "$work/out" 2> "$work/err" < /dev/null
	status=$?
	if [ "$status" -ne "$expected" ]; then
		tap_not_ok "$name" "status $status, not $expected: $(head -n 1 "$work/err")"
	elif [ "$(wc -l < "$work/err")" -ne 1 ] || [ -s "$work/out" ]; then
		tap_not_ok "$name" "not one line: $(head -c 200 "$work/err" "$work/out" | tr '\n' '|')"
	else
		tap_match "$name" "$pattern" "$(cat "$work/err")"
	fi
}

# Images. Byte 4 is the class, 18 the machine; the first program header follows at 64:
# its p_paddr lies 24 bytes in.
cp "$TESTGUEST" "$work/good"
patch()
{
	cp "$work/good" "$work/$1"
	printf '%b' "$3" | dd of="$work/$1" bs=1 seek="$2" conv=notrunc status=none
}
echo "not a kernel" > "$work/text"
: > "$work/empty"
head -c 1000 "$work/good" > "$work/truncated"
patch elf32 4 '\x01'
patch machine 18 '\xb7'
phoff=$(od -An -tu8 -j32 -N8 "$work/good" | tr -d ' ')
patch outside $((phoff + 24)) '\x00\x00\x00\x00\x00\x01\x00\x00'
refused "an image that does not exist" 3 'No such file' "$PTMM" run "$work/nowhere"
refused "an image that is a folder" 3 '.' "$PTMM" run "$work"
refused "not an ELF" 3 'ELF' "$PTMM" run "$work/text"
refused "an empty image" 3 'ELF|empty' "$PTMM" run "$work/empty"
refused "a truncated ELF" 3 'trunc|short|beyond|outside|cut' "$PTMM" run "$work/truncated"
refused "a 32-bit ELF" 3 '64|class' "$PTMM" run "$work/elf32"
refused "another machine's ELF" 3 'machine|x86' "$PTMM" run "$work/machine"
refused "a segment outside RAM" 3 'RAM|memory' "$PTMM" run "$work/outside"
refused "no such option" 2 '.' "$PTMM" run --no-such-option
refused "too many vCPUs" 2 'cpu|CPU' "$PTMM" run --cpus 99 "$work/good"
refused "no vCPU" 2 'cpu|CPU' "$PTMM" run --cpus 0 "$work/good"
refused "a size that is none" 2 'mem|size' "$PTMM" run --mem lots "$work/good"
refused "more memory than the host has" 2 'host has' "$PTMM" run --mem 65536G "$work/good"
# shellcheck disable=SC2016
refused "out of memory" 3 'memory' bash -c 'ulimit -v 100000; exec "$0" "$@"' \
	"$PTMM" run --mem 256M "$work/good"
refused "a name with a slash" 2 'name' "$PTMM" run --name a/b "$work/good"
refused "a name that is too long" 2 'name|long' "$PTMM" run \
	--name "$(printf '%0200d' 0)" "$work/good"
long=$work/$(printf '%0120d' 0)
mkdir -m 700 "$long"
refused "a socket path that is too long" 3 'long' env XDG_RUNTIME_DIR="$long" \
	"$PTMM" run --name x "$work/good"

# Machines without a usable KVM. Both need rights that a build machine may lack.
if [ "$(id -u)" -eq 0 ] && command -v setpriv > /dev/null && [ "$(stat -c %a /dev/kvm)" = 600 ]; then
	mkdir -m 777 "$work/nobody"
	cp "$PTMM" "$work/good" "$work/nobody/"
	mkdir -m 700 "$work/nobody/run"
	chown 65534:65534 "$work/nobody/run"
	refused "no permission for /dev/kvm" 3 'permission.*/dev/kvm' \
		setpriv --reuid=65534 --regid=65534 --clear-groups \
		env XDG_RUNTIME_DIR="$work/nobody/run" "$work/nobody/ptmm" run "$work/nobody/good"
fi
if unshare -m true 2> /dev/null; then
	refused "no /dev/kvm" 3 '/dev/kvm' unshare -m sh -c \
		'mount -t tmpfs none /dev && exec "$0" "$@"' "$PTMM" run "$work/good"
fi

refused "an unknown guest" 3 'nobody' "$PTMM" report kvm:nobody
refused "an unknown kind of target" 2 'target|TARGET' "$PTMM" report ftp:nobody
refused "no target" 2 'usage|target|TARGET' "$PTMM" report
refused "an unknown subcommand" 2 'frobnicate' "$PTMM" frobnicate

"$PTMM" run --name g --detach > /dev/null 2> "$work/err" < /dev/null ||
	tap_not_ok "the test guest starts" "$(tail -n 1 "$work/err")"
refused "an unknown format" 2 'format' "$PTMM" report g --format yaml
refused "a file that cannot be written" 4 'nowhere' "$PTMM" report g -o "$work/nowhere/file"
refused "a full disk" 4 'space|write' "$PTMM" report g --format json -o /dev/full
# shellcheck disable=SC2016
refused "a closed standard output" 4 'standard output' bash -c 'exec "$0" "$@" >&-' \
	"$PTMM" report g
# shellcheck disable=SC2016
refused "a file beyond the limit" 4 'too large' bash -c 'ulimit -f 4; exec "$0" "$@"' \
	"$PTMM" report g --format json -o "$work/limited"
refused "an unknown pid" 2 '99999' "$PTMM" walk g --pid 99999 0x400000
refused "an address that is none" 2 'address' "$PTMM" walk g --pid 1 somewhere
refused "an address that is not canonical" 2 'canonical' "$PTMM" walk g --pid 1 0x800000000000
refused "a level that does not exist" 2 'level' "$PTMM" tables g --level pqd
refused "a level to hit that does not exist" 2 'level' \
	"$PTMM" inject g --pid 1 --va 0x400000 --level p4d
refused "an unknown verdict" 2 'verdict' "$PTMM" tables g --verdict guilty
refused "an injection without a choice" 2 'pfn|pid|random' "$PTMM" inject g
refused "an injection into no table" 2 '0x99999999' "$PTMM" inject g --pfn 0x99999999
tap_equal "no half-written file is left" "" "$(find "$work/nowhere" 2> /dev/null)"
"$PTMM" stop g > /dev/null 2>&1
refused "a guest that has ended" 3 'g' "$PTMM" report kvm:g

cat > "$work/spin.S" << 'SPIN'
	.globl _start
_start:	mov $1, %eax
	mov $0x5f0, %edx
	outl %eax, %dx
1:	pause
	jmp 1b
SPIN
${CC:-gcc} -nostdlib -static -Wl,-Ttext=0x200000,--build-id=none -o "$work/spin" "$work/spin.S"
"$PTMM" run --name nobtf --detach "$work/spin" > /dev/null 2>&1 < /dev/null
refused "a kernel without BTF" 3 'BTF' "$PTMM" report nobtf
"$PTMM" stop --all > /dev/null 2>&1
tap_end
