#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# lint.sh - cppcheck and clang-tidy over the library and the VMM; `make lint`.
set -u
cd "$(dirname "$0")/.." || exit 1
status=0

if command -v cppcheck > /dev/null; then
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
		--suppress=missingIncludeSystem --suppress=unknownMacro --error-exitcode=1 \
		-j "$(nproc)" -I. -D__x86_64__ arch walker vmm || status=1
else
	echo "lint: no cppcheck: apt-get install cppcheck" >&2
	status=1
fi

if command -v clang-tidy > /dev/null; then
	mapfile -t files < <(find arch walker vmm -name '*.c' | sort)
	printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 4 sh -c '
		clang-tidy --quiet "$@" -- -std=gnu11 -I. -D_GNU_SOURCE \
			-DPTMM_VERSION="\"lint\"" \
			$(pkg-config --cflags json-c libelf libbpf libvirt) 2> /dev/null' sh || status=1
else
	echo "lint: no clang-tidy: apt-get install clang-tidy" >&2
	status=1
fi
exit $status
