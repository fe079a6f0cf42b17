// SPDX-License-Identifier: GPL-2.0-only
/* test_verdict.c - the table of verdicts, all of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "walker/owner/census_impl.h"

#define ANY (-1)

/* The design's table, as data: first line that fits. */
static const struct line {
	int in_flight, unreadable, reach, recorded, typed;
	enum verdict verdict;
} lines[] = {
	{ 1, ANY, ANY, ANY, ANY, VERDICT_IN_FLIGHT },
	{ 0, 1, ANY, ANY, ANY, VERDICT_UNREADABLE },
	{ 0, 0, REACH_DEPOSIT, ANY, ANY, VERDICT_DEPOSITED },
	{ 0, 0, REACH_NONE, ANY, ANY, VERDICT_ORPHAN },
	{ 0, 0, REACH_KERNEL, RECORDED_OTHER, ANY, VERDICT_MISMATCH },
	{ 0, 0, REACH_KERNEL, RECORDED_GARBAGE, ANY, VERDICT_STALE },
	{ 0, 0, REACH_KERNEL, RECORDED_NUMBER, ANY, VERDICT_STALE },
	{ 0, 0, REACH_KERNEL, ANY, ANY, VERDICT_KERNEL },
	{ 0, 0, REACH_PTI_ROOT, ANY, ANY, VERDICT_PTI_USER },
	{ 0, 0, REACH_CROSS, ANY, ANY, VERDICT_CROSS_LINKED },
	{ 0, 0, REACH_SHARED, ANY, ANY, VERDICT_SHARED },
	{ 0, 0, REACH_ONE, ANY, TYPED_NO, VERDICT_UNTYPED },
	{ 0, 0, REACH_ONE, RECORDED_NOT_HERE, ANY, VERDICT_UNRECORDED },
	{ 0, 0, REACH_ONE, RECORDED_NUMBER, ANY, VERDICT_NOT_A_POINTER },
	{ 0, 0, REACH_ONE, RECORDED_NOTHING, ANY, VERDICT_UNSET },
	{ 0, 0, REACH_ONE, RECORDED_RESERVED, ANY, VERDICT_UNSET },
	{ 0, 0, REACH_ONE, RECORDED_GARBAGE, ANY, VERDICT_STALE },
	{ 0, 0, REACH_ONE, RECORDED_OTHER, ANY, VERDICT_MISMATCH },
	{ 0, 0, REACH_ONE, RECORDED_INIT, ANY, VERDICT_MISMATCH },
	{ 0, 0, REACH_ONE, RECORDED_OWN, ANY, VERDICT_MATCH },
};

#define LINES (sizeof(lines) / sizeof(lines[0]))

static bool fits(int wanted, int got)
{
	return wanted == ANY || wanted == got;
}

static void test_every_combination(void **state)
{
	bool used[LINES] = { false };

	(void)state;
	for (int n = 0; n < 4 * REACHES * RECORDEDS * TYPEDS; n++) {
		struct verdict_facts f = {
			.in_flight = n & 1, .unreadable = n >> 1 & 1,
			.reach = (enum reach)(n / 4 % REACHES),
			.recorded = (enum recorded)(n / 4 / REACHES % RECORDEDS),
			.typed = (enum typed)(n / 4 / REACHES / RECORDEDS),
		};
		size_t i = 0;

		while (i < LINES && !(fits(lines[i].in_flight, f.in_flight) &&
				      fits(lines[i].unreadable, f.unreadable) &&
				      fits(lines[i].reach, (int)f.reach) &&
				      fits(lines[i].recorded, (int)f.recorded) &&
				      fits(lines[i].typed, (int)f.typed)))
			i++;
		assert_true(i < LINES);
		used[i] = true;
		assert_int_equal(verdict_of(&f), lines[i].verdict);
	}
	for (size_t i = 0; i < LINES; i++)
		assert_true(used[i]);
}

static void test_names(void **state)
{
	(void)state;
	for (int v = 0; v < VERDICTS; v++)
		assert_int_equal(verdict_by_name(verdict_name((enum verdict)v)), v);
	assert_int_equal(verdict_by_name("no-such"), -1);
	assert_int_equal(verdict_by_name(""), -1);
	assert_string_equal(verdict_name(VERDICT_IN_FLIGHT), "in-flight");
	assert_string_equal(verdict_name(VERDICT_CROSS_LINKED), "cross-linked");
	assert_string_equal(verdict_name(VERDICT_NOT_A_POINTER), "not-a-pointer");
	assert_string_equal(verdict_name(VERDICT_PTI_USER), "pti-user");
	assert_string_equal(verdict_name(VERDICTS), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_combination),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
