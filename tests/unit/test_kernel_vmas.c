// SPDX-License-Identifier: GPL-2.0-only
/* VMAs by list and by maple tree, sound and hostile; resident counters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/synth_internal.h"

enum { LEAF = 1, RANGE = 2, ARANGE = 3 };	/* enum maple_type */

static struct synth_guest *guest(enum synth_types types)
{
	struct synth_options o = { .types = types };

	return synth_new(&o);
}

static gva_t new_vma(struct synth_guest *g, gva_t mm, gva_t start, gva_t end)
{
	gva_t at = synth_object(g);

	synth_set(g, at, "vm_area_struct", "vm_mm", mm);
	synth_set(g, at, "vm_area_struct", "vm_start", start);
	synth_set(g, at, "vm_area_struct", "vm_end", end);
	synth_set(g, at, "vm_area_struct", "vm_flags", 0x75);
	return at;
}

static uint64_t enode(gva_t node, unsigned type)
{
	return node | type << 3 | 4;
}

static uint64_t root_of(gva_t node, unsigned type)
{
	return node | type << 3 | 2;
}

/* Slot i of a node, and where it ends; 0: no pivot (the node's own end). */
static void slot(struct synth_guest *g, gva_t node, unsigned type, unsigned i, uint64_t entry,
		 uint64_t last)
{
	const char *name = type == ARANGE ? "maple_arange_64" : "maple_range_64";

	synth_write_u64(g, synth_member(g, node, name, "slot") + 8 * i, entry);
	if (last)
		synth_write_u64(g, synth_member(g, node, name, "pivot") + 8 * i, last);
}

static void set_root(struct synth_guest *g, gva_t mm, uint64_t root)
{
	synth_set(g, mm, "mm_struct", "mm_mt.ma_root", root);
}

static size_t read_all(struct synth_guest *g, gva_t mm, struct vma **vmas)
{
	struct err err = { 0 };
	size_t count;

	if (!kernel_read_vmas(synth_kernel(g), mm, vmas, &count, &err))
		fail_msg("%s", err.message);
	return count;
}

static enum err_code read_fails(struct synth_guest *g, gva_t mm)
{
	struct err err = { 0 };
	struct vma *vmas;
	size_t count;

	assert_false(kernel_read_vmas(synth_kernel(g), mm, &vmas, &count, &err));
	assert_true(err.message[0]);
	return err.code;
}

static void test_list(void **state)
{
	struct synth_guest *g = guest(SYNTH_TYPES_5_10);
	gva_t mm = synth_mm(g);
	gva_t one = new_vma(g, mm, 0x400000, 0x401000), two = new_vma(g, mm, 0x401000, 0x500000);
	struct vma *v;

	(void)state;
	assert_int_equal(read_all(g, mm, &v), 0);
	free(v);
	synth_set(g, mm, "mm_struct", "mmap", one);
	synth_set(g, one, "vm_area_struct", "vm_next", two);
	synth_set(g, two, "vm_area_struct", "vm_file", 0xffff888000123000ull);
	assert_int_equal(read_all(g, mm, &v), 2);
	assert_int_equal(v[0].at, one);
	assert_int_equal(v[0].first, 0x400000);
	assert_int_equal(v[0].last, 0x400fff);
	assert_int_equal(v[0].flags, 0x75);
	assert_int_equal(v[1].last, 0x4fffff);
	assert_int_equal(v[1].file, 0xffff888000123000ull);
	free(v);
	synth_free(g);
}

/* Faults of a list of two, each by one word. */
static void test_list_hostile(void **state)
{
	static const struct {
		const char *member;	/* of the second VMA */
		uint64_t value;		/* 0: the first VMA itself */
	} rows[] = {
		{ .member = "vm_next" },
		{ .member = "vm_next", .value = 0xffffffffc0000000ull },
		{ .member = "vm_next", .value = 0x1000 },
		{ .member = "vm_next", .value = UINT64_MAX },
		{ .member = "vm_mm", .value = 0xffff888000001000ull },
		{ .member = "vm_end", .value = 0x401000 },
		{ .member = "vm_start", .value = 0x400800 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct synth_guest *g = guest(SYNTH_TYPES_5_10);
		gva_t mm = synth_mm(g), one = new_vma(g, mm, 0x400000, 0x401000);
		gva_t two = new_vma(g, mm, 0x401000, 0x500000);

		synth_set(g, mm, "mm_struct", "mmap", one);
		synth_set(g, one, "vm_area_struct", "vm_next", two);
		synth_set(g, two, "vm_area_struct", rows[i].member,
			  rows[i].value ? rows[i].value : one);
		assert_int_equal(read_fails(g, mm), ERR_MALFORMED);
		synth_free(g);
	}
}

/* Leaves end by a pivot at the node's end, by a pivot of 0, or with their last slot. */
static void test_tree(void **state)
{
	struct synth_guest *g = guest(SYNTH_TYPES_6_1);
	gva_t mm = synth_mm(g), root = synth_object(g), leaf[3], full[16];
	struct vma *v;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		leaf[i] = synth_object(g);
	assert_int_equal(read_all(g, mm, &v), 0);
	free(v);

	set_root(g, mm, root_of(root, ARANGE));
	slot(g, root, ARANGE, 0, enode(leaf[0], LEAF), 0x4fffff);
	slot(g, root, ARANGE, 1, enode(leaf[1], LEAF), 0x50ffff);
	slot(g, root, ARANGE, 2, enode(leaf[2], LEAF), 0);

	slot(g, leaf[0], LEAF, 0, 0, 0x3fffff);
	slot(g, leaf[0], LEAF, 1, new_vma(g, mm, 0x400000, 0x410000), 0x40ffff);
	slot(g, leaf[0], LEAF, 2, 0, 0x4fffff);
	/* What lies behind the end is garbage. */
	slot(g, leaf[0], LEAF, 3, 0xdead, 0xdead);

	for (unsigned i = 0; i < 16; i++) {
		gva_t start = 0x500000 + 0x1000 * i;

		full[i] = new_vma(g, mm, start, start + 0x1000);
		slot(g, leaf[1], LEAF, i, full[i], i < 15 ? start + 0xfff : 0);
	}
	slot(g, leaf[2], LEAF, 0, 0, 0x7fffffffdfff);
	slot(g, leaf[2], LEAF, 1, new_vma(g, mm, 0x7fffffffe000, 0x7ffffffff000), 0x7fffffffefff);
	/* A range reserved by a fork half-way (XA_ZERO_ENTRY) is no VMA. */
	slot(g, leaf[2], LEAF, 2, 257 << 2 | 2, 0x7ffffffff000);

	assert_int_equal(read_all(g, mm, &v), 18);
	assert_int_equal(v[0].first, 0x400000);
	assert_int_equal(v[16].at, full[15]);
	assert_int_equal(v[16].last, 0x50ffff);
	assert_int_equal(v[17].last, 0x7fffffffefff);
	free(v);
	synth_free(g);
}

/* A root with two leaves of one VMA each, broken by the row's function. */
struct tree {
	struct synth_guest *g;
	gva_t mm, root, leaf[2], vma[2];
};

static void self_root(struct tree *t)
{
	slot(t->g, t->root, ARANGE, 0, enode(t->root, ARANGE), 0);
}

static void self_leaf(struct tree *t)
{
	slot(t->g, t->root, ARANGE, 1, enode(t->root, RANGE), 0);
}

/* It is empty and fits any range, so that nothing else is wrong with it. */
static void leaf_twice(struct tree *t)
{
	gva_t empty = synth_object(t->g);

	slot(t->g, empty, LEAF, 0, 0, UINT64_MAX);
	slot(t->g, t->root, ARANGE, 0, enode(empty, LEAF), 0x4fffff);
	slot(t->g, t->root, ARANGE, 1, enode(empty, LEAF), 0);
}

static void unknown_type(struct tree *t)
{
	slot(t->g, t->root, ARANGE, 1, enode(t->leaf[1], 9), 0);
}

static void no_node(struct tree *t)
{
	slot(t->g, t->root, ARANGE, 1, 0, 0);
}

static void small_node(struct tree *t)
{
	slot(t->g, t->root, ARANGE, 1, 0x808, 0);
}

static void marked_node(struct tree *t)
{
	slot(t->g, t->root, ARANGE, 1, root_of(t->leaf[1], LEAF), 0);
}

static void pivots_back(struct tree *t)
{
	slot(t->g, t->leaf[0], LEAF, 1, 0, 0x300000);
}

static void root_value(struct tree *t)
{
	set_root(t->g, t->mm, 0x1002);
}

static void root_unmarked(struct tree *t)
{
	set_root(t->g, t->mm, enode(t->root, ARANGE));
}

static void vma_elsewhere(struct tree *t)
{
	synth_set(t->g, t->vma[1], "vm_area_struct", "vm_end", 0x602000);
}

static void vma_of_other(struct tree *t)
{
	synth_set(t->g, t->vma[1], "vm_area_struct", "vm_mm", synth_init_mm(t->g));
}

static void vma_to_user(struct tree *t)
{
	slot(t->g, t->leaf[1], LEAF, 1, 0x12340, 0);
}

static void node_nowhere(struct tree *t)
{
	slot(t->g, t->root, ARANGE, 1, enode(0xffffffffc0000000ull, LEAF), 0);
}

/* Each node leads to the next, which serves the same range, without end. */
static void too_deep(struct tree *t)
{
	gva_t node = t->root;

	for (unsigned i = 0; i < 40; i++) {
		gva_t next = synth_object(t->g);

		slot(t->g, node, ARANGE, 0, enode(next, ARANGE), UINT64_MAX);
		node = next;
	}
}

static void test_tree_hostile(void **state)
{
	static const struct {
		void (*plant)(struct tree *);
		enum err_code code;
	} rows[] = {
		{ self_root, ERR_MALFORMED }, { self_leaf, ERR_MALFORMED },
		{ leaf_twice, ERR_MALFORMED }, { unknown_type, ERR_MALFORMED },
		{ no_node, ERR_MALFORMED }, { small_node, ERR_MALFORMED },
		{ marked_node, ERR_MALFORMED },
		{ pivots_back, ERR_MALFORMED }, { root_value, ERR_MALFORMED },
		{ root_unmarked, ERR_MALFORMED }, { vma_elsewhere, ERR_MALFORMED },
		{ vma_of_other, ERR_MALFORMED }, { vma_to_user, ERR_MALFORMED },
		{ node_nowhere, ERR_NOT_RAM }, { too_deep, ERR_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tree t = { .g = guest(SYNTH_TYPES_PGTY) };
		struct vma *v;

		t.mm = synth_mm(t.g);
		t.root = synth_object(t.g);
		for (unsigned n = 0; n < 2; n++) {
			gva_t start = 0x400000 + 0x200000 * n;

			t.leaf[n] = synth_object(t.g);
			t.vma[n] = new_vma(t.g, t.mm, start, start + 0x1000);
			slot(t.g, t.leaf[n], LEAF, 0, 0, start - 1);
			slot(t.g, t.leaf[n], LEAF, 1, t.vma[n], start + 0xfff);
			slot(t.g, t.leaf[n], LEAF, 2, 0, 0);
		}
		slot(t.g, t.root, ARANGE, 0, enode(t.leaf[0], LEAF), 0x4fffff);
		slot(t.g, t.root, ARANGE, 1, enode(t.leaf[1], LEAF), 0);
		set_root(t.g, t.mm, root_of(t.root, ARANGE));
		assert_int_equal(read_all(t.g, t.mm, &v), 2);
		free(v);
		rows[i].plant(&t);
		assert_int_equal(read_fails(t.g, t.mm), rows[i].code);
		synth_free(t.g);
	}
}

static void test_tree_unreadable(void **state)
{
	struct synth_guest *g = guest(SYNTH_TYPES_PGTY);
	gva_t mm = synth_mm(g);
	pfn_t lost = synth_frame(g);

	(void)state;
	set_root(g, mm, root_of(synth_va(g, pfn_to_gpa(lost)), LEAF));
	synth_kernel(g);
	synth_unreadable(g, lost);
	assert_int_equal(read_fails(g, mm), ERR_UNREADABLE);
	synth_free(g);
}

static struct mm_rss rss_of(struct synth_guest *g, gva_t mm)
{
	struct err err = { 0 };
	struct kernel_mms mms;
	struct mm_rss rss;

	assert_true(kernel_read_mms(synth_kernel(g), &mms, &err));
	if (!kernel_read_rss(synth_kernel(g), &mms, (uint32_t)kernel_mm_find(&mms, mm), &rss,
			     &err))
		fail_msg("%s", err.message);
	kernel_mms_free(&mms);
	return rss;
}

/* Since 6.2: the counter and a part per CPU, which may be negative. */
static void test_rss_per_cpu(void **state)
{
	struct synth_guest *g = guest(SYNTH_TYPES_PGTY);
	gva_t mm = synth_mm(g), at = synth_member(g, mm, "mm_struct", "rss_stat");
	gva_t parts = synth_va(g, pfn_to_gpa(synth_frame(g)));
	struct mm_rss rss;

	(void)state;
	for (unsigned kind = 0; kind < 4; kind++) {
		int32_t part[2] = { 10 * (int32_t)kind, -3 };
		gva_t counter = at + 24 * kind;

		synth_set(g, counter, "percpu_counter", "count", 100 + kind);
		synth_set(g, counter, "percpu_counter", "counters", parts + 4 * kind);
		for (unsigned cpu = 0; cpu < 2; cpu++)
			synth_write(g, parts + 4 * kind + cpu * SYNTH_OBJECT, &part[cpu], 4);
	}
	rss = rss_of(g, mm);
	assert_int_equal(rss.file, 100 + 0 - 3);
	assert_int_equal(rss.anon, 101 + 10 - 3);
	assert_int_equal(rss.swap, 102 + 20 - 3);
	assert_int_equal(rss.shmem, 103 + 30 - 3);
	synth_free(g);
}

/* Up to 6.1: the mm's numbers and what its threads have not added yet. */
static void test_rss_cached(void **state)
{
	struct synth_guest *g = guest(SYNTH_TYPES_6_1);
	gva_t mm = synth_mm(g), task = synth_task(g, mm, 7, "seven");
	gva_t thread = synth_thread(g, task, 8, "eight");
	gva_t other = synth_task(g, synth_mm(g), 9, "nine");
	static const int32_t cached[4] = { 1, -2, 3, 4 };
	struct mm_rss rss;

	(void)state;
	for (unsigned kind = 0; kind < 4; kind++)
		synth_write_u64(g, synth_member(g, mm, "mm_struct", "rss_stat.count") + 8 * kind,
				100 + kind);
	synth_write(g, synth_member(g, task, "task_struct", "rss_stat.count"), cached, 16);
	synth_write(g, synth_member(g, thread, "task_struct", "rss_stat.count"), cached, 16);
	synth_write(g, synth_member(g, other, "task_struct", "rss_stat.count"), cached, 16);
	rss = rss_of(g, mm);
	assert_int_equal(rss.file, 102);
	assert_int_equal(rss.anon, 97);
	assert_int_equal(rss.swap, 108);
	assert_int_equal(rss.shmem, 111);
	synth_free(g);
}

static void test_rss_hostile(void **state)
{
	struct synth_guest *g = guest(SYNTH_TYPES_PGTY);
	uint32_t cpus = UINT32_MAX;
	struct err err = { 0 };
	struct kernel_mms mms;
	struct mm_rss rss;

	(void)state;
	synth_populate(g, 1, NULL);
	assert_true(kernel_read_mms(synth_kernel(g), &mms, &err));
	assert_false(kernel_read_rss(synth_kernel(g), &mms, 0, &rss, &err));
	assert_int_equal(err.code, ERR_NOT_RAM);
	synth_write(g, synth_symbol(g, "nr_cpu_ids"), &cpus, sizeof(cpus));
	assert_false(kernel_read_rss(synth_kernel(g), &mms, 0, &rss, &err));
	assert_int_equal(err.code, ERR_MALFORMED);
	kernel_mms_free(&mms);
	synth_free(g);
}

/* An image's addresses are those of the kernel that it fits: it was not moved. */
static void test_kaslr(void **state)
{
	struct synth_guest *g = guest(SYNTH_TYPES_PGTY);
	uint64_t offset = 1;

	(void)state;
	assert_true(kernel_kaslr_offset(synth_kernel(g), &offset));
	assert_int_equal(offset, 0);
	assert_true(kernel_is_since(synth_kernel(g), 6, 12));
	assert_true(kernel_is_since(synth_kernel(g), 5, 19));
	assert_false(kernel_is_since(synth_kernel(g), 6, 13));
	assert_false(kernel_is_since(synth_kernel(g), 7, 0));
	synth_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_list_hostile),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_tree_hostile),
		cmocka_unit_test(test_tree_unreadable),
		cmocka_unit_test(test_rss_per_cpu),
		cmocka_unit_test(test_rss_cached),
		cmocka_unit_test(test_rss_hostile),
		cmocka_unit_test(test_kaslr),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
