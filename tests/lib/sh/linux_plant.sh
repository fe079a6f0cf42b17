# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# linux_plant.sh - can the comparison of a report with the guest's word fail?
#
# linux_plant COMPARE DUMP TRUTH REPORT: spoils the truth or the report in one place
# at a time, and wants just the test that speaks of it to fail; after tap.sh.

# plant NAME FILE COMMAND...: COMMAND is the filter that spoils FILE (truth or report).
plant()
{
	local name=$1 file=$2 out
	local truth=$plant_truth report=$plant_report
	shift 2
	"$@" < "${!file}" > "$plant_dir/$file" || {
		tap_not_ok "planted: $name" "$1 failed"
		return
	}
	if cmp -s "${!file}" "$plant_dir/$file"; then
		tap_not_ok "planted: $name" "nothing was spoilt"
		return
	fi
	printf -v "$file" %s "$plant_dir/$file"
	out=$(timeout 60 "$plant_compare" "core:$plant_dump" "$truth" "$report" 2>&1)
	if grep -q "^not ok $name" <<< "$out"; then
		tap_ok "planted: $name"
	else
		tap_not_ok "planted: $name" "not seen: $(grep '^not ok' <<< "$out" | head -n 1)"
	fi
}

# once PATTERN REPLACEMENT: sed -E on the first line that has the pattern.
once()
{
	sed -E "0,/$1/s/$1/$2/"
}

linux_plant()
{
	local plant_compare=$1 plant_dump=$2 plant_truth=$3 plant_report=$4 plant_dir pid
	plant_dir=$(mktemp -d) || return 1
	pid=$(sed -n 's/^T process \([0-9]*\) w-ldt .*/\1/p' "$plant_truth")
	plant "the release is right" truth once '^T begin .*' 'T begin 1.0'
	plant "every process is an owner" truth sed -E "s/^T ([a-z]+) $pid /T \1 99999 /"
	plant "every owner's task is a process" truth sed -E "/^T [a-z]+ $pid /d"
	plant "every thread is found" truth once 'threads=5' 'threads=6'
	plant "pgtables_bytes as recorded equals VmPTE" truth \
		once '(w-sparse threads=1 vmpte=)[0-9]+' '\14'
	plant "pgtables_bytes as counted equals VmPTE" report \
		jq -c '(.owners[] | select(.kind == "user").pgtables_bytes.counted) += 4096'
	plant "every row of table type is a table in kpageflags" truth \
		once '^(T tables) [^ ]*' '\1'
	plant "every table in kpageflags is a row" truth once '^(T tables) ' '\1 5+0 '
	plant "a sound guest has sound verdicts" report \
		jq -c '.tables[7].verdict = "mismatch"'
	plant "one PMD table is shared by hugetlb" report \
		jq -c '.summary.by_verdict.shared = 0'
	plant "huge pages have deposited tables" report \
		jq -c '.summary.by_verdict.deposited = 3'
	plant "with PTI, and only then, there are user PGDs" report jq -c '.kernel.pti |= not'
	plant "the pinned mm is found" report jq -c 'del(.owners[] | select(.kind == "taskless"))'
	plant "there are PROT_NONE entries" report jq -c '.tables[].entries.protnone = 0'
	plant "there are swapped-out pages" report jq -c '.tables[].entries.swap = 0'
	plant "VMAs equal" truth once '^(T map .*) r--p' '\1 r-xp'
	plant "VMAs equal" truth once '^(T map [0-9]+ [0-9a-f]+ [0-9a-f]+)fff ' '\1ffe '
	plant "the resident counters equal" truth sed -E 's/anon=[0-9]+/anon=4/; s/rss=[0-9]+/rss=4/'
	plant "sample pages walk" truth once '^(T page [0-9]+ [0-9a-f]+ 8[0-9a-f]+)[0-7] ' '\18 '
	plant "sample pages walk" truth once '^(T page [0-9]+ [0-9a-f]+ )4' '\18'
	# Anonymous and swap-backed, mapped once: 0x5000.
	plant "page flags equal" truth once '^(T page .*) [0-9a-f]*5[0-9a-f]{3} 1$' '\1 828 1'
	plant "map counts equal" truth once '^(T page .* [0-9a-f]*5[0-9a-f]{3}) 1$' '\1 7'
	rm -rf "$plant_dir"
}
