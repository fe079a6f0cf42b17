# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# told.sh - Linux guests that do as they are told; sourced by tests, after tap.sh.
#
#	told_setup			sets TOLD_DIR; 77 and TOLD_WHY: something is missing
#	told_start NAME KERNEL [OPTION]...	mem=MIB cpus=N cpu=MODEL append=WORDS
#	told_wait NAME [SECONDS]	the workload has come to rest
#	told_run NAME COMMAND [SECONDS]	runs a shell command in the guest; its output, its status
#	told_memory NAME		the file that is its RAM: a raw image, while it runs
#	told_console NAME		the file with its console
#	told_dump NAME FILE		an ELF core, with the vCPUs' registers
#	told_hmp NAME COMMAND		a command of QEMU's monitor
#	told_stop NAME
#	told_teardown			all of it; called by the script's EXIT trap
#
# The guest runs the workload of guest-images/linux and, beside it, a shell that
# reads its third serial port. QEMU is started directly: its RAM is a file, which
# can be read, and spoilt, at any moment.

# TOLD_WHY is read by those who source this.
# shellcheck disable=SC2034
TOLD_DIR='' TOLD_WHY=''

told_setup()
{
	local tool
	for tool in qemu-system-x86_64 busybox cpio; do
		command -v "$tool" > /dev/null || { TOLD_WHY="no $tool"; return 77; }
	done
	TOLD_DIR=$(mktemp -d "${TMPDIR:-/tmp}/ptmm-told.XXXXXX") || return 1
	mkdir -p "$TOLD_DIR/overlay"
	cat > "$TOLD_DIR/overlay/told" <<- 'INIT'
	#!/bin/busybox sh
	b=/bin/busybox
	$b mount -t devtmpfs devtmpfs /dev
	$b mount -t sysfs sysfs /sys
	$b mount -t debugfs debugfs /sys/kernel/debug
	$b --install -s /bin
	$b stty -F /dev/ttyS2 raw -echo
	while :; do
		while read -r line; do
			eval "$line" < /dev/null 2>&1
			echo "=told=$?"
		done
	done < /dev/ttyS2 > /dev/ttyS2 2> /dev/null &
	exec /init
	INIT
	chmod 755 "$TOLD_DIR/overlay/told"
	guest-images/linux/initramfs.sh "$TOLD_DIR/initrd" 2> "$TOLD_DIR/log" ||
		{ TOLD_WHY="no initramfs: $(tail -n 1 "$TOLD_DIR/log")"; return 77; }
	(cd "$TOLD_DIR/overlay" && find . | cpio --quiet -o -H newc) >> "$TOLD_DIR/initrd"
}

told_start()
{
	local name=$1 kernel=$2 mem=512 cpus=2 cpu=max append='' word dir
	shift 2
	for word in "$@"; do
		case $word in
		mem=*) mem=${word#*=} ;;
		cpus=*) cpus=${word#*=} ;;
		cpu=*) cpu=${word#*=} ;;
		append=*) append=${word#*=} ;;
		*) TOLD_WHY="told_start: what is $word?"; return 2 ;;
		esac
	done
	dir=$TOLD_DIR/$name
	mkdir -p "$dir" && mkfifo "$dir"/{agent,monitor}.{in,out} || return 1
	nice -n 10 qemu-system-x86_64 -accel tcg -machine pc -cpu "$cpu" -smp "$cpus" -m "$mem" \
		-object "memory-backend-file,id=ram,size=${mem}M,mem-path=$dir/memory,share=on" \
		-machine memory-backend=ram -nodefaults -display none -no-reboot \
		-kernel "$kernel" -initrd "$TOLD_DIR/initrd" \
		-append "console=ttyS0 quiet loglevel=5 panic=-1 no_timer_check random.trust_cpu=on rdinit=/told $append" \
		-serial "file:$dir/console" -serial "file:$dir/truth" -serial "pipe:$dir/agent" \
		-monitor "pipe:$dir/monitor" > "$dir/qemu" 2>&1 < /dev/null &
	echo $! > "$dir/pid"
}

told_alive()
{
	kill -0 "$(cat "$TOLD_DIR/$1/pid")" 2> /dev/null
}

told_wait()
{
	local dir=$TOLD_DIR/$1 end=$((SECONDS + ${2:-180}))
	while [ "$SECONDS" -lt "$end" ]; do
		grep -q '^READY' "$dir/console" 2> /dev/null && return 0
		told_alive "$1" || break
		sleep 0.3
	done
	TOLD_WHY="$1 doesn't get ready: $(tail -n 1 "$dir/console" 2> /dev/null | tr -d '\r')"
	return 1
}

# told_say NAME FIFO LINE END SECONDS: a line in, lines out up to one that matches END.
told_say()
{
	local dir=$TOLD_DIR/$1 end=$((SECONDS + $5)) in out line status=124
	told_alive "$1" || return 125
	exec {out}<> "$dir/$2.out" {in}<> "$dir/$2.in"
	printf '%s\n' "$3" >&"$in"
	while [ "$SECONDS" -lt "$end" ] && told_alive "$1"; do
		IFS= read -r -t 1 line <&"$out" || continue
		line=${line%$'\r'}
		if [[ $line == $4* ]]; then
			status=${line#"$4"}
			break
		fi
		printf '%s\n' "$line"
	done
	exec {out}<&- {in}<&-
	return "${status:-0}"
}

told_run()
{
	told_say "$1" agent "$2" "=told=" "${3:-60}"
}

# The monitor has no mark of its own for an end: make it refuse a word.
told_hmp()
{
	told_say "$1" monitor "$2"$'\n'"=end=" "unknown command: '=end='" 30
}

told_dump()
{
	rm -f "$2"
	told_hmp "$1" "dump-guest-memory $2" > /dev/null
	[ -s "$2" ]
}

told_memory()
{
	echo "$TOLD_DIR/$1/memory"
}

told_console()
{
	echo "$TOLD_DIR/$1/console"
}

told_stop()
{
	local pid
	pid=$(cat "$TOLD_DIR/$1/pid" 2> /dev/null) || return 0
	kill "$pid" 2> /dev/null
	wait "$pid" 2> /dev/null
	rm -rf "${TOLD_DIR:?}/$1"
}

told_teardown()
{
	local pid
	[ -n "$TOLD_DIR" ] || return 0
	for pid in "$TOLD_DIR"/*/pid; do
		[ ! -e "$pid" ] || told_stop "$(basename "$(dirname "$pid")")"
	done
	rm -rf "$TOLD_DIR"
	TOLD_DIR=
}
