#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# memory.sh - a guest that killed the owners of lost tables has all their memory
# back but the lost frames themselves, at every level of table.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh
ptmm=${PTMM:-build/ptmm}
build=${BUILD:-build}
if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
	tap_skip "memory after injections" "no access to /dev/kvm"
	tap_end
fi
work=$(mktemp -d) || exit 1
name=memory$$
trap '"$ptmm" stop $name > /dev/null 2>&1; rm -rf "$work"' EXIT

# check WHEN LOST: the books of the memory, and how many frames are lost.
check()
{
	TAP_PREFIX="$1:" "$build/tests/guest/memory" $name > "$work/out" || tap_failed=$((tap_failed + 1))
	cat "$work/out"
	tap_equal "$1: frames lost" "$2" "$(sed -n 's/^# .* lost //p' "$work/out")"
	tap_equal "$1: pages that the kernel keeps" "$kernel" \
		"$(sed -n 's/^# kernel \([0-9]*\) .*/\1/p' "$work/out")"
}

# hit FILTER ARGS...: injects into the first table that the filter lets through; $mms are
# the address spaces of the programs named sparse and protnone.
hit()
{
	local filter=$1 pfn
	shift
	"$ptmm" report kvm:$name --format json -o "$work/report" &&
		pfn=$(jq -r "[.owners[] | select(any(.tasks[]; .comm == \"sparse\" or .comm == \"protnone\")).mm]
			as \$mms | [.tables[] | select($filter)][0].pfn" "$work/report") &&
		"$ptmm" inject kvm:$name --pfn "$pfn" "$@" > "$work/hit" 2>&1
	tap_equal "hit $filter" 0 $?
}

for options in "" "pti=on"; do
	if ! "$ptmm" run --name $name --cpus 2 --append "$options" --detach > "$work/run" 2>&1; then
		tap_not_ok "the guest starts" "$(tail -n 1 "$work/run")"
		continue
	fi
	kernel=$("$build/tests/guest/memory" $name | sed -n 's/^# kernel \([0-9]*\) .*/\1/p')
	check "${options:-plain}, at rest" 0
	lost=0
	for level in pte pmd pud pgd; do
		moment=quiet
		[ $level != pgd ] || moment=unloaded
		hit ".level == \"$level\" and (.owner | IN(\$mms[]))" \
			--moment $moment
		lost=$((lost + 1))
		check "${options:-plain}, after losing a $level" $lost
	done
	hit '.verdict == "shared"'
	check "${options:-plain}, after losing a shared table" $((lost + 1))
	"$ptmm" stop $name > /dev/null 2>&1
done
tap_end
