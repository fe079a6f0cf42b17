# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC1007,SC2034
# linux.sh - real Linux guests under a libvirt of our own; sourced by tests, after tap.sh.
#
#	linux_setup			a private libvirtd; sets LINUX_URI, LINUX_DIR
#	linux_kernel 6.1		sets LINUX_VMLINUZ and LINUX_MODULES (see fetch.sh)
#	linux_start NAME [OPTION]...	mem=MIB cpus=N append=WORDS nodes=N cpu=MODEL dumpable=0
#	linux_wait_ready NAME [SECONDS]	the workload has come to rest
#	linux_target NAME		what ptmm calls it
#	linux_truth NAME		the file with the kernel's own word (truth.h)
#	linux_console NAME		the file with its console
#	linux_dump NAME FILE [FORMAT]	elf (default), kdump-zlib, kdump-lzo, kdump-snappy
#	linux_hmp NAME COMMAND		a command of QEMU's monitor
#	linux_stop NAME
#	linux_teardown			all of it; called by the script's EXIT trap
#
# The first four return 77 and set LINUX_WHY where this machine lacks something.
#
# No daemon of the machine is used or touched: libvirtd runs as an ordinary user's
# ("session"), with all its folders in LINUX_DIR, and is reached by its socket. It
# refuses to do that for root, so for root it runs as the user nobody. The guests
# run under QEMU's TCG: every processor feature, no KVM needed.

LINUX_DIR= LINUX_URI= LINUX_WHY= LINUX_VMLINUZ= LINUX_MODULES=
linux_images=guest-images/linux
linux_daemon=

# linux_as COMMAND...: as the user of our libvirtd.
linux_as()
{
	if [ "$(id -u)" -eq 0 ]; then
		set -- setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
	fi
	env HOME="$LINUX_DIR" XDG_RUNTIME_DIR="$LINUX_DIR/run" XDG_CONFIG_HOME="$LINUX_DIR/config" \
		XDG_CACHE_HOME="$LINUX_DIR/cache" XDG_DATA_HOME="$LINUX_DIR/data" "$@"
}

# The words of a command that failed, on one line.
linux_why()
{
	LINUX_WHY="$1: $(tail -n 2 "$LINUX_DIR/log" 2> /dev/null | tr '\n' ' ' | cut -c 1-200)"
	return 77
}

linux_virsh()
{
	timeout 120 virsh -q -c "$LINUX_URI" "$@" < /dev/null
}

linux_setup()
{
	local tool tries
	for tool in libvirtd virsh qemu-system-x86_64 setpriv; do
		command -v "$tool" > /dev/null || { LINUX_WHY="no $tool"; return 77; }
	done
	# Sockets have short names, so this isn't made in a build folder.
	LINUX_DIR=$(mktemp -d "${TMPDIR:-/tmp}/ptmm-linux.XXXXXX") || return 1
	chmod 755 "$LINUX_DIR"
	mkdir -p "$LINUX_DIR"/{run,config/libvirt,cache,data,guests}
	printf '%s\n' 'stdio_handler = "file"' > "$LINUX_DIR/config/libvirt/qemu.conf"
	printf '%s\n' 'log_filters = "3:*"' > "$LINUX_DIR/config/libvirt/libvirtd.conf"
	[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$LINUX_DIR"
	linux_as nice -n 10 libvirtd --timeout 3600 --pid-file "$LINUX_DIR/libvirtd.pid" \
		> "$LINUX_DIR/log" 2>&1 < /dev/null &
	linux_daemon=$!
	LINUX_URI="qemu+unix:///session?socket=$LINUX_DIR/run/libvirt/libvirt-sock"
	for tries in $(seq 100); do
		if linux_virsh version > /dev/null 2>> "$LINUX_DIR/log"; then
			return 0
		fi
		kill -0 "$linux_daemon" 2> /dev/null || break
		sleep 0.2
	done
	linux_why "libvirtd doesn't answer (try $tries)"
}

linux_kernel()
{
	local out status
	out=$($linux_images/fetch.sh "$1" 2>&1 < /dev/null)
	status=$?
	if [ "$status" -ne 0 ]; then
		LINUX_WHY=$(tail -n 1 <<< "$out" | sed 's/^SKIP: //')
		return "$status"
	fi
	LINUX_VMLINUZ=$(tail -n 1 <<< "$out")
	LINUX_MODULES=$(dirname "$LINUX_VMLINUZ")/modules
}

# linux_xml NAME MEM CPUS NODES CPU APPEND
linux_xml()
{
	local dir=$LINUX_DIR/guests/$1 node cells= cpu
	for node in $(seq 0 $(($4 - 1))); do
		[ "$4" -gt 1 ] || break
		cells="$cells<cell id='$node' cpus='$((node * $3 / $4))-$(((node + 1) * $3 / $4 - 1))'
			memory='$(($2 / $4))' unit='MiB' memAccess='shared'/>"
	done
	[ -z "$cells" ] || cells="<numa>$cells</numa>"
	# An interrupt behind QEMU 7.2's emulated cmpxchg16b finds garbage in the flags: now and
	# then a kernel that uses it (6.12's allocator) dies while it boots.
	cpu="<cpu mode='maximum'><feature policy='disable' name='cx16'/>$cells</cpu>"
	[ -z "$5" ] || cpu="<cpu mode='custom' match='exact' check='none'><model fallback='forbid'>$5
		</model>$cells</cpu>"
	cat <<- XML
	<domain type='qemu'>
	  <name>$1</name>
	  <memory unit='MiB'>$2</memory>
	  <memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
	  <vcpu>$3</vcpu>
	  <os>
	    <type arch='x86_64' machine='pc'>hvm</type>
	    <kernel>$dir/vmlinuz</kernel>
	    <initrd>$dir/initrd</initrd>
	    <cmdline>console=ttyS0 quiet loglevel=4 panic=-1 no_timer_check $6</cmdline>
	  </os>
	  <features><acpi/><apic/></features>
	  $cpu
	  <on_poweroff>destroy</on_poweroff>
	  <on_reboot>destroy</on_reboot>
	  <on_crash>destroy</on_crash>
	  <devices>
	    <emulator>$(command -v qemu-system-x86_64)</emulator>
	    <controller type='usb' model='none'/>
	    <serial type='file'><source path='$dir/console'/><target port='0'/></serial>
	    <serial type='file'><source path='$dir/truth'/><target port='1'/></serial>
	    <memballoon model='none'/>
	  </devices>
	</domain>
	XML
}

linux_start()
{
	local name=$1 mem=512 cpus=1 append= nodes=1 cpu= word dir
	shift
	for word in "$@"; do
		case $word in
		mem=*) mem=${word#*=} ;;
		cpus=*) cpus=${word#*=} ;;
		append=*) append=${word#*=} ;;
		nodes=*) nodes=${word#*=} ;;
		cpu=*) cpu=${word#*=} ;;
		*) LINUX_WHY="linux_start: what is $word?"; return 2 ;;
		esac
	done
	dir=$LINUX_DIR/guests/$name
	rm -rf "$dir"
	mkdir -p "$dir" && cp "$LINUX_VMLINUZ" "$dir/vmlinuz" || return 1
	$linux_images/initramfs.sh "$dir/initrd" ${LINUX_MODULES:+"$LINUX_MODULES"} \
		2>> "$LINUX_DIR/log" || { linux_why "no initramfs"; return; }
	chmod 644 "$dir/vmlinuz" "$dir/initrd"
	linux_xml "$name" "$mem" "$cpus" "$nodes" "$cpu" "$append" > "$dir/domain.xml"
	[ "$(id -u)" -ne 0 ] || chown -R 65534:65534 "$dir"
	linux_virsh create "$dir/domain.xml" >> "$LINUX_DIR/log" 2>&1 ||
		linux_why "$name doesn't start"
}

linux_wait_ready()
{
	local dir=$LINUX_DIR/guests/$1 end=$((SECONDS + ${2:-180}))
	while [ "$SECONDS" -lt "$end" ]; do
		grep -q '^READY' "$dir/console" 2> /dev/null && return 0
		linux_virsh domstate "$1" > /dev/null 2>&1 || break
		sleep 0.3
	done
	LINUX_WHY="$1 doesn't get ready: $(tail -n 1 "$dir/console" 2> /dev/null | tr -d '\r')"
	return 1
}

linux_target()
{
	echo "libvirt:$1?connect=$LINUX_URI"
}

linux_truth()
{
	echo "$LINUX_DIR/guests/$1/truth"
}

linux_console()
{
	echo "$LINUX_DIR/guests/$1/console"
}

linux_hmp()
{
	linux_virsh qemu-monitor-command "$1" --hmp "$2"
}

# The daemon writes where it may, then the file is taken over. (The monitor's own
# dump-guest-memory writes the same, but Debian 12's libvirtd dies of its event.)
linux_dump()
{
	local from=$LINUX_DIR/guests/$1/dump
	linux_virsh dump --memory-only --format "${3:-elf}" "$1" "$from" >> "$LINUX_DIR/log" 2>&1
	[ -s "$from" ] || { linux_why "no dump of $1"; return; }
	mv "$from" "$2" && chmod u+rw "$2"
}

linux_stop()
{
	linux_virsh destroy "$1" > /dev/null 2>&1
	rm -rf "$LINUX_DIR/guests/$1"
}

# linux_kill PIDFILE...: ends the processes that are really ours.
linux_kill()
{
	local file pid
	for file in "$@"; do
		pid=$(cat "$file" 2> /dev/null) || continue
		if tr '\0' ' ' < "/proc/$pid/cmdline" 2> /dev/null | grep -qF "$LINUX_DIR"; then
			kill "$pid"
		fi
	done
}

# What libvirtd can't end (it may have died) is ended by the pid that it wrote down.
linux_teardown()
{
	local name
	[ -n "$LINUX_DIR" ] || return 0
	for name in $(linux_virsh list --name 2> /dev/null); do
		linux_virsh destroy "$name" > /dev/null 2>&1
	done
	linux_kill "$LINUX_DIR"/run/libvirt/qemu/run/*.pid "$LINUX_DIR/libvirtd.pid"
	[ -z "$linux_daemon" ] || wait "$linux_daemon" 2> /dev/null
	rm -rf "$LINUX_DIR"
	LINUX_DIR=
}
