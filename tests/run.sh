#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# run.sh - builds, runs every test, and says what came out.
#
#   tests/run.sh [check|check-all] [PATTERN]...
#
# check-all runs the guest tests at length (PTMM_TIER=check-all). With PATTERNs
# (shell globs on "unit/test_x", "san/test_x", "static/x", "guest/x") only those
# run. BUILD names the build folder; the sanitized build stands beside it.
#
# A test program prints one line a test (tests/lib/sh/tap.sh; cmocka speaks TAP).
# The last line here is "N passed, N failed, N skipped"; exit 1 if any failed.
# A program that dies, runs no test or stops before its end is a failure.
set -u
cd "$(dirname "$0")/.." || exit 1

usage()
{
	sed -n 's/^#   tests/usage: tests/p' "$0" >&2
	exit 2
}

case ${1-check} in
check | check-all) PTMM_TIER=${1-check} ;;
*) usage ;;
esac
shift
patterns=("$@")

BUILD=${BUILD:-build}
BUILD=$(realpath -m "$BUILD")
san=$BUILD-san
export BUILD PTMM_TIER PTMM=$BUILD/ptmm CMOCKA_MESSAGE_OUTPUT=TAP
unset MAKEFLAGS MFLAGS MAKELEVEL SAN
jobs=$(nproc)
[ "$jobs" -le 4 ] || jobs=4

# Guests of the tests stay out of sight of the user's own.
work=$(mktemp -d "${TMPDIR:-/tmp}/ptmm-check.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
export XDG_RUNTIME_DIR=$work/run
mkdir -m 700 "$XDG_RUNTIME_DIR"

passed=0 failed=0 skipped=0
failures=() skips=()

wanted()
{
	local pattern
	[ ${#patterns[@]} -gt 0 ] || return 0
	for pattern in "${patterns[@]}"; do
		# shellcheck disable=SC2254
		case $1 in $pattern) return 0 ;; esac
	done
	return 1
}

# fail NAME REASON
fail()
{
	failed=$((failed + 1))
	failures+=("$1: $2")
}

# Counts the lines of one program's log; sets p, f and s.
count()
{
	local name=$1 log=$2 line
	p=0 f=0 s=0
	while read -r line; do
		case $line in
		"ok "*"# SKIP"* | "not ok "*"# SKIP"* | "skip "*)
			s=$((s + 1)); skips+=("$name: ${line#skip }") ;;
		"not ok "*) f=$((f + 1)); failures+=("$name: ${line#not ok }") ;;
		"ok "*) p=$((p + 1)) ;;
		esac
	done < <(grep -aE '^(ok|not ok|skip) ' "$log")
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

# Why a program's log cannot be believed, although it has no failed test; else nothing.
broken()
{
	local kind=$1 log=$2 status=$3 plan
	if [ "$status" -eq 124 ]; then
		echo "out of time"
	elif [ "$status" -ne 0 ]; then
		echo "exit status $status"
	elif [ $((p + s)) -eq 0 ]; then
		echo "ran no test"
	elif [ "$kind" = cmocka ]; then
		plan=$(sed -n 's/^1\.\.\([0-9]*\).*/\1/p' "$log" | awk '{n += $1} END {print n + 0}')
		[ "$plan" -eq $((p + s)) ] || echo "planned $plan tests, ran $((p + s))"
	elif ! grep -qx tap-end "$log"; then
		echo "stopped before its end"
	fi
}

# run KIND NAME SECONDS COMMAND...
run()
{
	local kind=$1 name=$2 limit=$3 log status start why
	shift 3
	wanted "$name" || return 0
	log=$work/$(tr / - <<< "$name").log
	start=$EPOCHREALTIME
	timeout -k 5 "$limit" "$@" > "$log" 2>&1 < /dev/null
	status=$?
	sed -i 's/.*\r\(.\)/\1/' "$log"	# what a terminal shows where a program counts on one line
	count "$name" "$log"
	if [ "$f" -eq 0 ]; then
		why=$(broken "$kind" "$log" "$status")
		[ -z "$why" ] || { fail "$name" "$why"; f=1; }
	fi
	printf '%-32s %4d passed %s%s %6.1f s\n' "$name" "$p" \
		"$([ "$f" -eq 0 ] || echo "$f FAILED ")" "$([ "$s" -eq 0 ] || echo "$s skipped ")" \
		"$(awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN {print b - a}')"
	[ "$f" -eq 0 ] || tail -n 60 "$log" | sed 's/^/    | /'
	# A table that a program made.
	[ "$f" -ne 0 ] || sed -n 's/^#| /    /p' "$log"
}

# build NAME ARGS...: a failed build is one failed test, and ends the run.
build()
{
	local name=$1 log=$work/$1.log
	shift
	make --no-print-directory -s -j"$jobs" "$@" > "$log" 2>&1 < /dev/null && return 0
	tail -n 40 "$log" | sed 's/^/    | /'
	fail "$name" "does not build: $(grep -m 1 -iE 'error|\*\*\*' "$log" | cut -c 1-160)"
	return 1
}

summary()
{
	local line
	for line in ${skips+"${skips[@]}"}; do echo "SKIP  $line"; done
	for line in ${failures+"${failures[@]}"}; do echo "FAIL  $line"; done
	echo "$passed passed, $failed failed, $skipped skipped"
	[ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
	exit
}

build build BUILD="$BUILD" all tests || summary
for program in "$BUILD"/tests/unit/test_*; do
	[ -x "$program" ] && [ -e "tests/unit/${program##*/}.c" ] || continue
	run cmocka "unit/${program##*/}" 300 "$program"
done

export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
build build-san SAN=1 BUILD="$san" tests "$san/ptmm" || summary
for program in "$san"/tests/unit/test_*; do
	[ -x "$program" ] && [ -e "tests/unit/${program##*/}.c" ] || continue
	run cmocka "san/${program##*/}" 900 "$program"
done

for script in tests/static/*.sh; do
	[ -x "$script" ] && run script "static/$(basename "$script" .sh)" 120 "$script"
done
limit=1800
[ "$PTMM_TIER" = check ] || limit=7200	# the matrix of Linux guests
for script in tests/guest/*.sh; do
	[ -x "$script" ] && run script "guest/$(basename "$script" .sh)" $limit "$script"
done
summary
