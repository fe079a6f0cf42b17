// SPDX-License-Identifier: GPL-2.0-only
/* The walk and the cursor: order and completeness against the reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/random_tree.h"
#include "walker/table/walk.h"

enum { TREES = 10000 };

static struct ref_events got, want, pulled;

static void record(struct ref_events *to, struct ref_event e)
{
	if (to->count == REF_EVENTS_MAX) {
		fprintf(stderr, "too many events\n");
		abort();
	}
	to->event[to->count++] = e;
}

static struct ref_event entry_event(const struct pt_cursor *c, struct pt_entry e,
				    enum pt_kind kind, gva_t first, gva_t last)
{
	return (struct ref_event) {
		.type = REF_ENTRY, .level = e.level, .gpa = e.at, .raw = e.raw,
		.kind = (enum ref_kind)kind, .first = first, .last = last,
		.w = c->rights & PT_W, .u = c->rights & PT_U, .x = c->rights & PT_X,
	};
}

static enum pt_action on_enter(void *ctx, const struct pt_cursor *c, struct pt_table t)
{
	assert_int_equal(c->level, t.level);
	record(ctx, (struct ref_event) { .type = REF_ENTER, .level = t.level, .gpa = t.gpa });
	return PT_CONTINUE;
}

static enum pt_action on_leave(void *ctx, const struct pt_cursor *c, struct pt_table t)
{
	assert_int_equal(c->level, t.level);
	record(ctx, (struct ref_event) { .type = REF_LEAVE, .level = t.level, .gpa = t.gpa });
	return PT_CONTINUE;
}

static enum pt_action on_entry(void *ctx, const struct pt_cursor *c, struct pt_entry e,
			       enum pt_kind kind, gva_t first, gva_t last)
{
	/* The path above leads here. */
	for (unsigned level = e.level + 1u; level < c->space->decode.format->levels; level++)
		assert_int_equal(pt_entry_addr(&c->space->decode, c->step[level].entry),
				 c->step[level - 1].table.gpa);
	record(ctx, entry_event(c, e, kind, first, last));
	return PT_CONTINUE;
}

static enum pt_action on_hole(void *ctx, const struct pt_cursor *c, unsigned level,
			      gva_t first, gva_t last)
{
	record(ctx, (struct ref_event) {
		.type = REF_HOLE, .level = (int)level, .gpa = c->step[level].table.gpa,
		.first = first, .last = last });
	return PT_CONTINUE;
}

static enum pt_action on_unwalked(void *ctx, const struct pt_cursor *c, struct pt_table t,
				  enum pt_way why, gva_t first, gva_t last)
{
	struct ref_event e = { .level = t.level, .gpa = t.gpa, .first = first, .last = last };

	(void)c;
	switch (why) {
	case PT_WAY_OUTSIDE_RAM:
		e.type = REF_OUTSIDE_RAM;
		break;
	case PT_WAY_UNREADABLE:
		e.type = REF_NOT_READ;
		break;
	case PT_WAY_AGAIN:
		e.type = REF_AGAIN;
		break;
	default:
		fail_msg("unwalked: %s", pt_way_name(why));
	}
	record(ctx, e);
	return PT_CONTINUE;
}

static const struct pt_walk_ops record_ops = {
	.table_enter = on_enter,
	.table_leave = on_leave,
	.entry = on_entry,
	.hole = on_hole,
	.unwalked = on_unwalked,
};

static bool same_event(const struct ref_event *a, const struct ref_event *b)
{
	return a->type == b->type && a->level == b->level && a->gpa == b->gpa &&
	       a->raw == b->raw && a->kind == b->kind && a->w == b->w && a->u == b->u &&
	       a->x == b->x && a->first == b->first && a->last == b->last;
}

static void print_event(const char *who, const struct ref_events *events, size_t i)
{
	const struct ref_event *e = &events->event[i];

	if (i >= events->count) {
		printf("%s: no event %zu\n", who, i);
		return;
	}
	printf("%s: event %zu: type %d level %d gpa 0x%llx raw 0x%llx kind %d rights %d%d%d "
	       "0x%llx-0x%llx\n", who, i, e->type, e->level, (unsigned long long)e->gpa,
	       (unsigned long long)e->raw, e->kind, e->w, e->u, e->x,
	       (unsigned long long)e->first, (unsigned long long)e->last);
}

static void compare(const struct random_tree *t, const char *who,
		    const struct ref_events *a, const struct ref_events *b)
{
	size_t i = 0;

	while (i < a->count && i < b->count && same_event(&a->event[i], &b->event[i]))
		i++;
	if (i == a->count && i == b->count)
		return;
	print_event(who, a, i);
	print_event("reference", b, i);
	fail_msg("PTMM_SEED=%llu: %s and the reference differ", (unsigned long long)t->seed, who);
}

/* Entries that are no walked tables, holes and unwalked parts tile the range. */
static void check_tiles(const struct random_tree *t, const struct ref_events *events,
			gva_t first, gva_t last)
{
	gva_t negative = t->cpu.levels == 5 ? 0xff00000000000000ull : 0xffff800000000000ull;
	gva_t next = first;
	bool done = false;

	if (next > ~negative && next < negative)
		next = negative;
	if (last > ~negative && last < negative)
		last = ~negative;
	if (next > last)
		done = true;
	for (size_t i = 0; i < events->count; i++) {
		const struct ref_event *e = &events->event[i];

		if (e->type == REF_ENTER || e->type == REF_LEAVE)
			continue;
		if (e->type == REF_ENTRY && e->kind == REF_TABLE)
			continue;
		if (done || e->first != next || e->last < e->first)
			fail_msg("PTMM_SEED=%llu: tile 0x%llx where 0x%llx is due",
				 (unsigned long long)t->seed, (unsigned long long)e->first,
				 (unsigned long long)next);
		done = e->last == last;
		next = e->last + 1;
		if (next == ~negative + 1)
			next = negative;
	}
	assert_true(done);
}

/* The same events by pulling. */
static void pull(struct random_tree *t, gva_t first, gva_t last)
{
	struct pt_visited visited = { 0 };
	struct pt_cursor c;
	enum pt_way way;

	pulled.count = 0;
	pt_cursor_init(&c, t->machine, &t->space);
	c.visited = &visited;
	way = pt_cursor_start(&c, 0, first, last);
	assert_true(way == PT_WAY_OPEN || way == PT_WAY_CLOSED);
	while (way == PT_WAY_OPEN) {
		struct pt_table table = c.step[c.level].table, below;
		struct pt_cursor before;

		switch (pt_cursor_next(&c)) {
		case PT_ITEM_HOLE:
			on_hole(&pulled, &c, c.level, c.item_first, c.item_last);
			break;
		case PT_ITEM_UNREADABLE:
			on_unwalked(&pulled, &c, table, PT_WAY_UNREADABLE, c.item_first,
				    c.item_last);
			break;
		case PT_ITEM_TABLE_END:
			if (!pt_cursor_up(&c))
				way = PT_WAY_CLOSED;
			break;
		case PT_ITEM_ENTRY:
			on_entry(&pulled, &c, c.entry, c.kind, c.item_first, c.item_last);
			before = c;
			switch (pt_cursor_down(&c)) {
			case PT_WAY_OPEN:
				break;
			case PT_WAY_CLOSED:
				assert_int_not_equal(before.kind, PT_TABLE);
				break;
			case PT_WAY_OUTSIDE_RAM:
				assert_true(pt_child(&t->space.decode, before.entry, &below));
				on_unwalked(&pulled, &c, below, PT_WAY_OUTSIDE_RAM,
					    before.item_first, before.item_last);
				break;
			default:
				assert_true(pt_child(&t->space.decode, before.entry, &below));
				on_unwalked(&pulled, &c, below, PT_WAY_AGAIN,
					    before.item_first, before.item_last);
				break;
			}
			break;
		}
	}
	pt_cursor_close(&c);
	pt_visited_free(&visited);
}

static void without_tables(struct ref_events *events)
{
	size_t to = 0;

	for (size_t i = 0; i < events->count; i++)
		if (events->event[i].type != REF_ENTER && events->event[i].type != REF_LEAVE)
			events->event[to++] = events->event[i];
	events->count = to;
}

static void check_range(struct random_tree *t, gva_t first, gva_t last)
{
	struct pt_walk w = {
		.machine = t->machine, .space = &t->space, .first = first, .last = last,
		.ops = &record_ops, .ctx = &got,
	};
	struct err e;

	got.count = 0;
	assert_true(pt_walk(&w, &e));
	assert_false(w.stopped);
	assert_false(w.budget_spent);
	ref_walk(&t->cpu, &t->memory, t->cr3, first, last, &want);
	if (!got.count) {
		/* Nothing canonical: the reference enters the root all the same. */
		gva_t canonical_first = first, canonical_last = last;

		assert_false(pt_clip_canonical(t->space.decode.format, &canonical_first,
					       &canonical_last));
		return;
	}
	compare(t, "walk", &got, &want);
	check_tiles(t, &got, first, last);

	pull(t, first, last);
	without_tables(&want);
	compare(t, "cursor", &pulled, &want);
}

static void walk_equals_reference(void **state)
{
	uint64_t seed = random_seed(__func__);

	(void)state;
	for (unsigned i = 0; i < TREES; i++) {
		struct random_tree t;
		gva_t a, b;

		random_tree_make(&t, seed + i);
		if (i % 4 == 0)
			check_range(&t, 0, UINT64_MAX);
		a = random_tree_address(&t);
		b = random_tree_address(&t);
		check_range(&t, a < b ? a : b, a < b ? b : a);
		check_range(&t, a, a);
		assert_int_equal(buffer_machine_views(t.machine), 0);
		random_tree_free(&t);
	}
}

/* Seeking anywhere and going down as far as it goes gives the translation's path. */
static void seek_equals_translate(void **state)
{
	uint64_t seed = random_seed(__func__);
	struct random_tree t;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		struct pt_cursor c;

		random_tree_make(&t, seed + i);
		pt_cursor_init(&c, t.machine, &t.space);
		assert_int_equal(pt_cursor_start(&c, 0, 0, UINT64_MAX), PT_WAY_OPEN);
		for (unsigned n = 0; n < 50; n++) {
			gva_t va = random_tree_address(&t);
			struct ref_translation r;
			enum pt_item item;

			ref_translate(&t.cpu, &t.memory, t.cr3, va, &r);
			if (r.outcome == REF_NOT_CANONICAL) {
				assert_false(pt_cursor_seek(&c, va));
				continue;
			}
			do {
				assert_true(pt_cursor_seek(&c, va));
				item = pt_cursor_next(&c);
				assert_true(va >= c.item_first && va <= c.item_last);
			} while (item == PT_ITEM_ENTRY && pt_cursor_down(&c) == PT_WAY_OPEN);
			/* A table outside RAM is not entered: one level up from where r ended. */
			if (r.outcome == REF_MALFORMED && r.kind == REF_TABLE)
				assert_int_equal(c.level, r.level + 1);
			else
				assert_int_equal(c.level, r.level);
			assert_int_equal(item == PT_ITEM_HOLE,
					 r.outcome == REF_NOT_MAPPED && r.kind == REF_NONE);
			assert_int_equal(item == PT_ITEM_UNREADABLE, r.outcome == REF_UNREADABLE);
			if (item == PT_ITEM_ENTRY)
				assert_int_equal(c.entry.raw, r.entry[r.entries - 1]);
		}
		pt_cursor_close(&c);
		random_tree_free(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walk_equals_reference),
		cmocka_unit_test(seek_equals_translate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
