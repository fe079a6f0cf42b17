#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# translate.sh - our translation equals KVM's, 10,000 addresses a guest.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh
. tests/lib/sh/guest.sh

program=$BUILD/tests/guest/translate

guest_matrix_here "$program" 10000
guest_run_here
# A KVM_TRANSLATE there takes a millisecond or two: two corners of the matrix do for check.
if [ "${PTMM_TIER:-check}" = check ]; then
	guest_add "4-level, 1 vCPU, pti off" 1 "levels=4 pti=off" "$program" 10000
	guest_add "5-level, 2 vCPU, pti on" 2 "levels=5 pti=on" "$program" 10000
else
	guest_matrix_nested "$program" 10000
fi
guest_run_nested
tap_end
