#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# arrows.sh - includes go one way: vmm -> walker -> arch.
#
#   tests/static/arrows.sh [TREE]
#
# Judges what the compiler would see of each file (its #include lines), then
# plants every kind of violation in a copy of the tree and expects to see it: a
# rule that cannot fail is none.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh

# Prints "FILE: HEADER" for each #include in FOLDER that matches PATTERN.
includes()
{
	local tree=$1 folder=$2 pattern=$3
	find "$tree/$folder" -name '*.[chS]' -print0 2> /dev/null | sort -z |
		xargs -0 -r grep -HoE '^[[:space:]]*#[[:space:]]*(include|include_next|import)[[:space:]]*[<"][^>"]*' |
		sed -E "s|^$tree/||; s|:[[:space:]]*#[^<\"]*[<\"]|: |" |
		awk -F': ' -v p="$pattern" '$2 ~ p'
}

# Headers that are found beside a file or above it have no folder in their name.
rules()
{
	local tree=$1
	includes "$tree" arch '^(walker|vmm|guest-images|tests)/|\.\./' | sed 's/$/ (arch reaches up)/'
	includes "$tree" walker '^(vmm|guest-images|tests)/|\.\./' | sed 's/$/ (walker reaches up)/'
	includes "$tree" vmm '^tests/|\.\./' | sed 's/$/ (vmm reaches into tests)/'
	includes "$tree" arch 'linux/kvm|asm/kvm|libvirt/|sys/ioctl' | sed 's/$/ (KVM or libvirt in arch)/'
	includes "$tree" walker 'linux/kvm|asm/kvm|libvirt/|sys/ioctl' | sed 's/$/ (KVM or libvirt in walker)/'
	includes "$tree" arch '^json-c|^json\.h' | sed 's/$/ (json-c in arch)/'
	includes "$tree" walker '^json-c|^json\.h' | grep -v '^walker/report/' |
		sed 's/$/ (json-c outside walker\/report)/'
	includes "$tree" arch '^(stdio|stdlib|string|unistd|errno|fcntl|pthread|inttypes|sys/.*)\.h$' |
		sed 's/$/ (arch is freestanding)/'
	# A name in quotes must be a path from the root of the tree.
	local folder file header
	for folder in arch walker vmm; do
		find "$tree/$folder" -name '*.[ch]' -print0 2> /dev/null | xargs -0 -r grep -HoE \
			'^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]*' |
			sed -E "s|^$tree/||; s|:[^\"]*\"| |" |
			while read -r file header; do
				[ -f "$tree/$header" ] || echo "$file: $header (no such file from the root)"
			done
	done
}

if [ $# -gt 0 ]; then
	found=$(rules "$1")
	[ -z "$found" ] || { printf '%s\n' "$found"; exit 1; }
	exit 0
fi

found=$(rules .)
if [ -z "$found" ]; then
	tap_ok "includes go from vmm to walker to arch"
else
	printf '%s\n' "$found" | sed 's/^/# /'
	tap_not_ok "includes go from vmm to walker to arch" "$(head -n 1 <<< "$found")"
fi

# FILE | line to plant | what the rules must say of it
plant=$(mktemp -d) || exit 1
trap 'rm -rf "$plant"' EXIT
while IFS='|' read -r file line expected; do
	rm -rf "$plant/tree"
	mkdir "$plant/tree"
	cp -r arch walker vmm "$plant/tree/"
	mkdir -p "$plant/tree/$(dirname "$file")"
	printf '%s\n' "$line" >> "$plant/tree/$file"
	found=$(rules "$plant/tree" | grep -F "$file: ")
	tap_match "planted in $file: $line" "$expected" "$found"
done <<'PLANTS'
arch/x86/x86.h|#include "walker/machine.h"|arch reaches up
arch/planted.c|#include "vmm/cmd.h"|arch reaches up
arch/planted.c|#include <linux/kvm.h>|KVM or libvirt in arch
arch/planted.c|#  include  <stdio.h>|freestanding
arch/planted.c|#include <json-c/json.h>|json-c in arch
walker/table/planted.c|#include "vmm/kvm/attach.h"|walker reaches up
walker/owner/planted.c|	#include "../../vmm/cmd.h"|walker reaches up
walker/planted.h|#include <linux/kvm.h>|KVM or libvirt in walker
walker/planted.c|#include <libvirt/libvirt.h>|KVM or libvirt in walker
walker/owner/planted.c|#include <json-c/json_object.h>|json-c outside walker/report
walker/inject/planted.c|#include "guest-images/testguest/abi.h"|walker reaches up
vmm/planted.c|#include "tests/lib/synth_guest.h"|vmm reaches into tests
vmm/planted.c|#include "attach.h"|no such file from the root
PLANTS
tap_end
