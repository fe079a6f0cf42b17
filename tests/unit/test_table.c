// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables, entries and the translation of one address, against the reference on
 * random trees and on hand-made ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "tests/unit/random_tree.h"
#include "walker/table/translate.h"

enum { TREES = 10000, ADDRESSES = 100 };

static bool same_rights(unsigned rights, bool w, bool u, bool x)
{
	return rights == ((w ? PT_W : 0u) | (u ? PT_U : 0u) | (x ? PT_X : 0u));
}

static enum pt_result result_of(enum ref_outcome outcome)
{
	switch (outcome) {
	case REF_MAPPED:
		return PT_MAPPED;
	case REF_MALFORMED:
		return PT_MALFORMED;
	case REF_UNREADABLE:
		return PT_UNREADABLE;
	default:
		return PT_NOT_MAPPED;
	}
}

static void check_address(struct random_tree *t, uint64_t va, unsigned *seen)
{
	struct ref_translation want;
	struct pt_translation got;
	enum pt_result result = pt_translate(t->machine, &t->space, va, PT_MODE_ANY, &got);
	bool ok;

	ref_translate(&t->cpu, &t->memory, t->cr3, va, &want);
	seen[want.outcome]++;
	ok = result == got.result && result == result_of(want.outcome) && got.gva == va &&
	     got.canonical == (want.outcome != REF_NOT_CANONICAL) && got.why &&
	     (int)got.depth == want.entries && (int)got.kind == (int)want.kind &&
	     same_rights(got.rights, want.w, want.u, want.x) && got.page_size == want.size &&
	     got.gpa == want.gpa && got.outside_ram == want.outside_ram;
	if (ok && want.outcome != REF_NOT_CANONICAL)
		ok = got.level == want.level;
	for (unsigned i = 0; ok && i < got.depth; i++)
		ok = got.path[i].raw == want.entry[i] && got.path[i].at == want.at[i] &&
		     got.path[i].level == t->cpu.levels - 1 - (int)i &&
		     got.path[i].index == (want.at[i] & 0xfff) / 8;
	if (!ok)
		fail_msg("PTMM_SEED=%llu: 0x%llx: %s (%s), kind %s, gpa 0x%llx, rights %u; "
			 "reference: outcome %d, kind %d, gpa 0x%llx, rights %d%d%d",
			 (unsigned long long)t->seed, (unsigned long long)va,
			 pt_result_name(result), got.why, pt_kind_name(got.kind),
			 (unsigned long long)got.gpa, got.rights, want.outcome, want.kind,
			 (unsigned long long)want.gpa, want.w, want.u, want.x);
}

static void translate_equals_reference(void **state)
{
	uint64_t seed = random_seed(__func__);
	unsigned seen[5] = { 0 };

	(void)state;
	for (unsigned i = 0; i < TREES; i++) {
		struct random_tree t;

		random_tree_make(&t, seed + i);
		for (unsigned n = 0; n < ADDRESSES; n++)
			check_address(&t, random_tree_address(&t), seen);
		assert_int_equal(buffer_machine_views(t.machine), 0);
		random_tree_free(&t);
	}
	printf("%u mapped, %u not, %u malformed, %u unreadable, %u not canonical\n",
	       seen[REF_MAPPED], seen[REF_NOT_MAPPED], seen[REF_MALFORMED],
	       seen[REF_UNREADABLE], seen[REF_NOT_CANONICAL]);
	/* A generator that never makes one of the five would test nothing. */
	for (unsigned i = 0; i < 5; i++)
		assert_true(seen[i] > 1000);
}

/* A 4-level space over 1 MiB, its PGD at 0x1000. */
static void simple_space(struct pt_space *s, struct machine *m)
{
	struct pt_space like = {
		.decode = {
			.format = &pt_x86_4level,
			.soft = &pt_soft_linux_x86,
			.maxphyaddr = 46,
			.nx = true,
			.huge_1g = true,
		},
	};

	x86_space_of_pgd(s, 0x1000, &like);
	buffer_machine_set(m, 0x1000, 0x2067);	/* va 0 */
	buffer_machine_set(m, 0x2000, 0x3067);
	buffer_machine_set(m, 0x3000, 0x4067);
}

struct one_result {
	const char *name;
	gpa_t at;
	uint64_t raw;
	gva_t va;
	enum pt_result result;
	enum pt_kind kind;
	gpa_t gpa;
	uint64_t size;
	bool outside_ram;
	unsigned rights;
};

static const struct one_result one_results[] = {
	{ "a page", 0x4008, 0x5067, 0x1234, PT_MAPPED, PT_LEAF, 0x5234, 4096, false, 7 },
	{ "read-only, not executable", 0x4008, 0x8000000000005025, 0x1000,
	  PT_MAPPED, PT_LEAF, 0x5000, 4096, false, PT_U },
	{ "kernel's", 0x4008, 0x5063, 0x1000, PT_MAPPED, PT_LEAF, 0x5000, 4096, false,
	  PT_W | PT_X },
	{ "empty", 0x4008, 0, 0x1000, PT_NOT_MAPPED, PT_NONE, 0, 0, false, 0 },
	{ "stray A and D", 0x4008, 0x60, 0x1000, PT_NOT_MAPPED, PT_NONE, 0, 0, false, 0 },
	{ "swapped out", 0x4008, 0x3fffffffff8002, 0x1000, PT_NOT_MAPPED, PT_SWAP, 0, 0, false, 0 },
	{ "PROT_NONE", 0x4008, 0x000fffffffffa120, 0x1008, PT_NOT_MAPPED, PT_PROTNONE,
	  0x5008, 4096, false, 0 },
	{ "a device", 0x4008, 0xfee0007b, 0x1010, PT_MAPPED, PT_LEAF, 0xfee00010, 4096, true,
	  PT_W | PT_X },
	{ "reserved address bit", 0x4008, 0x0008000000005067, 0x1000, PT_MALFORMED, PT_BAD,
	  0, 0, false, 0 },
	{ "2 MiB", 0x3008, 0x000000e7, 0x200000 + 0x6543, PT_MAPPED, PT_HUGE, 0x6543, 0x200000,
	  false, 7 },
	{ "2 MiB with PAT", 0x3008, 0x000010e7, 0x200000, PT_MAPPED, PT_HUGE, 0, 0x200000,
	  false, 7 },
	{ "2 MiB, bit 13", 0x3008, 0x000020e7, 0x200000, PT_MALFORMED, PT_BAD, 0, 0, false, 0 },
	{ "1 GiB with PAT", 0x2008, 0x400010e7, 0x40000000 + 0x12345678, PT_MAPPED, PT_HUGE,
	  0x52345678, 0x40000000, true, 7 },
	{ "1 GiB, bit 29", 0x2008, 0x200000e7, 0x40000000, PT_MALFORMED, PT_BAD, 0, 0, false, 0 },
	{ "PS in the PGD", 0x1008, 0x20e7, 0x8000000000, PT_MALFORMED, PT_BAD, 0, 0, false, 0 },
	{ "table outside RAM", 0x3008, 0x40000067, 0x200000, PT_MALFORMED, PT_TABLE,
	  0, 0, false, 0 },
	{ "unreadable table", 0x3008, 0x80067, 0x200000, PT_UNREADABLE, PT_TABLE, 0, 0, false, 0 },
	{ "last byte", 0x1ff8, 0x2067, 0xffffff8000000fff, PT_NOT_MAPPED, PT_NONE, 0, 0, false, 0 },
};

static void translate_tells_results_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(one_results) / sizeof(one_results[0]); i++) {
		const struct one_result *r = &one_results[i];
		struct machine *m = buffer_machine_simple(1 << 20);
		struct pt_translation t;
		struct pt_space s;

		simple_space(&s, m);
		buffer_machine_set(m, r->at, r->raw);
		buffer_machine_set_unreadable(m, 0x80);
		pt_translate(m, &s, r->va, PT_MODE_ANY, &t);
		if (t.result != r->result || t.kind != r->kind || t.gpa != r->gpa ||
		    t.page_size != r->size || t.outside_ram != r->outside_ram ||
		    t.rights != r->rights || !t.canonical)
			fail_msg("%s: %s (%s), kind %s, gpa 0x%llx, size 0x%llx, rights %u",
				 r->name, pt_result_name(t.result), t.why, pt_kind_name(t.kind),
				 (unsigned long long)t.gpa, (unsigned long long)t.page_size,
				 t.rights);
		machine_close(m);
	}
}

/* Rights are those that every level grants. */
static void rights_accumulate(void **state)
{
	(void)state;
	for (unsigned denied = 0; denied < 4; denied++)
		for (unsigned right = 0; right < 3; right++) {
			static const uint64_t deny[] = { X86_PTE_W, X86_PTE_U, X86_PTE_NX };
			static const unsigned name[] = { PT_W, PT_U, PT_X };
			static const gpa_t at[] = { 0x4000, 0x3000, 0x2000, 0x1000 };
			struct machine *m = buffer_machine_simple(1 << 20);
			struct pt_translation t;
			struct pt_space s;

			simple_space(&s, m);
			buffer_machine_set(m, 0x4000, 0x5067);
			buffer_machine_set(m, at[denied],
					   buffer_machine_get(m, at[denied]) ^ deny[right]);
			assert_int_equal(pt_translate(m, &s, 0, PT_MODE_ANY, &t), PT_MAPPED);
			assert_int_equal(t.rights, PT_RIGHTS_ALL & ~name[right]);
			machine_close(m);
		}
}

/* Page-table isolation: user mode has a root of its own for the same addresses. */
static void roots_by_mode(void **state)
{
	struct machine *m = buffer_machine_simple(1 << 20);
	struct pt_translation t;
	struct pt_space s;

	(void)state;
	simple_space(&s, m);
	buffer_machine_set(m, 0x4000, 0x5067);
	assert_true(x86_space_add_user_root(&s, 0x6000));
	assert_false(x86_space_add_user_root(&s, 0x7000));
	assert_int_equal(pt_translate(m, &s, 0, PT_MODE_KERNEL, &t), PT_MAPPED);
	assert_int_equal(pt_translate(m, &s, 0, PT_MODE_ANY, &t), PT_MAPPED);
	assert_int_equal(pt_translate(m, &s, 0, PT_MODE_USER, &t), PT_NOT_MAPPED);
	assert_int_equal(t.path[0].at, 0x6000);

	s.roots = 1;
	assert_int_equal(pt_translate(m, &s, 0, PT_MODE_USER, &t), PT_NOT_MAPPED);
	assert_true(t.canonical);
	assert_int_equal(t.depth, 0);
	/* A root outside RAM and an unreadable root are two things. */
	s.root[0].gpa = 0x40000000;
	assert_int_equal(pt_translate(m, &s, 0, PT_MODE_KERNEL, &t), PT_MALFORMED);
	s.root[0].gpa = 0x6000;
	buffer_machine_set_unreadable(m, 6);
	assert_int_equal(pt_translate(m, &s, 0, PT_MODE_KERNEL, &t), PT_UNREADABLE);
	assert_int_equal(t.table.gpa, 0x6000);
	machine_close(m);
}

static void spans_reach_the_top(void **state)
{
	const struct pt_format *f = &pt_x86_4level;
	struct pt_table top = { 0x1000, 3, { 9, 3 } };
	gva_t va = 0x00007fffffffffffull, first, last;

	(void)state;
	for (unsigned level = 0; level < 5; level++)
		assert_int_equal(pt_entry_end(&pt_x86_5level, level, UINT64_MAX), UINT64_MAX);
	assert_int_equal(pt_entry_first(f, 1, 0x7fffffffffff), 0x7fffffe00000);
	assert_int_equal(pt_entry_end(f, 1, 0x7fffffe00000), 0x7fffffffffff);
	assert_int_equal(pt_slot_first(f, top, 0, 255), 0x7f8000000000);
	assert_int_equal(pt_slot_first(f, top, 0, 256), 0xffff800000000000);
	assert_int_equal(pt_slot_first(f, top, 0, 511), 0xffffff8000000000);

	assert_true(pt_next(f, 0, &va));
	assert_int_equal(va, 0xffff800000000000);
	va = 0x1234;
	assert_true(pt_next(f, 2, &va));
	assert_int_equal(va, 0x40000000);
	va = 0xfffffffffffff000;
	assert_false(pt_next(f, 0, &va));
	assert_int_equal(va, 0xfffffffffffff000);

	first = 0x0000800000000000;
	last = UINT64_MAX;
	assert_true(pt_clip_canonical(f, &first, &last));
	assert_int_equal(first, 0xffff800000000000);
	first = 0;
	last = 0xffff7fffffffffff;
	assert_true(pt_clip_canonical(f, &first, &last));
	assert_int_equal(last, 0x7fffffffffff);
	first = 0x0000800000000000;
	last = 0xffff7fffffffffff;
	assert_false(pt_clip_canonical(f, &first, &last));
	first = 2;
	last = 1;
	assert_false(pt_clip_canonical(f, &first, &last));
}

static void entries_are_values(void **state)
{
	struct machine *m = buffer_machine_simple(1 << 20);
	struct pt_table t, below;
	struct pt_entry e;
	struct pt_space s;
	struct err err;

	(void)state;
	simple_space(&s, m);
	t = pt_root_table(&s, pt_root_for(&s, 0, PT_MODE_ANY));
	assert_int_equal(t.gpa, 0x1000);
	assert_int_equal(t.level, 3);
	assert_int_equal(pt_table_entries(t), 512);
	assert_int_equal(pt_table_size(t), 4096);
	assert_true(pt_read(m, &s.decode, t, 0, &e, &err));
	buffer_machine_set(m, 0x1000, 0);
	assert_int_equal(e.raw, 0x2067);
	assert_int_equal(e.at, 0x1000);
	assert_int_equal(pt_entry_kind(&s.decode, e), PT_TABLE);
	assert_true(pt_child(&s.decode, e, &below));
	assert_int_equal(below.gpa, 0x2000);
	assert_int_equal(below.level, 2);
	assert_true(pt_read(m, &s.decode, t, 1, &e, &err));
	assert_false(pt_child(&s.decode, e, &below));
	assert_false(pt_read(m, &s.decode, t, 512, &e, &err));
	assert_int_equal(err.code, ERR_USAGE);

	/* A table must be RAM to its last byte, without a turn at the top. */
	t.gpa = 0xff000;
	assert_true(pt_table_in_ram(m, t));
	t.gpa = 0xff800;
	assert_false(pt_table_in_ram(m, t));
	t.gpa = UINT64_MAX - 4095;
	assert_false(pt_table_in_ram(m, t));
	t.gpa = 0x1004;
	assert_false(pt_table_in_ram(m, t));
	machine_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(translate_equals_reference),
		cmocka_unit_test(translate_tells_results_apart),
		cmocka_unit_test(rights_accumulate),
		cmocka_unit_test(roots_by_mode),
		cmocka_unit_test(spans_reach_the_top),
		cmocka_unit_test(entries_are_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
