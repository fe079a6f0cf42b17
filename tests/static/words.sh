#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# words.sh - what must not stand in a committed file, and what must.
#
# Each rule is first tried on a planted line: a rule that cannot fail is none.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh
plant=$(mktemp -d) || exit 1
trap 'rm -rf "$plant"' EXIT

# Tracked files and new ones that are not ignored; a tarball has no list of them.
# This file names what it forbids, so it is left out.
files()
{
	{ git ls-files --cached --others --exclude-standard 2> /dev/null ||
		find . -type f -printf '%P\n'; } | grep -vxF tests/static/words.sh
}

# found PATTERN GLOB: "FILE:LINE:TEXT" of the lines that have it, of files on stdin.
found()
{
	grep -E -- "$2" | tr '\n' '\0' | xargs -0 -r grep -nIHE -- "$1" 2> /dev/null
}

# forbid NAME PATTERN GLOB PLANT FILE
forbid()
{
	local name=$1 pattern=$2 glob=$3 lines
	mkdir -p "$plant/$(dirname "$5")"
	printf '%s\n' "$4" > "$plant/$5"
	if [ -z "$(cd "$plant" && echo "$5" | found "$pattern" "$glob")" ]; then
		tap_not_ok "no $name" "the rule does not see '$4' in $5"
		return
	fi
	lines=$(files | found "$pattern" "$glob" | head -n 5)
	if [ -z "$lines" ]; then
		tap_ok "no $name"
	else
		printf '%s\n' "$lines" | sed 's/^/# /'
		tap_not_ok "no $name" "$(head -n 1 <<< "$lines" | cut -c 1-120)"
	fi
}

c='\.[chS]$'
library='^arch/.*\.c$|^walker/([^r]|re?[^ep]).*\.c$'	# walker/report/ is given a FILE
source='\.([chS]|sh|py|ld)$|(^|/)Makefile$'

forbid "paths of one machine" '(^|[^[:alnum:]_.-])/(work|root|home/[a-z]+)/' '.' \
	'path=/home/somebody/x' README.md
hosts=$(grep -hoE 'https?://[^/ ]+' /etc/apt/sources.list /etc/apt/sources.list.d/* 2> /dev/null |
	sed 's#.*//##; s/[.]/[.]/g' | sort -u | paste -sd'|')
[ -z "$hosts" ] ||
	forbid "names of package hosts" "$hosts" '.' "http://$(tr -d '[]' <<< "${hosts%%|*}")/" Makefile
forbid "left-over marks" '\b(TODO|FIXME|XXX)\b' "$source" '/* TODO: more */' arch/a.c
forbid "trailing blanks" '[[:blank:]]+$' "$source|\.md$" 'int a; ' vmm/a.c
forbid "typedef that hides a struct" 'typedef[[:space:]]+(struct|union)\b[^(]*$' \
	'^(arch|walker|vmm)/.*\.[ch]$' 'typedef struct a a_t;' walker/a.h
forbid "exit, no print in the library" '(^|[^_[:alnum:]])(exit|abort|printf|puts|perror) ?\(' \
	"$library" '	printf("x");' walker/owner/a.c

# Files on stdin; a tab goes to the next multiple of eight.
long_lines()
{
	local file
	while read -r file; do
		[ ! -f "$file" ] || expand "$file" |
			awk -v f="$file" 'length > 100 { print f ":" FNR ": " length " columns" }'
	done
}
printf '\t%093d\n' 0 > "$plant/long.c"
tap_match "the rule of 100 columns sees a long line" '101 columns' \
	"$(echo "$plant/long.c" | long_lines)"
tap_equal "no line over 100 columns" "" "$(files | grep -E "$c" | long_lines | head -n 5)"

missing=$(files | grep -E '\.([chS]|sh)$' | while read -r file; do
	[ ! -f "$file" ] || head -n 2 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-only' ||
		echo "$file"
done | head -n 5)
tap_equal "every source names its licence" "" "$missing"
tap_end
