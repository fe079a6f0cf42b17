#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# build.sh - a small Linux 6.1 that records pt_mm at every level.
#
#   guest-images/linux/build.sh [--unpatched] [--debug]
#
# Builds Debian's linux-source-6.1 with config (and with --debug, config.debug)
# and the series in patches/; --unpatched leaves the series out, to compare.
# Prints two paths: vmlinux, bzImage. They stay in the cache, in a directory
# named after the source's version and everything that went into the build.
# JOBS=N sets how many compilers run at once (2). Progress goes to stderr.
# Exits 77 with a reason where the source or a tool is not to be had.
set -euo pipefail

package=linux-source-6.1
patched=yes
debug=no

here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/ptmm
work=

usage()
{
	sed -n 's/^#   //p' "$0" >&2
	exit 2
}

say()
{
	echo "build.sh: $*" >&2
}

skip()
{
	echo "SKIP: $*" >&2
	exit 77
}

while [ $# -gt 0 ]; do
	case $1 in
	--unpatched) patched=no ;;
	--debug) debug=yes ;;
	*) usage ;;
	esac
	shift
done

check_tools()
{
	local tool

	for tool in apt-cache apt-get dpkg-deb; do
		command -v "$tool" > /dev/null || skip "not a Debian: no $tool"
	done
	for tool in gcc make flex bison bc pahole xz perl cpio patch flock lz4; do
		command -v "$tool" > /dev/null ||
			skip "no $tool: run tests/install-deps.sh linux"
	done
	for tool in libelf.h openssl/opensslv.h; do
		echo "#include <$tool>" | gcc -E - > /dev/null 2>&1 ||
			skip "no $tool: run tests/install-deps.sh linux"
	done
}

# The newest version that is at hand; a cached source serves when apt is not.
source_version()
{
	local version

	version=$(apt-cache show --no-all-versions "$package" 2> /dev/null |
		sed -n 's/^Version: //p' | head -n 1)
	if [ -z "$version" ]; then
		version=$(find "$cache/source" -maxdepth 1 -name "${package}_*" \
			-printf '%f\n' 2> /dev/null | sort -V | tail -n 1)
		version=${version#"${package}_"}
	fi
	[ -n "$version" ] || skip "apt knows no $package"
	echo "$version"
}

# Fetch and unpack the source once per version.
get_source()
{
	local tree=$cache/source/${package}_$version

	if [ ! -d "$tree" ]; then
		say "fetching $package $version"
		mkdir -p "$cache/source"
		work=$(mktemp -d "$cache/source/tmp.XXXXXX")
		(cd "$work" && apt-get -qq -o APT::Sandbox::User=root download \
			"$package=$version" >&2) ||
			skip "could not download $package $version"
		dpkg-deb --fsys-tarfile "$work"/*.deb |
			tar -xOf - "./usr/src/$package.tar.xz" |
			xz -dc | tar -xf - -C "$work"
		mv "$work/$package" "$tree"
		rm -rf "$work"
		work=
	fi
	echo "$tree"
}

# Every option that was asked for must have survived Kconfig.
make_config()
{
	local fragment line lost=

	make -C "$1" O="$2" tinyconfig >&2
	for fragment in "${fragments[@]}"; do
		(cd "$2" && "$1/scripts/kconfig/merge_config.sh" -m .config "$fragment" >&2)
	done
	make -C "$1" O="$2" olddefconfig >&2
	while read -r line; do
		case $line in
		CONFIG_*=*) grep -qxF "$line" "$2/.config" || lost="$lost $line" ;;
		"# CONFIG_"*" is not set")
			line=${line#\# }
			! grep -q "^${line%% *}=" "$2/.config" || lost="$lost $line" ;;
		esac
	done < <(cat "${fragments[@]}")
	[ -z "$lost" ] || { say "Kconfig dropped:$lost"; exit 1; }
}

check_tools
version=$(source_version)
series=()
fragments=("$here/config")
[ $debug = no ] || fragments+=("$here/config.debug")
[ $patched = no ] || series=("$here"/patches/*.patch)

hash=$(cat "${fragments[@]}" ${series[@]+"${series[@]}"} | sha256sum | cut -c 1-16)
out=$cache/linux-$version-$hash

mkdir -p "$cache"
exec 9> "$out.lock"
flock 9
if [ ! -e "$out/bzImage" ]; then
	trap '[ -z "$work" ] || rm -rf "$work"' EXIT
	trap 'exit 1' HUP INT TERM
	pristine=$(get_source)
	work=$(mktemp -d "$cache/tmp.linux.XXXXXX")
	say "preparing the source"
	# Links do: patch replaces files, the build writes elsewhere.
	cp -al "$pristine" "$work/source"
	for patch in ${series[@]+"${series[@]}"}; do
		say "applying ${patch##*/}"
		patch -d "$work/source" -p1 -s -F0 < "$patch" >&2
	done
	mkdir "$work/o"
	make_config "$work/source" "$work/o" 2> "$work/log" ||
		{ tail -n 5 "$work/log" >&2; exit 1; }
	say "compiling, takes some minutes"
	nice -n 10 make -C "$work/source" O="$work/o" -j "${JOBS:-2}" \
		KBUILD_BUILD_USER=ptmm KBUILD_BUILD_HOST=ptmm \
		vmlinux bzImage > "$work/log" 2>&1 ||
		{ grep -E 'error|Error' "$work/log" | head -n 20 >&2; exit 1; }
	mkdir "$work/out"
	# BTF and symbols stay; the debuginfo is 200 MB that nobody needs.
	objcopy --strip-debug "$work/o/vmlinux" "$work/out/vmlinux"
	cp "$work/o/arch/x86/boot/bzImage" "$work/out/"
	cp "$work/o/.config" "$work/out/config"
	cp "$work/o/System.map" "$work/out/"
	rm -rf "$out"
	mv "$work/out" "$out"
fi
echo "$out/vmlinux"
echo "$out/bzImage"
