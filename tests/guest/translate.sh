#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# translate.sh - our translation equals KVM's, 10,000 addresses a guest.
set -u
cd "$(dirname "$0")/../.." || exit 1
. tests/lib/sh/tap.sh
. tests/lib/sh/guest.sh

for bed in here nested; do
	"guest_matrix_$bed" "$BUILD/tests/guest/translate" 10000
	"guest_run_$bed"
done
tap_end
