# SPDX-License-Identifier: GPL-2.0-only
# Bash completion for ptmm: subcommands, options, their values, running guests.

_ptmm_guests()
{
	ptmm list 2>/dev/null | sed -n '2,$s/^\([^ ]*\).*/\1/p'
}

_ptmm_verdicts="in-flight unreadable deposited orphan kernel pti-user cross-linked shared
	untyped unrecorded not-a-pointer unset stale mismatch match"

_ptmm()
{
	local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}
	local command=${COMP_WORDS[1]} options=

	COMPREPLY=()
	if [ "$COMP_CWORD" -eq 1 ] || { [ "$command" = help ] && [ "$COMP_CWORD" -eq 2 ]; }; then
		COMPREPLY=($(compgen -W "run list stop report tables walk inject help
			--help --version" -- "$word"))
		return
	fi
	case $before in
	--format)
		case $command in
		inject | list) options="text json" ;;
		*) options="text json jsonl" ;;
		esac ;;
	--consistency) options="paused live" ;;
	--level | --recorded-at | --typed-at) options="pte pmd pud p4d pgd" ;;
	--verdict) options=$_ptmm_verdicts ;;
	--owner) options="user init_mm kernel taskless" ;;
	--sort) options="level pfn va owner verdict entries" ;;
	--signal) options="srao srar" ;;
	--moment) options="quiet any loaded unloaded" ;;
	--levels) options="4 5" ;;
	-o | --output | --console | --memory-map | --vmlinux | --symbols | --btf)
		COMPREPLY=($(compgen -f -- "$word"))
		return ;;
	--pid | --pfn | --va | --vcpu | --cr3 | --seed | --watch | --timeout | --name | --mem | \
	--cpus | --append | --ready-timeout) return ;;
	esac
	if [ -n "$options" ]; then
		COMPREPLY=($(compgen -W "$options" -- "$word"))
		return
	fi
	case $command in
	report) options="--format --output --consistency --recorded-at --typed-at --strict
		--all --memory-map --vmlinux --symbols --btf --help" ;;
	tables) options="--pid --level --verdict --owner --sort --format --output
		--consistency --memory-map --vmlinux --symbols --btf --help" ;;
	walk) options="--pid --kernel --vcpu --cr3 --format --output --consistency
		--levels --memory-map --vmlinux --symbols --btf --help" ;;
	inject) options="--pfn --pid --va --level --random --seed --signal --moment --vcpu
		--watch --timeout --format --output --vmlinux --symbols --btf --help" ;;
	run) options="--name --detach --ready-timeout --mem --cpus --append --console --help" ;;
	list) options="--libvirt --connect --format --help" ;;
	stop) options="--all --help" ;;
	*) options="--help" ;;
	esac
	case $word in
	-*) COMPREPLY=($(compgen -W "$options" -- "$word")) ;;
	*)
		case $command in
		run) COMPREPLY=($(compgen -f -- "$word")) ;;
		report | tables | walk)
			COMPREPLY=($(compgen -W "$(_ptmm_guests)" -- "${word#kvm:}")
				$(compgen -f -- "$word")) ;;
		stop | inject)
			COMPREPLY=($(compgen -W "$(_ptmm_guests)" -- "${word#kvm:}")) ;;
		esac ;;
	esac
}

complete -F _ptmm ptmm
