#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# fetch.sh - gets a Debian cloud kernel, unmodified, from its package.
#
#   fetch.sh [--update] [5.10 | 6.1 | 6.12 | 7.x]
#
# (Debian 11, 12, 13 and unstable; 6.1 if nothing is said.) Prints the path of its
# vmlinuz; beside it lie `release` and modules/ (what a swap device needs).
# Nothing is installed and the machine's apt is left as it is: another release's
# lists go into a state folder of our own, from the host that the machine's apt is
# set to. What was fetched once is used again; --update looks for a newer one.
# 77: it can't be had on this machine (the reason is on stderr).
set -u

cache=${XDG_CACHE_HOME:-$HOME/.cache}/ptmm/linux
modules=brd

skip()
{
	echo "SKIP: $1" >&2
	exit 77
}

usage()
{
	sed -n 's/^#   fetch/usage: fetch/p' "$0" >&2
	exit 2
}

update=
[ "${1-}" != --update ] || { update=1; shift; }
[ $# -le 1 ] || usage
case ${1-6.1} in
5.10 | bullseye) suite=bullseye ;;
6.1 | bookworm) suite=bookworm ;;
6.12 | trixie) suite=trixie ;;
7.x | sid) suite=sid ;;
*) usage ;;
esac

# The newest complete kernel of this suite in the cache.
cached()
{
	local dir
	dir=$(find "$cache" -maxdepth 1 -name "$suite-*" 2> /dev/null | sort -V | tail -n 1)
	[ -n "$dir" ] && [ -s "$dir/vmlinuz" ] && echo "$dir/vmlinuz"
}

if [ -z "$update" ] && cached; then
	exit 0
fi
for tool in apt-get apt-cache dpkg-deb; do
	command -v "$tool" > /dev/null || skip "no $tool"
done
mkdir -p "$cache" || exit 1
work=$(mktemp -d "$cache/download.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

# Where the machine's own apt gets Debian's main archive from.
archive()
{
	# shellcheck disable=SC2016
	apt-get indextargets --format '$(REPO_URI) $(LABEL) $(CREATED_BY)' 2> /dev/null |
		sed -n 's/ Debian Packages$//p' | head -n 1
}

# apt with a state of its own: NAME-get or NAME-cache, and what they are told.
private()
{
	local tool=$1
	shift
	"apt-$tool" -qq -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts=- \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=- \
		-o Dir::State="$work/state" -o Dir::State::status="$work/status" \
		-o Dir::Cache="$work/apt" -o APT::Sandbox::User=root -o APT::Default-Release= \
		-o Acquire::Languages=none -o Acquire::Check-Valid-Until=false \
		-o APT::Architecture=amd64 "$@"
}

# The real package that the one of this name stands for.
real_package()
{
	private cache depends linux-image-cloud-amd64 2> /dev/null |
		sed -n 's/^ *Depends: \(linux-image-.*-cloud-amd64\)$/\1/p' | head -n 1
}

get_package()
{
	(cd "$work" && private get download "$1") > "$work/log" 2>&1 ||
		skip "can't download $1: $(tail -n 1 "$work/log" | cut -c 1-160)"
}

download()
{
	local uri package keys=/usr/share/keyrings/debian-archive-keyring.gpg
	uri=$(archive)
	[ -n "$uri" ] || skip "apt knows no Debian archive (apt-get update?)"
	mkdir -p "$work/state/lists/partial" "$work/apt/archives/partial"
	: > "$work/status"
	echo "deb [arch=amd64$([ ! -e $keys ] || echo " signed-by=$keys")] $uri $suite main" \
		> "$work/sources.list"
	package=
	private get update > "$work/log" 2>&1 && package=$(real_package)
	[ -n "$package" ] ||
		skip "apt has no cloud kernel of $suite: $(tail -n 1 "$work/log" | cut -c 1-160)"
	get_package "$package"
	# Since 7.x the image's package is empty, and depends on those that hold the files.
	for package in $(dpkg-deb -f "$work"/linux-image-*.deb Depends | tr ',' '\n' |
		sed -n 's/^ *\(linux-\(base\|binary\|modules\)-[^ ]*-cloud-amd64\) .*/\1/p'); do
		get_package "$package"
	done
}

# keep_module NAME: the module and all that it wants first, unpacked, listed in order.
keep_module()
{
	local file dep name=$1
	file=$(find "$work/x" -name "$name.ko*" -o -name "${name//_/-}.ko*" | head -n 1)
	[ -n "$file" ] || return 0	# built in, or not had
	name=$(basename "${file%%.ko*}")
	[ ! -e "$work/out/modules/$name.ko" ] || return 0
	case $file in
	*.xz) xz -dc "$file" ;;
	*.zst) zstd -dcq "$file" ;;
	*) cat "$file" ;;
	esac > "$work/out/modules/$name.ko" || return 0
	for dep in $(tr '\0' '\n' < "$work/out/modules/$name.ko" |
		sed -n 's/^depends=//p' | head -n 1 | tr ',' ' '); do
		keep_module "$dep"
	done
	echo "$name" >> "$work/out/modules/order"
}

download
version=$(dpkg-deb -f "$work"/linux-image-*.deb Version)
target=$cache/$suite-${version//[^[:alnum:].+~-]/_}
if [ ! -s "$target/vmlinuz" ]; then
	for package in "$work"/*.deb; do
		dpkg-deb -x "$package" "$work/x" || exit 1
	done
	mkdir -p "$work/out/modules"
	vmlinuz=$(find "$work/x" -name 'vmlinuz*' -type f | head -n 1)
	[ -n "$vmlinuz" ] || skip "no kernel in the packages of $suite"
	cp "$vmlinuz" "$work/out/vmlinuz" || exit 1
	find "$work/x" -path '*/lib/modules/*-cloud-*' -prune -printf '%f\n' |
		head -n 1 > "$work/out/release"
	: > "$work/out/modules/order"
	for module in $modules; do
		keep_module "$module"
	done
	# A folder gets its name when it is whole; another run may have been faster.
	mv -T "$work/out" "$target" 2> /dev/null
fi
cached
