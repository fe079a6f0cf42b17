#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The main job, end to end: launch a guest, say who owns every table page, walk
# one address, inject an uncorrectable error, see who died. `make demo` runs it.
set -euo pipefail

ptmm=${PTMM:-build/ptmm}
if [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
	echo "demo: needs /dev/kvm, readable and writable: load the kvm module, or: usermod -aG kvm $(id -un)" >&2
	exit 3
fi

work=$(mktemp -d)
export XDG_RUNTIME_DIR=$work/run
mkdir -m 700 "$XDG_RUNTIME_DIR"
cleanup() {
	"$ptmm" stop --all >/dev/null 2>&1 || true
	rm -rf "$work"
}
trap cleanup EXIT

show() {
	printf '\n$ ptmm %s\n' "$*"
	"$ptmm" "$@"
}

show run --name demo --cpus 2 --detach
show list
show report kvm:demo

# A bottom table of the first process "sparse", in the middle of its list.
read -r pid va < <("$ptmm" tables kvm:demo --level pte --verdict match --sort va |
	awk '/ sparse /{ va[n++] = $3; for (i = 1; i < NF; i++) if ($i == "pid") pid = pid ? pid : $(i + 1) }
	     $0 ~ "pid " pid " " { mine[m++] = $3 }
	     END { print pid, mine[int(m / 2)] }')

show walk kvm:demo --pid "$pid" "$va"
show inject kvm:demo --pid "$pid" --va "$va" --level pte
show report kvm:demo
printf '\n%s\n' "Only pid $pid is gone. Every report is also JSON: ptmm report TARGET --format json"
