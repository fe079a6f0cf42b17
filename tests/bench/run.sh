#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# All timings in one run: a table on stdout, the same as JSON lines in
# $BUILD/bench.jsonl. `make bench` runs it. Never a test: machines are noisy.
set -euo pipefail

build=${BUILD:-build}
ptmm=$build/ptmm
out=$build/bench.jsonl
: > "$out"

# row NAME VALUE UNIT AIM: one figure; the aim is what the design asks for.
row() {
	printf '{"name":"%s","value":%s,"unit":"%s","aim":%s}\n' "$1" "$2" "$3" "${4:-null}" >> "$out"
}

# median_ms COMMAND...: of seven runs, in milliseconds.
median_ms() {
	local i t0 t1
	for i in 1 2 3 4 5 6 7; do
		t0=$(date +%s%N)
		"$@" >/dev/null
		t1=$(date +%s%N)
		echo $(((t1 - t0) / 1000))
	done | sort -n | awk '{ v[NR] = $1 } END { printf "%.3f", v[int((NR + 1) / 2)] / 1000 }'
}

echo "census and walker, against the raw read floor ..." >&2
for b in "$build"/tests/bench/bench_*; do
	case $b in *.d | *.o | *bench_guest) continue ;; esac
	"$b" >> "$out"
done

if [ -r /dev/kvm ] && [ -w /dev/kvm ]; then
	echo "a real guest ..." >&2
	work=$(mktemp -d)
	export XDG_RUNTIME_DIR=$work/run
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	trap '"$ptmm" stop --all >/dev/null 2>&1 || true; rm -rf "$work"' EXIT

	t0=$(date +%s%N)
	"$ptmm" run --name bench --detach
	t1=$(date +%s%N)
	row "start to READY" "$(awk -v t=$((t1 - t0)) 'BEGIN { printf "%.3f", t / 1e9 }')" s 3

	start=$(median_ms "$ptmm" --version)
	report=$(median_ms "$ptmm" report kvm:bench --format json)
	row "process start" "$start" ms
	row "report of the default guest, besides process start" \
		"$(awk -v a="$report" -v b="$start" 'BEGIN { printf "%.3f", a - b }')" ms 20
	"$build/tests/bench/bench_guest" bench >> "$out"
else
	echo "bench: no /dev/kvm: guest figures left out" >&2
fi

echo "a Linux guest ..." >&2
BUILD=$build tests/bench/linux.sh >> "$out"

awk '
function field(key,    m) {
	if (match($0, "\"" key "\": *(\"[^\"]*\"|[^,}]*)")) {
		m = substr($0, RSTART, RLENGTH)
		sub("^\"" key "\": *", "", m)
		gsub("\"", "", m)
		return m
	}
	return ""
}
BEGIN { printf "%-58s %12s %-8s %10s\n", "FIGURE", "MEASURED", "UNIT", "AIM" }
{
	aim = field("aim")
	v = field("value")
	late = aim != "null" && aim != "" && v + 0 > aim + 0 ? "  missed" : ""
	printf "%-58s %12s %-8s %10s%s\n", field("name"), v, field("unit"),
		(aim == "null" || aim == "") ? "-" : aim, late
}' "$out"
echo "as JSON lines: $out"
