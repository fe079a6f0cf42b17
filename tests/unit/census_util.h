/* SPDX-License-Identifier: GPL-2.0-only */
/* census_util.h - what the tests of the census and of the checks share. */
#ifndef PTMM_TEST_CENSUS_UTIL_H
#define PTMM_TEST_CENSUS_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/synth_guest.h"
#include "walker/check/check.h"

/* A census of the guest as it is; fails the test if there is none. */
struct census *util_census(struct synth_guest *, const struct census_options *);
struct census_row util_row(const struct census *, pfn_t);	/* fails if there is no row */
size_t util_count(const struct census *, enum verdict);
size_t util_count_findings(const struct findings *, const char *check);
/* Nothing but match, kernel, shared, deposited, pti-user, unrecorded; no findings. */
void util_assert_fine(struct synth_guest *, const struct census *);

/* splitmix64; the same seed gives the same test. */
uint64_t util_random(uint64_t *seed);

#endif
