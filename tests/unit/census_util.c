// SPDX-License-Identifier: GPL-2.0-only
/* census_util.c - see census_util.h. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/census_util.h"

struct census *util_census(struct synth_guest *g, const struct census_options *options)
{
	struct err err = { 0 };
	struct census *c = census_take(synth_kernel(g), options, &err);

	if (!c)
		fail_msg("no census: %s", err.message);
	return c;
}

struct census_row util_row(const struct census *c, pfn_t pfn)
{
	int64_t at = census_find(c, pfn, -1);
	struct census_row row;

	if (at < 0)
		fail_msg("no row for frame 0x%llx", (unsigned long long)pfn);
	census_row(c, (size_t)at, &row);
	assert_int_equal(row.pfn, pfn);
	return row;
}

size_t util_count(const struct census *c, enum verdict verdict)
{
	size_t count = 0;

	for (size_t i = 0; i < census_tables(c); i++) {
		struct census_row row;

		census_row(c, i, &row);
		count += row.verdict == verdict;
	}
	return count;
}

size_t util_count_findings(const struct findings *f, const char *check)
{
	size_t count = 0;

	for (size_t i = 0; i < f->count; i++)
		count += !strcmp(f->list[i].check, check);
	return count;
}

void util_assert_fine(struct synth_guest *g, const struct census *c)
{
	struct findings findings;
	struct err err = { 0 };

	for (int v = 0; v < VERDICTS; v++) {
		size_t count = util_count(c, (enum verdict)v);

		if (count && v != VERDICT_MATCH && v != VERDICT_KERNEL && v != VERDICT_SHARED &&
		    v != VERDICT_DEPOSITED && v != VERDICT_PTI_USER && v != VERDICT_UNRECORDED)
			fail_msg("%zu rows are %s", count, verdict_name((enum verdict)v));
	}
	assert_true(check_run(c, synth_kernel(g), &findings, &err));
	for (size_t i = 0; i < findings.count; i++)
		print_message("%s: %s\n", findings.list[i].check, findings.list[i].message);
	assert_int_equal(findings.count, 0);
	assert_int_equal(findings.dropped, 0);
	findings_free(&findings);
}

uint64_t util_random(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}
