# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# guest.sh - test programs on test guests, on both test beds; after tap.sh.
#
# A bed is a machine with a /dev/kvm: `here`, this one; `nested`, the one that
# QEMU emulates, which has 5-level paging too. Where a bed cannot be had, its
# tests are skipped with the reason.

BUILD=${BUILD:-$PWD/build}
PTMM=${PTMM:-$BUILD/ptmm}
TESTGUEST=$BUILD/guest-images/testguest/testguest.elf
export PTMM TESTGUEST
guest_lines=()	# of a bed: label, cpus, append, program, args: one word list each

# A guest's name that no other test has.
guest_name()
{
	echo "$1-$$"
}

# Why this machine's KVM cannot be used; nothing if it can.
guest_no_kvm()
{
	if [ ! -e /dev/kvm ]; then
		echo "no /dev/kvm"
	elif [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
		echo "no access to /dev/kvm"
	fi
}

# guest_bed_of_its_own WHAT: sets `work`, a folder whose guests and files are gone when
# the script ends. Where there is no KVM, skips WHAT and ends the script.
guest_bed_of_its_own()
{
	local why
	why=$(guest_no_kvm)
	if [ -n "$why" ]; then
		tap_skip "$1" "$why"
		tap_end
	fi
	work=$(mktemp -d) || exit 1
	export XDG_RUNTIME_DIR=$work/run
	mkdir -m 700 "$XDG_RUNTIME_DIR"
	trap '"$PTMM" stop --all > /dev/null 2>&1; rm -rf "$work"' EXIT
}

# guest_add LABEL CPUS APPEND PROGRAM [ARGS]...: for the next guest_run_*.
guest_add()
{
	guest_lines+=("$(printf '%q ' "$@")")
}

# Runs what was added, a guest each, on this machine.
guest_run_here()
{
	local why line words
	why=$(guest_no_kvm)
	for line in "${guest_lines[@]}"; do
		eval "words=($line)"
		if [ -n "$why" ]; then
			tap_skip "here, ${words[0]}: $(basename "${words[3]}")" "$why"
			continue
		fi
		guest_count tests/lib/sh/on_guest "here, ${words[0]}" "${words[@]:1}"
	done
	guest_lines=()
}

# The same in one boot of the second test bed.
guest_run_nested()
{
	local line words script files=() program seen=' ' out status
	script=$(mktemp) || exit 1
	out=$(mktemp) || exit 1
	echo 'export PTMM=/bin/ptmm TESTGUEST=/testguest.elf' > "$script"
	for line in "${guest_lines[@]}"; do
		eval "words=($line)"
		program=${words[3]}
		case $seen in
		*" $program "*) ;;
		*) seen="$seen$program "; files+=(--file "$program:/bin/$(basename "$program")") ;;
		esac
		words[0]="nested, ${words[0]}"
		words[3]=/bin/$(basename "$program")
		{ printf "/on_guest"; printf " '%s'" "${words[@]}"; echo; } >> "$script"
	done
	echo 'echo all-run' >> "$script"
	tests/guest/nested/run.sh --timeout "${NESTED_SECONDS:-900}" --mem 1024 \
		--file "$PTMM:/bin/ptmm" --file "$TESTGUEST:/testguest.elf" \
		--file tests/lib/sh/on_guest:/on_guest --file "$script:/script" \
		"${files[@]}" -- sh /script > "$out" 2> "$out.err"
	status=$?
	if [ "$status" -eq 77 ]; then
		for line in "${guest_lines[@]}"; do
			eval "words=($line)"
			tap_skip "nested, ${words[0]}: $(basename "${words[3]}")" \
				"$(sed -n 's/^SKIP: //p' "$out.err")"
		done
	else
		guest_count cat "$out"
		if ! grep -qx all-run "$out"; then
			sed 's/^/# /' "$out.err"
			tap_not_ok "nested: all guests are run" "status $status"
		fi
	fi
	rm -f "$script" "$out" "$out.err"
	guest_lines=()
}

# Prints a command's lines, and keeps count of those that say `not ok`.
guest_count()
{
	local line
	while IFS= read -r line; do
		printf '%s\n' "$line"
		case $line in "not ok "*) tap_failed=$((tap_failed + 1)) ;; esac
	done < <("$@" 2>&1)
}

# guest_matrix_BED PROGRAM [ARGS]...: the guests that every such program is run on.
# $GUEST_APPEND is added to each guest's command line.
guest_matrix_here()
{
	guest_add "1 vCPU" 1 "${GUEST_APPEND-}" "$@"
	guest_add "2 vCPUs" 2 "${GUEST_APPEND-}" "$@"
}

# Every value meets every other one: all eight in check-all, half of them in check.
guest_matrix_nested()
{
	local levels cpus pti tier
	while read -r levels cpus pti tier; do
		[ "$tier" = check ] || [ "${PTMM_TIER:-check}" = "$tier" ] || continue
		guest_add "$levels-level, $cpus vCPU, pti $pti" "$cpus" \
			"levels=$levels pti=$pti ${GUEST_APPEND-}" "$@"
	done <<- MATRIX
		4 1 off check
		4 2 on check
		5 1 on check
		5 2 off check
		4 1 on check-all
		4 2 off check-all
		5 1 off check-all
		5 2 on check-all
	MATRIX
}
