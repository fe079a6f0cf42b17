// SPDX-License-Identifier: GPL-2.0-only
/*
 * What bounds a walk, what its operations may say, several roots: on trees made
 * by hand, hostile ones among them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/random_tree.h"
#include "walker/table/walk.h"

static const struct pt_space five_levels = {
	.decode = {
		.format = &pt_x86_5level, .soft = &pt_soft_linux_x86, .maxphyaddr = 46,
		.nx = true, .huge_1g = true,
	},
};

static const struct pt_walk_ops no_ops;

/* Every entry of one table points to the table itself: five visits, not 512^4. */
static void self_map_is_bounded(void **state)
{
	struct machine *m = buffer_machine_simple(1 << 20);
	struct pt_walk w = { .machine = m, .last = UINT64_MAX, .ops = &no_ops };
	struct pt_space s;
	struct err e;

	(void)state;
	x86_space_of_pgd(&s, 0x1000, &five_levels);
	w.space = &s;
	for (unsigned i = 0; i < 512; i++)
		buffer_machine_set(m, 0x1000 + 8 * i, 0x1067);
	assert_true(pt_walk(&w, &e));
	assert_int_equal(w.tables, 5);
	assert_false(w.budget_spent);

	/* All 256 frames point to all 256 frames: each once per level. */
	for (unsigned frame = 0; frame < 256; frame++)
		for (unsigned i = 0; i < 512; i++)
			buffer_machine_set(m, 4096 * frame + 8 * i, (i % 256) << 12 | 0x67);
	assert_true(pt_walk(&w, &e));
	assert_int_equal(w.tables, 1 + 4 * 256);
	assert_false(w.budget_spent);

	/* A small budget ends it earlier, and says so. */
	w.budget = 100;
	assert_true(pt_walk(&w, &e));
	assert_int_equal(w.tables, 100);
	assert_true(w.budget_spent);
	machine_close(m);
}

struct spans {
	uint64_t entries, unwalked, holes, calls;
	unsigned stop_at;
	enum pt_action at_table;
	enum pt_way why;
	unsigned roots_seen;
};

static enum pt_action span_enter(void *ctx, const struct pt_cursor *c, struct pt_table t)
{
	struct spans *s = ctx;

	(void)t;
	s->roots_seen |= 1u << c->root;
	s->calls++;
	return PT_CONTINUE;
}

static enum pt_action span_entry(void *ctx, const struct pt_cursor *c, struct pt_entry e,
				 enum pt_kind kind, gva_t first, gva_t last)
{
	struct spans *s = ctx;

	(void)c;
	(void)e;
	s->calls++;
	if (s->stop_at && s->calls >= s->stop_at)
		return PT_STOP;
	if (kind == PT_TABLE && s->at_table == PT_CONTINUE)
		return PT_CONTINUE;
	s->entries += last - first + 1;
	return PT_SKIP;
}

static enum pt_action span_hole(void *ctx, const struct pt_cursor *c, unsigned level,
				gva_t first, gva_t last)
{
	struct spans *s = ctx;

	(void)c;
	(void)level;
	s->calls++;
	s->holes += last - first + 1;
	return s->stop_at && s->calls >= s->stop_at ? PT_STOP : PT_CONTINUE;
}

static enum pt_action span_unwalked(void *ctx, const struct pt_cursor *c, struct pt_table t,
				    enum pt_way why, gva_t first, gva_t last)
{
	struct spans *s = ctx;

	(void)c;
	(void)t;
	s->calls++;
	s->why = why;
	s->unwalked += last - first + 1;
	return s->stop_at && s->calls >= s->stop_at ? PT_STOP : PT_CONTINUE;
}

static const struct pt_walk_ops span_ops = {
	.table_enter = span_enter,
	.entry = span_entry,
	.hole = span_hole,
	.unwalked = span_unwalked,
};

/* What the budget does not reach is told, and the tiles are still complete. */
static void budget_bites(void **state)
{
	uint64_t seed = random_seed(__func__);

	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		struct random_tree t;
		struct err e;

		random_tree_make(&t, seed + i);
		for (uint64_t budget = 1; budget < 12; budget++) {
			struct spans spans = { 0 };
			struct pt_walk w = {
				.machine = t.machine, .space = &t.space, .last = UINT64_MAX,
				.ops = &span_ops, .ctx = &spans, .budget = budget,
			};

			assert_true(pt_walk(&w, &e));
			assert_true(w.tables <= budget);
			assert_true(!w.budget_spent || w.tables == budget);
			assert_int_equal(spans.entries + spans.holes + spans.unwalked,
					 1ull << t.space.decode.format->va_bits);
		}
		random_tree_free(&t);
	}
}

static void actions_are_obeyed(void **state)
{
	struct machine *m = buffer_machine_simple(1 << 20);
	struct spans spans = { .at_table = PT_SKIP };
	struct pt_walk w = { .machine = m, .last = UINT64_MAX, .ops = &span_ops, .ctx = &spans };
	struct pt_space s;
	struct err e;

	(void)state;
	x86_space_of_pgd(&s, 0x1000, &five_levels);
	w.space = &s;
	for (gpa_t at = 0x1000; at < 0x5000; at += 0x1000) {
		buffer_machine_set(m, at, (at + 0x1000) | 0x67);
		buffer_machine_set(m, at + 8, 0x10000067);	/* outside RAM */
	}
	buffer_machine_set(m, 0x5000, 0x6067);

	assert_true(pt_walk(&w, &e));
	assert_int_equal(w.tables, 1);
	assert_int_equal(spans.entries, 2ull << 48);
	assert_int_equal(spans.unwalked, 0);
	assert_false(w.stopped);

	spans = (struct spans) { 0 };
	assert_true(pt_walk(&w, &e));
	assert_int_equal(w.tables, 5);
	assert_int_equal(spans.entries, 4096);
	assert_int_equal(spans.unwalked, (1ull << 48) + (1ull << 39) + (1ull << 30) + (1ull << 21));
	assert_int_equal(spans.why, PT_WAY_OUTSIDE_RAM);

	/* After PT_STOP, from whichever operation, nothing is called any more. */
	for (unsigned stop = 2, calls = (unsigned)spans.calls; stop < calls; stop++) {
		spans = (struct spans) { .stop_at = stop };
		assert_true(pt_walk(&w, &e));
		assert_true(w.stopped);
		assert_true(spans.calls == stop || spans.calls == stop + 1);
	}

	w.first = 2;
	w.last = 1;
	assert_false(pt_walk(&w, &e));
	assert_int_equal(e.code, ERR_USAGE);
	machine_close(m);
}

/* A root outside RAM: told once for each half, and not fatal. */
static void broken_roots_are_told(void **state)
{
	struct machine *m = buffer_machine_simple(1 << 20);
	struct spans spans = { 0 };
	struct pt_walk w = { .machine = m, .last = UINT64_MAX, .ops = &span_ops, .ctx = &spans };
	struct pt_space s;
	struct err e;

	(void)state;
	x86_space_of_pgd(&s, 0x40000000, &five_levels);
	w.space = &s;
	assert_true(pt_walk(&w, &e));
	assert_int_equal(spans.calls, 2);
	assert_int_equal(spans.unwalked, 1ull << 57);
	assert_int_equal(spans.why, PT_WAY_OUTSIDE_RAM);
	assert_int_equal(w.tables, 0);

	spans = (struct spans) { 0 };
	s.root[0].gpa = 0x1000;
	buffer_machine_set_unreadable(m, 1);
	assert_true(pt_walk(&w, &e));
	assert_int_equal(spans.unwalked, 1ull << 57);
	assert_int_equal(spans.why, PT_WAY_UNREADABLE);
	assert_int_equal(w.tables, 1);
	machine_close(m);
}

/* Page-table isolation: two roots that share a table; each root is walked whole. */
static void several_roots(void **state)
{
	struct machine *m = buffer_machine_simple(1 << 20);
	struct pt_visited visited = { 0 };
	struct spans spans = { 0 };
	struct pt_walk w = { .machine = m, .last = UINT64_MAX, .ops = &span_ops, .ctx = &spans };
	struct pt_space s;
	struct err e;

	(void)state;
	x86_space_of_pgd(&s, 0x2000, &five_levels);
	assert_true(x86_space_add_user_root(&s, 0x3000));
	w.space = &s;
	buffer_machine_set(m, 0x2000, 0x4067);
	buffer_machine_set(m, 0x3000, 0x4067);

	assert_true(pt_walk(&w, &e));
	assert_int_equal(w.tables, 4);
	assert_int_equal(spans.holes, 2ull << 57);
	assert_int_equal(spans.unwalked, 0);
	assert_int_equal(spans.roots_seen, 3);

	spans = (struct spans) { 0 };
	w.mode = PT_MODE_USER;
	assert_true(pt_walk(&w, &e));
	assert_int_equal(w.tables, 2);
	assert_int_equal(spans.roots_seen, 2);

	/* One set for all: the shared table is walked below the first root only. */
	spans = (struct spans) { 0 };
	w.mode = 0;
	w.visited = &visited;
	assert_true(pt_walk(&w, &e));
	assert_int_equal(w.tables, 3);
	assert_int_equal(spans.unwalked, 1ull << 48);
	assert_int_equal(spans.why, PT_WAY_AGAIN);
	pt_visited_free(&visited);
	machine_close(m);
}

static void visited_set(void **state)
{
	uint64_t random = random_seed(__func__);
	struct pt_visited v = { 0 };
	enum { MEMBERS = 5000 };
	static uint64_t gpa[MEMBERS];

	(void)state;
	assert_false(pt_visited_has(&v, 0, 0));
	/* Address 0 at level 0 and the highest frame are members like others. */
	assert_int_equal(pt_visited_add(&v, 0, 0), PT_VISIT_NEW);
	assert_int_equal(pt_visited_add(&v, UINT64_MAX - 4095, 4), PT_VISIT_NEW);
	assert_int_equal(pt_visited_add(&v, 0, 0), PT_VISIT_AGAIN);
	assert_int_equal(pt_visited_add(&v, 0, 1), PT_VISIT_NEW);
	for (unsigned i = 0; i < MEMBERS; i++) {
		gpa[i] = random_next(&random) & ~0xfffull;
		assert_int_equal(pt_visited_add(&v, gpa[i], i % 5), PT_VISIT_NEW);
	}
	for (unsigned i = 0; i < MEMBERS; i++)
		for (unsigned level = 0; level < 5; level++)
			assert_int_equal(pt_visited_has(&v, gpa[i], level), level == i % 5);
	v.limit = v.count;
	assert_int_equal(pt_visited_add(&v, 0x123000, 2), PT_VISIT_FULL);
	assert_int_equal(pt_visited_add(&v, gpa[7], 2), PT_VISIT_AGAIN);
	pt_visited_clear(&v);
	assert_false(pt_visited_has(&v, gpa[7], 2));
	assert_int_equal(v.limit, MEMBERS + 3);
	pt_visited_free(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(self_map_is_bounded),
		cmocka_unit_test(budget_bites),
		cmocka_unit_test(actions_are_obeyed),
		cmocka_unit_test(broken_roots_are_told),
		cmocka_unit_test(several_roots),
		cmocka_unit_test(visited_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
