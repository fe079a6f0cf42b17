#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# inventory.sh - the census equals the guest's own books; owners do not come from
# what the guest recorded. 4 levels here, 4 and 5 levels with and without PTI nested.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh
. tests/lib/sh/guest.sh
pauses=20
[ "${PTMM_TIER:-check}" = check ] || pauses=200

for bed in here nested; do
	"guest_matrix_$bed" "$BUILD/tests/guest/inventory"
	"guest_matrix_$bed" "$BUILD/tests/guest/scramble"
	GUEST_APPEND=churn "guest_matrix_$bed" "$BUILD/tests/guest/inventory" "$pauses"
	"guest_run_$bed"
done
tap_end
