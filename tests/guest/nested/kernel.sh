# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
# kernel.sh - the second test bed's kernel: Debian's cloud kernel, from its package.
#
# Sourced by run.sh. nested_kernel sets NESTED_KERNEL to a folder that holds
#   vmlinuz         the kernel
#   modules/NAME.ko what KVM needs
#   order           their names, in the order of loading
# Nothing is installed: the package is downloaded by apt, unpacked into the cache,
# and the three kinds of file are kept. A folder per version.

nested_cache=${XDG_CACHE_HOME:-$HOME/.cache}/ptmm

# The names that a module wants loaded before it, then the module itself.
nested_order()
{
	local file deps dep
	file=$(find "$2/lib/modules" -name "$1.ko" | head -n 1)
	[ -n "$file" ] || return 0	# built in
	deps=$(objcopy -O binary --only-section=.modinfo "$file" /dev/stdout |
		tr '\0' '\n' | sed -n 's/^depends=//p' | tr ',' ' ')
	for dep in $deps; do
		nested_order "$dep" "$2"
	done
	echo "$file"
}

# Unpacks a package into a folder of its own, then gives it its name at once, so
# that two runs at the same time do not see each other's half.
nested_unpack()
{
	local work=$1 version=$2 name file
	dpkg-deb -x "$work"/linux-image-*.deb "$work/x" || return 1
	mkdir -p "$work/out/modules" &&
	cp "$work"/x/boot/vmlinuz-* "$work/out/vmlinuz" || return 1
	nested_order kvm-amd "$work/x" | awk '!seen[$0]++' | while read -r file; do
		name=$(basename "$file")
		cp "$file" "$work/out/modules/$name" && echo "$name" >> "$work/out/order"
	done
	[ -s "$work/out/order" ] || return 1
	mv -T "$work/out" "$nested_cache/kernel-$version" 2>/dev/null || :
	[ -s "$nested_cache/kernel-$version/order" ]
}

# Where it cannot be had: returns 1 and sets NESTED_WHY.
nested_kernel()
{
	local package version work
	package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-.*-cloud-amd64\)$/\1/p' | head -n 1)
	version=$(apt-cache policy "$package" 2>/dev/null | sed -n 's/^ *Candidate: //p')
	if [ -n "$package" ] && [ -n "$version" ]; then
		NESTED_KERNEL=$nested_cache/kernel-$version
		[ -s "$NESTED_KERNEL/order" ] && return 0
		mkdir -p "$nested_cache" || return 1
		work=$(mktemp -d "$nested_cache/download.XXXXXX") || return 1
		chmod 755 "$work"
		if (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download \
			"$package=$version") > "$work/log" 2>&1 &&
		   nested_unpack "$work" "$version" >> "$work/log" 2>&1; then
			rm -rf "$work"
			return 0
		fi
		NESTED_WHY="no cloud kernel: $(tail -n 1 "$work/log" | cut -c 1-160)"
		rm -rf "$work"
	else
		NESTED_WHY="no cloud kernel: apt knows no linux-image-cloud-amd64 (apt-get update?)"
	fi
	# Without the registry an older kernel does as well.
	for NESTED_KERNEL in "$nested_cache"/kernel-*; do
		[ -s "$NESTED_KERNEL/order" ] && return 0
	done
	return 1
}
