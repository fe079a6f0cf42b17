// SPDX-License-Identifier: GPL-2.0-only
/* test_inject.c - predictions and outcomes, over hand-made evidence. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "walker/inject/inject.h"

enum { MM_A, MM_B, MM_KERNEL_INIT, MMS };

static struct mm mms_list[MMS] = {
	[MM_A] = { .at = 0xffff888000010000, .kind = MM_USER },
	[MM_B] = { .at = 0xffff888000020000, .kind = MM_USER },
	[MM_KERNEL_INIT] = { .at = 0xffffffff81000000, .kind = MM_INIT },
};

static struct task task_list[] = {
	{ .at = 0xffff888000100000, .pid = 11, .tgid = 11,
	  .mm = 0xffff888000010000, .progress = 5 },
	{ .at = 0xffff888000101000, .pid = 12, .tgid = 12,
	  .mm = 0xffff888000020000, .progress = 5 },
	{ .at = 0xffff888000102000, .pid = 13, .tgid = 13, .mm = 0, .progress = 5 },
};

static struct kernel_mms world(void)
{
	return (struct kernel_mms){ .tasks = task_list, .task_count = 3, .mms = mms_list,
				    .mm_count = MMS, .init_mm = MM_KERNEL_INIT };
}

static struct inject_target owned_by_a(enum verdict verdict, gva_t recorded)
{
	return (struct inject_target){ .verdict = verdict, .recorded = recorded,
				       .owner_count = 1, .owners = { MM_A } };
}

static void test_predictions(void **state)
{
	(void)state;
	static const struct {
		enum verdict verdict;
		gva_t recorded;
		bool loaded;
		int recovers;
		enum outcome expected;
	} rows[] = {
		{ VERDICT_MATCH, 0xffff888000010000, false, 1, OUTCOME_OWNER_KILLED },
		{ VERDICT_MATCH, 0xffff888000010000, false, -1, OUTCOME_OWNER_KILLED },
		{ VERDICT_MATCH, 0xffff888000010000, false, 0, OUTCOME_GUEST_PANIC },
		{ VERDICT_MATCH, 0xffff888000010000, true, 1, OUTCOME_GUEST_RESET },
		{ VERDICT_SHARED, 0xffff888000010000, false, 1, OUTCOME_OWNER_KILLED },
		{ VERDICT_MISMATCH, 0xffff888000020000, false, 1, OUTCOME_BYSTANDER_KILLED },
		{ VERDICT_MISMATCH, 0xffffffff81000000, false, 1, OUTCOME_GUEST_PANIC },
		{ VERDICT_KERNEL, 0xffffffff81000000, false, 1, OUTCOME_GUEST_PANIC },
		{ VERDICT_UNSET, 0, false, 1, OUTCOME_GUEST_PANIC },
		{ VERDICT_STALE, 0xffff888000990000, false, 1, OUTCOME_GUEST_PANIC },
		{ VERDICT_CROSS_LINKED, 0xffff888000010000, false, 1, OUTCOME_OWNER_KILLED },
		{ VERDICT_CROSS_LINKED, 0xffff888000020000, false, 1, OUTCOME_BYSTANDER_KILLED },
		{ VERDICT_ORPHAN, 0, false, 1, OUTCOME_GUEST_PANIC },
		{ VERDICT_ORPHAN, 0xffff888000020000, false, 1, OUTCOME_BYSTANDER_KILLED },
		{ VERDICT_UNTYPED, 0, false, 1, OUTCOME_GUEST_PANIC },
	};
	struct kernel_mms mms = world();

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct inject_target target = owned_by_a(rows[i].verdict, rows[i].recorded);
		const char *why = NULL;

		target.loaded = rows[i].loaded;
		assert_int_equal(inject_predict(&target, &mms, rows[i].recovers, &why),
				 rows[i].expected);
		assert_non_null(why);
	}
}

/* A page that was freed while it was still linked. */
static void test_prediction_for_free_page(void **state)
{
	(void)state;
	struct kernel_mms mms = world();
	struct inject_target target = owned_by_a(VERDICT_UNTYPED, 0);
	const char *why;

	target.free = true;
	assert_int_equal(inject_predict(&target, &mms, 1, &why), OUTCOME_MASKED);
}

/* The owner, or whom the kernel takes for it, is init. */
static void test_prediction_for_init(void **state)
{
	(void)state;
	struct task init = { .at = 0xffff888000100000, .pid = 1, .tgid = 1,
			     .mm = 0xffff888000010000 };
	struct kernel_mms mms = world();
	struct inject_target target = owned_by_a(VERDICT_MATCH, 0xffff888000010000);
	const char *why;

	mms.tasks = &init;
	mms.task_count = 1;
	assert_int_equal(inject_predict(&target, &mms, 1, &why), OUTCOME_GUEST_PANIC);
	target.owners[0] = MM_B;
	assert_int_equal(inject_predict(&target, &mms, 1, &why), OUTCOME_OWNER_KILLED);
	target.verdict = VERDICT_MISMATCH;
	assert_int_equal(inject_predict(&target, &mms, 1, &why), OUTCOME_GUEST_PANIC);
}

static void test_ownership_of_tasks(void **state)
{
	(void)state;
	struct kernel_mms mms = world();
	struct inject_target target = owned_by_a(VERDICT_MATCH, 0);

	assert_true(inject_owns(&target, &mms, &task_list[0]));
	assert_false(inject_owns(&target, &mms, &task_list[1]));
	/* A kernel thread owns no user table. */
	assert_false(inject_owns(&target, &mms, &task_list[2]));
	target.owners[1] = MM_B;
	target.owner_count = 2;
	assert_true(inject_owns(&target, &mms, &task_list[1]));
}

static struct inject_evidence watch(struct task_witness *w)
{
	for (unsigned i = 0; i < 3; i++)
		w[i] = (struct task_witness){ .before = task_list[i], .owner = i == 0 };
	return (struct inject_evidence){ .tasks = w, .task_count = 3 };
}

static void test_fates(void **state)
{
	(void)state;
	struct task left[2] = { task_list[1], task_list[2] };
	struct kernel_mms after = { .tasks = left, .task_count = 2 };
	struct task_witness w[3];
	struct inject_evidence e = watch(w);
	int32_t killed[] = { 11 };

	left[0].progress = 9;
	inject_compare(&e, &after, killed, 1);
	assert_int_equal(w[0].fate, FATE_KILLED);
	assert_int_equal(w[1].fate, FATE_LIVES);
	assert_int_equal(w[2].fate, FATE_QUIET);
	assert_true(e.guest_moves);
	assert_int_equal(inject_classify(&e), OUTCOME_OWNER_KILLED);

	/* Gone without being killed: exited of its own accord, nobody's death. */
	e = watch(w);
	inject_compare(&e, &after, NULL, 0);
	assert_int_equal(w[0].fate, FATE_EXITED);
	assert_int_equal(inject_classify(&e), OUTCOME_MASKED);

	/* A new task that took over a dead one's pid is not the same task. */
	left[0].at = 0xffff888000777000;
	e = watch(w);
	inject_compare(&e, &after, killed, 1);
	assert_int_equal(w[1].fate, FATE_EXITED);
}

static void test_outcomes(void **state)
{
	(void)state;
	struct task_witness w[3];
	struct inject_evidence e = watch(w);

	assert_int_equal(inject_classify(&e), OUTCOME_GUEST_HANG);
	e.guest_moves = true;
	assert_int_equal(inject_classify(&e), OUTCOME_MASKED);
	w[0].fate = FATE_KILLED;
	assert_int_equal(inject_classify(&e), OUTCOME_OWNER_KILLED);
	w[1].fate = FATE_KILLED;
	assert_int_equal(inject_classify(&e), OUTCOME_BYSTANDER_KILLED);
	e.guest_ended = true;
	assert_int_equal(inject_classify(&e), OUTCOME_GUEST_ENDED);
	e.guest_panic = true;
	assert_int_equal(inject_classify(&e), OUTCOME_GUEST_PANIC);
	e.guest_reset = true;
	assert_int_equal(inject_classify(&e), OUTCOME_GUEST_RESET);
}

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < OUTCOMES; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(outcome_name(i), outcome_name(j));
	assert_string_equal(outcome_name((enum outcome)99), "?");
	assert_string_equal(task_fate_name(FATE_QUIET), "quiet");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_predictions),
		cmocka_unit_test(test_prediction_for_free_page),
		cmocka_unit_test(test_prediction_for_init),
		cmocka_unit_test(test_ownership_of_tasks),
		cmocka_unit_test(test_fates),
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
