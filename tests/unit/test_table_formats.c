// SPDX-License-Identifier: GPL-2.0-only
/*
 * What x86-64 does not need of the generic API, on a format made up for the
 * purpose: big-endian entries of four bytes, tables of 64 bytes that share a
 * frame, tables of two frames, tables whose entry tells their size, four roots
 * as PAE has them.
 *
 * A word: bit 0 present; bit 1 big, on level 1: the table below has 2048 entries
 * instead of 16; bit 2 writable; bits 31:6 address.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/lib/buffer_machine.h"
#include "walker/table/translate.h"
#include "walker/table/walk.h"

static enum pt_kind toy_kind(const struct pt_decode *d, unsigned level, uint64_t raw)
{
	(void)d;
	if (!(raw & 1))
		return PT_NONE;
	return level ? PT_TABLE : PT_LEAF;
}

static gpa_t toy_addr(const struct pt_decode *d, unsigned level, uint64_t raw)
{
	(void)d;
	(void)level;
	return raw & ~0x3full;
}

static unsigned toy_rights(const struct pt_decode *d, unsigned level, uint64_t raw)
{
	(void)d;
	(void)level;
	return raw & 4 ? PT_W : 0;
}

static struct pt_shape toy_child(const struct pt_decode *d, unsigned level, uint64_t raw)
{
	(void)d;
	(void)level;
	return (struct pt_shape) { .index_bits = raw & 2 ? 11 : 4, .entry_lg2 = 2 };
}

/* 12 bits of page, 11 of level 0, 4 of level 1: a root serves 27 bits. */
static const struct pt_format toy = {
	.name = "toy",
	.levels = 2,
	.va_bits = 29,
	.big_endian = true,
	.level = {
		{ "pte", "L0", 12, true, { 11, 2 } },
		{ "pmd", "L1", 23, false, { 4, 2 } },
	},
	.entry_kind = toy_kind,
	.entry_addr = toy_addr,
	.entry_rights = toy_rights,
	.child_shape = toy_child,
};

static void set(struct machine *m, gpa_t at, uint32_t value)
{
	uint8_t *to = buffer_machine_at(m, at);

	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/*
 * Four roots of 128 MiB side by side in one frame. The second has a large table
 * below its entry 3, over the frames 4 and 5, and a small one below its entry 4.
 */
static struct machine *toy_machine(struct pt_space *s)
{
	struct machine *m = buffer_machine_simple(0x10000);

	memset(s, 0, sizeof(*s));
	s->decode.format = &toy;
	s->roots = 4;
	for (unsigned i = 0; i < 4; i++)
		s->root[i] = (struct pt_root) {
			.gpa = 0x1000 + 0x40 * i,
			.first = (gva_t)i << 27,
			.last = ((gva_t)i << 27) + (1u << 27) - 1,
			.mode = PT_MODE_ANY,
		};
	set(m, 0x1040 + 4 * 3, 0x4000 | 7);
	set(m, 0x1040 + 4 * 4, 0x2040 | 1);
	set(m, 0x4000, 0x8000 | 5);
	set(m, 0x4000 + 4 * 1500, 0x9000 | 5);	/* in the table's second frame */
	set(m, 0x4000 + 4 * 2047, 0xa000 | 1);
	set(m, 0x2040 + 4 * 15, 0xb000 | 5);
	return m;
}

static const gva_t SECOND = 1ull << 27;
static const gva_t LARGE = (1ull << 27) + (3ull << 23);
static const gva_t SMALL = (1ull << 27) + (4ull << 23);

static void translate_toy(void **state)
{
	static const struct {
		gva_t offset;
		gpa_t gpa;
		unsigned rights;
	} pages[] = {
		{ (3ull << 23) + 0x123, 0x8123, PT_W },
		{ (3ull << 23) + 4096 * 1500, 0x9000, PT_W },
		{ (3ull << 23) + 4096 * 2047 + 0xfff, 0xafff, 0 },
		{ (4ull << 23) + 4096 * 15, 0xb000, 0 },
	};
	struct pt_translation t;
	struct pt_space s;
	struct machine *m = toy_machine(&s);

	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		assert_int_equal(pt_translate(m, &s, SECOND + pages[i].offset, PT_MODE_ANY, &t),
				 PT_MAPPED);
		assert_int_equal(t.gpa, pages[i].gpa);
		assert_int_equal(t.rights, pages[i].rights);
		assert_int_equal(t.depth, 2);
		/* The same place below another root is another address. */
		assert_int_equal(pt_translate(m, &s, pages[i].offset, PT_MODE_ANY, &t),
				 PT_NOT_MAPPED);
	}
	/* Behind the small table's 16 entries nothing is mapped; it does not start again. */
	assert_int_equal(pt_translate(m, &s, SMALL + 4096 * 31, PT_MODE_ANY, &t), PT_NOT_MAPPED);
	assert_int_equal(t.depth, 1);
	assert_int_equal(pt_translate(m, &s, 1ull << 29, PT_MODE_ANY, &t), PT_NOT_MAPPED);
	assert_false(t.canonical);
	machine_close(m);
}

struct sum {
	uint64_t mapped, holes, unwalked;
	unsigned leaves, tables, unwalked_calls;
	uint64_t table_bytes;
	gva_t next;
	bool tiles;
};

static void tile(struct sum *s, gva_t first, gva_t last)
{
	if (first != s->next)
		s->tiles = false;
	s->next = last + 1;
}

static enum pt_action sum_enter(void *ctx, const struct pt_cursor *c, struct pt_table t)
{
	struct sum *s = ctx;

	(void)c;
	s->tables++;
	s->table_bytes += pt_table_size(t);
	return PT_CONTINUE;
}

static enum pt_action sum_entry(void *ctx, const struct pt_cursor *c, struct pt_entry e,
				enum pt_kind kind, gva_t first, gva_t last)
{
	struct sum *s = ctx;

	(void)c;
	(void)e;
	if (kind == PT_LEAF) {
		tile(s, first, last);
		s->leaves++;
		s->mapped += last - first + 1;
	}
	return PT_CONTINUE;
}

static enum pt_action sum_hole(void *ctx, const struct pt_cursor *c, unsigned level,
			       gva_t first, gva_t last)
{
	struct sum *s = ctx;

	(void)c;
	(void)level;
	tile(s, first, last);
	s->holes += last - first + 1;
	return PT_CONTINUE;
}

static enum pt_action sum_unwalked(void *ctx, const struct pt_cursor *c, struct pt_table t,
				   enum pt_way why, gva_t first, gva_t last)
{
	struct sum *s = ctx;

	(void)c;
	(void)t;
	(void)why;
	tile(s, first, last);
	s->unwalked_calls++;
	s->unwalked += last - first + 1;
	return PT_CONTINUE;
}

static const struct pt_walk_ops sum_ops = {
	.table_enter = sum_enter,
	.entry = sum_entry,
	.hole = sum_hole,
	.unwalked = sum_unwalked,
};

static void walk_toy(void **state)
{
	struct sum sum = { .tiles = true };
	struct pt_space s;
	struct machine *m = toy_machine(&s);
	struct pt_walk w = {
		.machine = m, .space = &s, .first = 0, .last = UINT64_MAX,
		.ops = &sum_ops, .ctx = &sum,
	};
	struct err e;

	(void)state;
	assert_true(pt_walk(&w, &e));
	assert_int_equal(sum.leaves, 4);
	assert_int_equal(sum.tables, 6);
	assert_int_equal(sum.table_bytes, 4 * 64 + 8192 + 64);
	assert_int_equal(sum.mapped, 4 * 4096);
	/* The small table's slot is tiled too, with a hole behind the table. */
	assert_true(sum.tiles);
	assert_int_equal(sum.next, 1 << 29);
	assert_int_equal(sum.mapped + sum.holes, 1 << 29);

	/* Half of the large table cannot be read: that half is told, and no more. */
	sum = (struct sum) { .tiles = true, .next = LARGE };
	w.first = LARGE;
	w.last = LARGE + (1 << 23) - 1;
	buffer_machine_set_unreadable(m, 5);
	assert_true(pt_walk(&w, &e));
	assert_true(sum.tiles);
	assert_int_equal(sum.next, SMALL);
	assert_int_equal(sum.leaves, 1);
	assert_int_equal(sum.unwalked_calls, 1);
	assert_int_equal(sum.unwalked, 1024 * 4096);

	/* The other half. */
	sum = (struct sum) { .tiles = true, .next = LARGE };
	buffer_machine_clear_unreadable(m);
	buffer_machine_set_unreadable(m, 4);
	assert_true(pt_walk(&w, &e));
	assert_true(sum.tiles);
	assert_int_equal(sum.leaves, 2);
	assert_int_equal(sum.unwalked, 1024 * 4096);

	/* One of its frames is no RAM: the whole table is broken. */
	set(m, 0x1040 + 4 * 3, 0xf000 | 7);
	sum = (struct sum) { .tiles = true, .next = LARGE };
	assert_true(pt_walk(&w, &e));
	assert_true(sum.tiles);
	assert_int_equal(sum.leaves, 0);
	assert_int_equal(sum.unwalked, 1 << 23);
	machine_close(m);
}

static void scan_toy(void **state)
{
	struct pt_scan scan;
	struct pt_space s;
	struct machine *m = toy_machine(&s);

	(void)state;
	pt_scan(&s.decode, 0, buffer_machine_at(m, 0x4000), &scan);
	assert_int_equal(scan.count[PT_LEAF], 3);
	assert_int_equal(scan.count[PT_NONE], 2045);
	pt_scan(&s.decode, 1, buffer_machine_at(m, 0x1040), &scan);
	assert_int_equal(scan.count[PT_TABLE], 2);
	assert_int_equal(scan.count[PT_NONE], 14);
	assert_int_equal(scan.tables[0], 3 << 3);
	machine_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(translate_toy),
		cmocka_unit_test(walk_toy),
		cmocka_unit_test(scan_toy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
