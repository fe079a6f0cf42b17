#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# linux_patched.sh - the Linux of guest-images/linux/patches, held against others: does it
# record every owner, and survive the loss of a page table?
#
# Frames are spoilt from outside before the kernel hears of the error, so that reading
# one on the way out shows: all ones are present entries that lead nowhere.
# check: the patched kernel with 5 levels. check-all: also with 4, with PTI, with the
# kernel's own checks (build.sh --debug), and the same kernel unpatched.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh
. tests/lib/sh/told.sh
BUILD=${BUILD:-$PWD/build}
PTMM=${PTMM:-$BUILD/ptmm}
compare=$BUILD/tests/guest/linux_compare
trap told_teardown EXIT

told_setup || {
	tap_skip "the patched Linux" "$TOLD_WHY"
	tap_end
}
work=$TOLD_DIR
# What no guest may say, whatever is done to it.
complaint='BUG|WARNING|Oops|general protection|Bad page|Bad rss|stack segment|KASAN|DEADLOCK'

# build [OPTION]...: sets `image`; 77 with the reason in TOLD_WHY.
build()
{
	local out status
	out=$(guest-images/linux/build.sh "$@" 2> "$work/build")
	status=$?
	image=$(tail -n 1 <<< "$out")
	[ "$status" -eq 0 ] || TOLD_WHY=$(tail -n 1 "$work/build" | sed 's/^SKIP: //')
	return "$status"
}

# begin NAME IMAGE LABEL APPEND: starts a guest and waits for it.
begin()
{
	told_start "$1" "$2" "append=$4" && told_wait "$1" && return 0
	tap_not_ok "$3: gets ready" "$TOLD_WHY"
	told_stop "$1"
	return 1
}

# look NAME LABEL: a report of the guest as it is, in $work/NAME.json.
look()
{
	told_dump "$1" "$work/$1.dump" || {
		tap_not_ok "$2: is dumped"
		return 1
	}
	timeout 120 "$PTMM" report "$work/$1.dump" --format json > "$work/$1.json" \
		2> "$work/err" && {
		[ -e "$work/$1.first" ] || cp "$work/$1.json" "$work/$1.first"
		return 0
	}
	tap_not_ok "$2: is reported on" "$(tail -n 1 "$work/err" | cut -c 1-160)"
	return 1
}

# ask NAME FILTER
ask()
{
	jq -r "$2" "$work/$1.json" 2> /dev/null
}

# share LABEL NAME: the headline, of the first report of that guest.
share()
{
	local named all
	named=$(jq '[.tables[] | select(.recorded != null and (.recorded as $r | .owners | index($r)))]
		| length' "$work/$2.first")
	all=$(jq .summary.tables "$work/$2.first")
	echo "# $1 could name the owner of $named of $all page tables," \
		"$((named * 100 / all)) %"
}

# quiet NAME LABEL: has the guest's kernel complained?
quiet()
{
	told_run "$1" "dmesg" > "$work/dmesg" 2>&1 ||
		cat "$(told_console "$1")" >> "$work/dmesg"
	tap_equal "$2: the kernel complains of nothing" "" \
		"$(grep -E "$complaint" "$work/dmesg" | head -n 3)"
}

# records NAME LABEL: every table names its owner.
records()
{
	local out
	tap_equal "$2: every user table names its mm" "" "$(ask "$1" '.summary.by_verdict
		| del(.match, .kernel, .shared, .deposited, ."pti-user")
		| to_entries[] | select(.value > 0) | "\(.key) \(.value)"')"
	tap_equal "$2: at every level" "$3" "$(ask "$1" '[.tables[]
		| select(.verdict == "match").level] | unique | sort | join(" ")')"
	tap_equal "$2: tables of the kernel name a kernel mm" "" "$(ask "$1" '.tables[]
		| select(.verdict == "kernel" and .recorded != .owner)
		| "\(.level) \(.pfn) \(.recorded) \(.why)"' | head -n 3)"
	tap_equal "$2: shared and deposited tables name one that has them" "" "$(ask "$1" '.tables[]
		| select(.verdict == "shared" or .verdict == "deposited")
		| select(.recorded as $r | .owners | index($r) | not) | .pfn' | head -n 3)"
	tap_equal "$2: no finding" "" "$(ask "$1" '.findings[].message' | head -n 3)"
	[ -x "$compare" ] || return 0
	out=$(TAP_PREFIX="$2:" timeout 120 "$compare" "$work/$1.dump" "$TOLD_DIR/$1/truth" \
		"$work/$1.json" 2>&1)
	printf '%s\n' "$out"
	tap_failed=$((tap_failed + $(grep -c '^not ok ' <<< "$out")))
}

# table NAME COMM LEVEL [VERDICT]: the frame of one such table of that process.
table()
{
	ask "$1" "(.owners[] | select(any(.tasks[]; .comm == \"$2\")).mm) as \$mm
		| first(.tables[] | select(.level == \"$3\" and .verdict == \"${4:-match}\"
			and (.owners | index(\$mm)))).pfn"
}

# spoil NAME PFN: all ones, by the file that is the guest's RAM.
spoil()
{
	head -c 4096 /dev/zero | tr '\0' '\377' |
		dd of="$(told_memory "$1")" bs=4096 seek=$(($2)) conv=notrunc status=none
}

# processes NAME: pid and name of those that live and do not come and go.
processes()
{
	told_run "$1" 'cat /proc/[0-9]*/stat' |
		sed -n 's/^\([0-9]*\) (\(w-[^)]*\|told\|busybox\)) [^ZX] .*/\1 \2/p' | sort
}

# lose NAME LABEL PFN EXPECTED OUTCOME [sound]: who is gone after the loss of this frame?
lose()
{
	local before died
	if [ -z "$3" ] || [ "$3" = null ]; then
		tap_not_ok "$2: there is such a table"
		return
	fi
	before=$(processes "$1")
	[ "${6-}" = sound ] || spoil "$1" "$3"
	told_run "$1" "dmesg -c > /dev/null; echo $3 > /sys/kernel/debug/hwpoison/corrupt-pfn" \
		> /dev/null 2>&1
	told_run "$1" 'sleep 1; sync; dmesg' > "$work/dmesg" 2>&1
	tap_match "$2: the kernel says" "recovery action for $5" "$(cat "$work/dmesg")"
	died=$(comm -23 <(printf '%s\n' "$before") <(processes "$1") | cut -d ' ' -f 2 | sort | xargs)
	tap_equal "$2: dies" "$4" "$died"
	tap_equal "$2: no complaint" "" "$(grep -E "$complaint" "$work/dmesg" | head -n 3)"
	told_alive "$1" || tap_not_ok "$2: the guest lives"
}

# survive NAME LABEL LEVELS: loses a table of each kind.
survive()
{
	local name=$1 label=$2
	lose "$name" "$label: PTE table" "$(table "$name" w-anon pte)" w-anon \
		'page table page: Recovered'
	lose "$name" "$label: PMD table" "$(table "$name" w-sparse pmd)" w-sparse \
		'page table page: Recovered'
	lose "$name" "$label: PUD table" "$(table "$name" w-fork pud)" w-fork \
		'page table page: Recovered'
	[ "$3" = 4 ] || lose "$name" "$label: P4D table" "$(table "$name" w-threads p4d)" \
		w-threads 'page table page: Recovered'
	lose "$name" "$label: PGD" "$(table "$name" w-tmpfs-a pgd)" w-tmpfs-a \
		'page table page: Recovered'
	lose "$name" "$label: shared PMD table" "$(table "$name" w-huge-a pmd shared)" \
		"w-huge-a w-huge-b" 'page table page: Recovered'
	lose "$name" "$label: table of two processes" "$(table "$name" w-vm-a pte)" \
		"w-vm-a w-vm-b" 'page table page: Recovered'
	lose "$name" "$label: PMD table with deposits" "$(thp_table "$name")" w-thp \
		'page table page: Recovered'
	lose "$name" "$label: kernel table" "$(ask "$name" 'first(.tables[]
		| select(.level == "pte" and .why == "init_mm")).pfn')" \
		"" 'page table page: Ignored' sound
}

# The PMD table that w-thp's huge pages are mapped by.
thp_table()
{
	ask "$1" '(.owners[] | select(any(.tasks[]; .comm == "w-thp")).mm) as $mm
		| first(.tables[] | select(.level == "pmd" and .owner == $mm and .entries.huge > 0)).pfn'
}

# try LABEL NAME LEVELS APPEND: the whole programme with the patched image.
try()
{
	local levels="pgd pmd pte pud"
	[ "$3" = 4 ] || levels="p4d $levels"
	begin "$2" "$image" "$1" "$4" || return
	if look "$2" "$1"; then
		records "$2" "$1" "$levels"
		quiet "$2" "$1"
		survive "$2" "$1" "$3"
		look "$2" "$1, after all that" && tap_equal "$1, after all that: no stale owner" "0 0" \
			"$(ask "$2" '"\(.summary.by_verdict.stale) \(.summary.by_verdict.mismatch)"')"
	fi
	told_stop "$2"
}

tier=${PTMM_TIER:-check}
if ! build; then
	tap_skip "the patched Linux" "$TOLD_WHY"
	tap_end
fi
try "patched, 5-level" five 5 ""
share "the patched kernel" five
if [ "$tier" = check-all ]; then
	try "patched, 4-level" four 4 no5lvl
	try "patched, PTI" pti 5 pti=on
	try "patched, PTI, 4-level" pti4 4 "pti=on no5lvl"
fi

# A kernel without the series names the PGDs only.
if image=$(guest-images/linux/fetch.sh 6.1 2> "$work/build" | tail -n 1); [ -n "$image" ]; then
	if begin debian "$image" "Debian's kernel" "" && look debian "Debian's kernel"; then
		tap_equal "Debian's kernel: the PGDs alone name their mm" "pgd" "$(ask debian \
			'[.tables[] | select(.verdict == "match").level] | unique | join(" ")')"
		share "Debian's kernel" debian
	fi
	told_stop debian
else
	tap_skip "Debian's kernel" "$(tail -n 1 "$work/build" | sed 's/^SKIP: //')"
fi
[ "$tier" = check-all ] || tap_end

# The same configuration without the series does nothing about a loss.
if build --unpatched; then
	if begin stock "$image" "unpatched" "" && look stock "unpatched"; then
		share "the same kernel unpatched" stock
		lose stock "unpatched: PTE table" "$(table stock w-anon pte unrecorded)" "" \
			'unknown page: Ignored'
		# Reading spoilt tables does show: else the tests above could not fail.
		told_run stock 'kill -9 $(pidof w-anon); sleep 1; dmesg' > "$work/dmesg" 2>&1
		cat "$(told_console stock)" >> "$work/dmesg"
		tap_match "unpatched: its owner's exit reads the spoilt table" "$complaint" \
			"$(cat "$work/dmesg")"
	fi
	told_stop stock
else
	tap_skip "the unpatched Linux" "$TOLD_WHY"
fi

if build --debug; then
	try "patched, with the kernel's checks" debug 5 ""
	try "patched, with the kernel's checks, 4-level" debug4 4 no5lvl
else
	tap_skip "the kernel's checks" "$TOLD_WHY"
fi
tap_end
