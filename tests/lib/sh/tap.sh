# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# tap.sh - how a test script says what came out; sourced by tests/*.sh and tests/guest/*.sh.
#
# One line a test on stdout, which tests/run.sh counts:
#	ok NAME
#	not ok NAME - REASON
#	skip NAME - REASON
# Everything else that a script prints is commentary, shown where it failed; lines that
# start with "#| " are shown in any case. A script ends with `tap_end`; one that ends
# otherwise counts as failed.

tap_failed=0

tap_ok()
{
	echo "ok $1"
}

tap_not_ok()
{
	tap_failed=$((tap_failed + 1))
	echo "not ok $1 - ${2:-failed}"
}

tap_skip()
{
	echo "skip $1 - $2"
}

# tap_run NAME COMMAND...: ok if the command succeeds; its last line is the reason if not.
tap_run()
{
	local name=$1 out status
	shift
	out=$("$@" 2>&1 < /dev/null)
	status=$?
	case $status in
	0) tap_ok "$name" ;;
	77) tap_skip "$name" "$(tail -n 1 <<< "$out" | sed 's/^SKIP: //')" ;;
	*) printf '%s\n' "$out" | sed 's/^/# /'
	   tap_not_ok "$name" "status $status: $(tail -n 1 <<< "$out" | cut -c 1-160)" ;;
	esac
}

# tap_equal NAME EXPECTED FOUND
tap_equal()
{
	if [ "$2" = "$3" ]; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "expected '$2', found '$3'"
	fi
}

# tap_match NAME PATTERN TEXT: an extended regular expression, over all lines.
tap_match()
{
	if grep -qE -- "$2" <<< "$3"; then
		tap_ok "$1"
	else
		tap_not_ok "$1" "no /$2/ in '$(head -c 200 <<< "$3" | tr '\n' '|')'"
	fi
}

tap_end()
{
	echo "tap-end"
	exit $((tap_failed > 0))
}
