#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# inject.sh - an uncorrectable error at every level of table page: exactly the
# owners die, all others keep running; where nothing can be saved, the guest's
# end is the one that was predicted.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh
ptmm=${PTMM:-build/ptmm}
if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
	tap_skip "injections" "no access to /dev/kvm"
	tap_end
fi
work=$(mktemp -d) || exit 1
trap '"$ptmm" stop --all > /dev/null 2>&1; rm -rf "$work"' EXIT

# guest NAME CPUS APPEND: a running guest, at READY.
guest()
{
	"$ptmm" run --name "$1" --cpus "$2" --append "$3" --detach > "$work/run" 2>&1 || {
		tap_not_ok "$1 starts" "$(tail -n 1 "$work/run")"
		return 1
	}
}

# hit NAME ARGS...: one injection, as JSON in $work/hit; its status in $status.
hit()
{
	local name=$1
	shift
	"$ptmm" inject "kvm:$name" "$@" --format json > "$work/hit" 2> "$work/err"
	status=$?
	[ "$status" -lt 2 ] || sed 's/^/# /' "$work/err"
}

get()
{
	jq -r "$1" "$work/hit"
}

# table NAME COMM LEVEL: "pid va" of a middle table of that level of the first such process.
table()
{
	"$ptmm" report "kvm:$1" --format json -o "$work/report" 2> "$work/err" || return 1
	jq -r --arg comm "$2" --arg level "$3" '
		. as $r | [.owners[] | select(any(.tasks[]; .comm == $comm))][0] as $o
		| [$r.tables[] | select(.owner == $o.mm and .level == $level)] as $t
		| "\($o.tasks[0].pid) \($t[($t | length) / 2 | floor].va)"' "$work/report"
}

# frame NAME FILTER: the pfn of the first table row that the filter lets through.
frame()
{
	"$ptmm" report "kvm:$1" --format json -o "$work/report" 2> "$work/err" || return 1
	jq -r "[.tables[] | select($2)][0].pfn" "$work/report"
}

# Exactly the owners were killed, and whoever else can run has run since.
only_owners_died()
{
	local name=$1
	tap_equal "$name: the outcome" owner-killed "$(get .outcome)"
	tap_equal "$name: as predicted" true "$(get .prediction.came_true)"
	tap_equal "$name: every owner died" true \
		"$(get '[.tasks[] | select(.owner).fate] | length > 0 and all(. == "killed")')"
	tap_equal "$name: nobody else died" "" \
		"$(get '[.tasks[] | select((.owner | not) and .fate == "killed").comm] | join(" ")')"
	# A parent that waits for its children and idle kernel threads do not run by themselves.
	tap_equal "$name: the others keep running" "" "$(get '[.tasks[]
		| select((.owner | not) and .fate == "quiet" and (.comm | test("^(init|k|rcu|swapper/)") | not)).comm]
		| unique | join(" ")')"
}

for cpus in 1 2; do
	g=inject$cpus
	guest $g $cpus "" || continue
	for level in pte pmd pud; do
		read -r pid va < <(table $g sparse $level)
		hit $g --pid "$pid" --va "$va" --level $level
		only_owners_died "$cpus vCPUs, $level of pid $pid"
		# What died must be gone from the next report, and leave no orphan behind.
		"$ptmm" report kvm:$g --format json -o "$work/report"
		tap_equal "$cpus vCPUs, $level: no trace of pid $pid" 0 \
			"$(jq "[.owners[].tasks[] | select(.pid == $pid)] | length" "$work/report")"
	done
	hit $g --pfn "$(frame $g '.verdict == "shared"')"
	only_owners_died "$cpus vCPUs, a shared PMD table"
	tap_equal "$cpus vCPUs, a shared PMD table: several owners" true \
		"$(get '.table.owners | length > 1')"
	read -r pid va < <(table $g protnone pgd)
	hit $g --pid "$pid" --va 0 --level pgd --moment unloaded
	only_owners_died "$cpus vCPUs, an unloaded pgd"

	hit $g --pfn "$(frame $g '.verdict == "kernel" and .level == "pte"')"
	tap_equal "$cpus vCPUs, a kernel table" "guest-panic true" \
		"$(get '"\(.outcome) \(.prediction.came_true)"')"
	"$ptmm" stop $g > /dev/null 2>&1
done

guest off 1 "recover=off" && {
	read -r pid va < <(table off sparse pte)
	hit off --pid "$pid" --va "$va" --level pte
	tap_equal "recover=off" "guest-panic true" "$(get '"\(.outcome) \(.prediction.came_true)"')"
	"$ptmm" stop off > /dev/null 2>&1
}

guest loaded 1 "" && {
	read -r pid va < <(table loaded sparse pgd)
	hit loaded --pid "$pid" --va 0 --level pgd --moment loaded --timeout 30
	tap_equal "a loaded pgd" "guest-reset true" "$(get '"\(.outcome) \(.prediction.came_true)"')"
	"$ptmm" stop loaded > /dev/null 2>&1
}

guest wrong 1 "bug=wrong_pt_mm" && {
	hit wrong --pfn "$(frame wrong '.verdict == "mismatch"')"
	tap_equal "a wrongly recorded owner" "bystander-killed true" \
		"$(get '"\(.outcome) \(.prediction.came_true)"')"
	"$ptmm" stop wrong > /dev/null 2>&1
}

# Other bugs of the kernel's books: the prediction goes by the record, as the kernel does.
while read -r bug verdict outcome; do
	guest "$bug" 1 "bug=$bug workload=small" || continue
	hit "$bug" --pfn "$(frame "$bug" ".verdict == \"$verdict\" and .why != \"in RCU limbo\"")"
	tap_equal "an error with bug=$bug" "$outcome true" \
		"$(get '"\(.outcome) \(.prediction.came_true)"')"
	"$ptmm" stop "$bug" > /dev/null 2>&1
done << 'BUGS'
cross_link cross-linked owner-killed
orphan orphan bystander-killed
freed_but_linked untyped masked
no_clear_on_free stale guest-panic
no_ctor untyped guest-panic
BUGS

# Requests that cannot be met: one line, and nothing is hit.
guest bad 1 "workload=small" && {
	refused()
	{
		local name=$1 want=$2
		shift 2
		out=$("$ptmm" inject kvm:bad "$@" 2>&1)
		tap_equal "$name: status" "$want" $?
		tap_equal "$name: one line" 1 "$(wc -l <<< "$out")"
	}
	refused "a frame that is no table" 2 --pfn 0x3
	refused "a frame outside RAM" 2 --pfn 0xfffffffff
	refused "an unknown pid" 2 --pid 99999 --va 0x400000 --level pte
	refused "a level that does not exist" 2 --pid 1 --va 0x400000 --level p5d
	refused "an address that is not canonical" 2 --pid 1 --va 0x8000000000000 --level pte
	refused "an unmapped address" 2 --pid 1 --va 0x700000000000 --level pte
	refused "a vCPU that does not exist" 2 --random --seed 1 --vcpu 7
	refused "no table named" 2
	refused "an unwritable file" 4 --random --seed 1 -o /nonexistent/file
	tap_equal "the guest was not hit" 0 \
		"$("$ptmm" report kvm:bad --format json | jq '.summary.by_verdict.unreadable // 0')"
	"$ptmm" stop bad > /dev/null 2>&1
}
tap_end
