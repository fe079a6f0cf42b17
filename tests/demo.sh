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

# One process and one of its bottom tables, taken from the report as JSON.
"$ptmm" report kvm:demo --format json -o "$work/before.json"
read -r pid va < <(python3 - "$work/before.json" <<'PY' 2>/dev/null || true
import json, sys
r = json.load(open(sys.argv[1]))
for o in r["owners"]:
    if any(t["comm"] == "sparse" for t in o["tasks"]):
        rows = [t for t in r["tables"] if t["owner"] == o["mm"] and t["level"] == "pte"]
        print(o["tasks"][0]["pid"], rows[len(rows) // 2]["va"])
        break
PY
)
if [ -z "${pid:-}" ]; then	# no python3: the text form serves as well
	read -r pid va < <("$ptmm" tables kvm:demo --level pte --verdict match |
		awk '/sparse/ { for (i = 1; i <= NF; i++) if ($i ~ /^0x/) va = $i; print $1, va; exit }')
fi

show walk kvm:demo --pid "$pid" "$va"
show inject kvm:demo --pid "$pid" --va "$va" --level pte
show report kvm:demo
printf '\nOnly pid %s is gone. The whole report, before, as JSON: %s tables.\n' "$pid" \
	"$(grep -c '"pfn"' "$work/before.json")"
