// SPDX-License-Identifier: GPL-2.0-only
/* test_census.c - rows, owners, inference, and looks that differ. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/census_util.h"

#define TABLE_FLAGS (X86_PTE_P | X86_PTE_W | X86_PTE_U | X86_PTE_A | X86_PTE_D)
#define VA 0x400000ull
#define MMS 4

/* Guests of every kind that are right give no finding and agree everywhere. */
static void test_sound_guests(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 2 * 2 * 3 * 2 * 2; n++) {
		struct synth_options o = {
			.levels = n & 1 ? 5 : 4, .pti = n >> 1 & 1, .share_apart = n >> 2 & 1,
			.mem_map = n >> 3 & 1, .types = (enum synth_types)(n >> 4),
			.hole_first = n & 1 ? 2048 : 0, .hole_end = n & 1 ? 2560 : 0,
		};
		struct synth_guest *g = synth_new(&o);
		gva_t mm[MMS];
		struct census *c;
		size_t levels;
		const struct level_agreement *at;

		synth_populate(g, MMS, mm);
		synth_map(g, mm[0], 0x8040000000ull, 1, SYNTH_ANY_FRAME, X86_PTE_W);
		synth_share_pmd(g, mm[0], mm[1], 0x8040000000ull);
		synth_deposit(g, mm[2], synth_table(g, mm[2], VA, 1));
		c = util_census(g, NULL);
		util_assert_fine(g, c);
		assert_int_equal(util_count(c, VERDICT_SHARED), 1);
		assert_int_equal(util_count(c, VERDICT_DEPOSITED), 1);
		assert_int_equal(util_count(c, VERDICT_PTI_USER), o.pti ? MMS + 1 : 0);
		assert_int_equal(util_count(c, VERDICT_UNRECORDED), 0);
		assert_null(census_incomplete(c));
		at = census_recorded_at(c, &levels);
		assert_int_equal(levels, o.levels);
		for (size_t i = 0; i < levels; i++) {
			assert_int_equal(at[i].level, i);
			assert_true(at[i].holds && at[i].total);
			assert_int_equal(at[i].agree, at[i].total);
		}
		at = census_typed_at(c, &levels);
		for (size_t i = 0; i < levels; i++)
			assert_true(at[i].holds && at[i].agree == at[i].total);
		census_free(c);
		synth_free(g);
	}
}

/* Order, and that each row's parent, slot and address lead to it. */
static void test_rows(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm[MMS];
	struct census *c;
	struct census_row row, last = { .level = 7 }, parent;

	(void)state;
	synth_populate(g, MMS, mm);
	c = util_census(g, NULL);
	for (size_t i = 0; i < census_tables(c); i++) {
		unsigned total = 0;

		census_row(c, i, &row);
		assert_true(row.level < last.level || (row.level == last.level &&
						       row.pfn > last.pfn));
		last = row;
		assert_int_equal(census_find(c, row.pfn, -1), i);
		assert_int_equal(census_find(c, row.pfn, row.level), i);
		assert_int_equal(census_find(c, row.pfn, row.level + 1), -1);
		for (unsigned k = 0; k < PT_KINDS; k++)
			total += row.entries[k];
		assert_int_equal(total, 512);
		assert_non_null(row.page);
		if (row.parent < 0) {
			assert_int_equal(row.level, 3);
			continue;
		}
		census_row(c, (size_t)row.parent, &parent);
		assert_int_equal(parent.level, row.level + 1);
		assert_int_equal(gpa_to_pfn(synth_entry(g, parent.pfn, row.slot) & X86_PTE_ADDR),
				 row.pfn);
		assert_int_equal(synth_index(g, parent.level, row.va), row.slot);
		assert_int_equal(row.va & ((0x200000ull << 9 * row.level) - 1), 0);
		assert_int_equal(row.kernel_half, row.va >> 63);
	}
	row = util_row(c, synth_table(g, mm[2], VA, 0));
	assert_int_equal(row.va, VA);
	assert_int_equal(row.entries[PT_LEAF], 1);
	assert_int_equal(row.links, 1);
	assert_int_equal(census_mms(c)->mms[row.owner].at, mm[2]);
	row = util_row(c, synth_table(g, mm[2], VA, 1));
	assert_int_equal(row.entries[PT_TABLE], 4);
	row = util_row(c, synth_table(g, mm[2], 0x40000000, 1));
	assert_int_equal(row.entries[PT_HUGE], 1);
	assert_int_equal(census_find(c, 0x123456789, -1), -1);
	census_free(c);
	synth_free(g);
}

/* Whatever every pt_mm says, no owner changes; what is recorded does. */
static void test_scramble(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm[MMS];
	struct census *before, *after;
	uint64_t seed = 1;
	size_t levels;
	struct census_options forced = { .recorded_at = 0xf };

	(void)state;
	synth_populate(g, MMS, mm);
	synth_map(g, mm[0], 0x8040000000ull, 1, SYNTH_ANY_FRAME, X86_PTE_W);
	synth_share_pmd(g, mm[0], mm[1], 0x8040000000ull);
	before = util_census(g, NULL);
	for (size_t i = 0; i < census_tables(before); i++) {
		struct census_row row;

		census_row(before, i, &row);
		synth_page_set(g, row.pfn, "pt_mm", util_random(&seed) | 1ull << 63);
	}
	after = util_census(g, NULL);
	assert_int_equal(census_tables(before), census_tables(after));
	for (size_t i = 0; i < census_tables(before); i++) {
		struct census_row a, b;
		uint32_t x[8], y[8];

		census_row(before, i, &a);
		census_row(after, i, &b);
		assert_int_equal(a.pfn, b.pfn);
		assert_int_equal(a.level, b.level);
		assert_int_equal(a.owner, b.owner);
		assert_int_equal(census_owners(before, i, x, 8), census_owners(after, i, y, 8));
		assert_memory_equal(x, y, census_owners(after, i, y, 8) * sizeof(x[0]));
	}
	assert_int_equal(util_count(after, VERDICT_MATCH), 0);
	assert_true(util_count(after, VERDICT_UNRECORDED) > 0);
	assert_false(census_recorded_at(after, &levels)[0].holds);
	assert_int_equal(census_recorded_at(after, &levels)[0].agree, 0);
	census_free(after);

	/* Who knows better says so. */
	after = util_census(g, &forced);
	assert_int_equal(util_count(after, VERDICT_UNRECORDED), 0);
	assert_int_equal(util_count(after, VERDICT_STALE), util_count(before, VERDICT_MATCH));
	census_free(after);
	census_free(before);
	synth_free(g);
}

/* A bug that records the wrong live mm everywhere is no "not recorded". */
static void test_systematic_mismatch(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm[MMS];
	struct census *c;
	size_t levels;

	(void)state;
	synth_populate(g, MMS, mm);
	for (unsigned i = 0; i < MMS; i++)
		synth_page_set(g, synth_pgd(g, mm[i]), "pt_mm", mm[(i + 1) % MMS]);
	c = util_census(g, NULL);
	assert_int_equal(util_count(c, VERDICT_MISMATCH), MMS);
	assert_int_equal(census_recorded_at(c, &levels)[3].agree, 0);
	assert_int_equal(census_recorded_at(c, &levels)[3].total, MMS);
	assert_true(census_recorded_at(c, &levels)[3].holds);
	census_free(c);
	synth_free(g);
}

/* What real kernels do: only PGDs recorded; only some levels typed. */
static void test_inference(void **state)
{
	struct synth_options o = { .unrecorded = 0x7, .untyped = 0xc, .types = SYNTH_TYPES_6_1 };
	struct census_options forced = { .typed_at = 1u << 2 };
	struct synth_guest *g = synth_new(&o);
	gva_t mm[MMS];
	struct census *c;
	size_t levels;

	(void)state;
	synth_populate(g, MMS, mm);
	/* Old words in the field of tables that this kernel does not record. */
	synth_page_set(g, synth_table(g, mm[0], VA, 0), "pt_mm", ~0ull);
	synth_page_set(g, synth_table(g, mm[1], VA, 0), "pt_mm", mm[0]);
	/* One typed table makes no typed level. */
	synth_page_set(g, synth_table(g, mm[1], VA, 2), "page_type", ~0x200u);
	c = util_census(g, NULL);
	util_assert_fine(g, c);
	for (unsigned level = 0; level < 4; level++) {
		assert_int_equal(census_recorded_at(c, &levels)[level].holds, level == 3);
		assert_int_equal(census_typed_at(c, &levels)[level].holds, level < 2);
	}
	assert_int_equal(util_row(c, synth_table(g, mm[0], VA, 0)).verdict, VERDICT_UNRECORDED);
	assert_int_equal(util_row(c, synth_pgd(g, mm[0])).verdict, VERDICT_MATCH);
	census_free(c);
	c = util_census(g, &forced);
	assert_int_equal(util_row(c, synth_table(g, mm[0], VA, 2)).verdict, VERDICT_UNTYPED);
	assert_int_equal(util_row(c, synth_table(g, mm[1], VA, 2)).verdict, VERDICT_UNRECORDED);
	assert_int_equal(util_row(c, synth_pgd(g, mm[0])).verdict, VERDICT_MATCH);
	census_free(c);
	synth_free(g);
}

/* Tables that lead to each other in circles are each one row. */
static void test_circles(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm[2];
	struct census *c;
	size_t tables, count, dropped;
	pfn_t pgd, pud, pmd;

	(void)state;
	synth_populate(g, 2, mm);
	c = util_census(g, NULL);
	tables = census_tables(c);
	census_free(c);

	pgd = synth_pgd(g, mm[0]);
	pud = synth_table(g, mm[0], VA, 2);
	pmd = synth_table(g, mm[0], VA, 1);
	for (unsigned i = 6; i < 256; i++) {
		if (!synth_entry(g, pgd, i))
			synth_entry_set(g, pgd, i, pfn_to_gpa(pgd) | TABLE_FLAGS);
		synth_entry_set(g, pud, i, pfn_to_gpa(pgd) | TABLE_FLAGS);
		synth_entry_set(g, pmd, i, pfn_to_gpa(pmd) | TABLE_FLAGS);
	}
	c = util_census(g, NULL);
	assert_int_equal(census_tables(c), tables);
	census_anomalies(c, &count, &dropped);
	assert_int_equal(count, 249 + 250 + 250);
	assert_int_equal(util_row(c, pgd).level, 3);
	assert_int_equal(util_row(c, pud).level, 2);
	assert_int_equal(util_row(c, pmd).level, 1);
	assert_int_equal(util_row(c, pmd).verdict, VERDICT_MATCH);
	census_free(c);
	synth_free(g);
}

/* What is half-way is settled by a second look; what is wrong stays wrong. */
static void test_settle(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm[MMS];
	struct census *first, *second;
	struct findings findings;
	pfn_t halfway, wrong, pgd, unlinked;
	uint64_t slot;

	(void)state;
	synth_populate(g, MMS, mm);
	wrong = synth_table(g, mm[1], VA, 0);
	synth_page_set(g, wrong, "pt_mm", mm[2]);
	halfway = synth_table(g, mm[0], VA, 0);
	synth_page_set(g, halfway, "pt_mm", 0);
	unlinked = synth_orphan(g, mm[3], 0);
	pgd = synth_pgd(g, mm[3]);
	slot = synth_index(g, 3, 0xffffffff80000000ull);
	synth_entry_set(g, pgd, (unsigned)slot, 0);
	synth_set(g, mm[2], "mm_struct", "pgtables_bytes.counter",
		  synth_get(g, mm[2], "mm_struct", "pgtables_bytes.counter") + 4096);
	first = util_census(g, NULL);

	synth_page_set(g, halfway, "pt_mm", mm[0]);
	synth_destruct(g, unlinked);
	synth_entry_set(g, pgd, (unsigned)slot, synth_entry(g, synth_pgd(g, synth_init_mm(g)),
							    (unsigned)slot));
	synth_set(g, mm[2], "mm_struct", "pgtables_bytes.counter",
		  synth_get(g, mm[2], "mm_struct", "pgtables_bytes.counter") - 4096);
	second = util_census(g, NULL);
	assert_true(check_run(first, synth_kernel(g), &findings, NULL));
	assert_int_equal(findings.count, 5);
	findings_free(&findings);

	census_settle(first, second);
	assert_int_equal(util_row(first, halfway).verdict, VERDICT_IN_FLIGHT);
	assert_string_equal(util_row(first, halfway).why, "a second look differed");
	assert_int_equal(util_row(first, unlinked).verdict, VERDICT_IN_FLIGHT);
	assert_int_equal(util_row(first, wrong).verdict, VERDICT_MISMATCH);
	assert_int_equal(util_count(first, VERDICT_IN_FLIGHT), 2);
	assert_true(check_run(first, synth_kernel(g), &findings, NULL));
	assert_int_equal(findings.count, 1);
	assert_string_equal(findings.list[0].check, "mismatch");
	findings_free(&findings);
	census_free(first);
	census_free(second);
	synth_free(g);
}

/* A table that another mm, or another level, has at the second look. */
static void test_settle_moved(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	struct census *first, *second;
	pfn_t moved, risen, pud;
	gva_t mm[MMS];

	(void)state;
	synth_populate(g, MMS, mm);
	moved = synth_table(g, mm[0], VA, 0);
	risen = synth_table(g, mm[2], VA, 0);
	first = util_census(g, NULL);
	synth_entry_set(g, synth_table(g, mm[0], VA, 1), synth_index(g, 1, VA), 0);
	synth_entry_set(g, synth_table(g, mm[1], VA, 1), 100, pfn_to_gpa(moved) | TABLE_FLAGS);
	synth_page_set(g, moved, "pt_mm", mm[1]);
	pud = synth_table(g, mm[2], VA, 2);
	synth_entry_set(g, synth_table(g, mm[2], VA, 1), synth_index(g, 1, VA), 0);
	synth_entry_set(g, risen, synth_index(g, 0, VA), 0);
	synth_entry_set(g, pud, 100, pfn_to_gpa(risen) | TABLE_FLAGS);
	second = util_census(g, NULL);
	assert_int_equal(util_row(second, moved).verdict, VERDICT_MATCH);
	assert_int_equal(util_row(second, risen).verdict, VERDICT_MATCH);
	assert_int_equal(util_row(second, risen).level, 1);
	census_settle(first, second);
	assert_int_equal(util_row(first, moved).verdict, VERDICT_IN_FLIGHT);
	assert_int_equal(util_row(first, risen).verdict, VERDICT_IN_FLIGHT);
	assert_int_equal(util_count(first, VERDICT_IN_FLIGHT), 2);
	census_free(first);
	census_free(second);
	synth_free(g);
}

/* A second look at the same guest changes nothing; nor does a lock that is held then. */
static void test_settle_same(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	struct census *first, *second;
	gva_t mm[MMS];

	(void)state;
	synth_populate(g, MMS, mm);
	first = util_census(g, NULL);
	synth_page_set(g, synth_table(g, mm[0], VA, 0), "ptl.val.counter", 1);
	second = util_census(g, NULL);
	assert_int_equal(util_count(second, VERDICT_IN_FLIGHT), 1);
	census_settle(first, second);
	util_assert_fine(g, first);
	census_free(first);
	census_free(second);
	synth_free(g);
}

/* A book is a number like any other; one that is off at both looks is off. */
static void test_settle_book(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	struct census *first, *second;
	struct findings findings;
	gva_t mm[MMS];

	(void)state;
	synth_populate(g, MMS, mm);
	synth_set(g, mm[1], "mm_struct", "pgtables_bytes.counter", 1ull << 63);
	first = util_census(g, NULL);
	second = util_census(g, NULL);
	census_settle(first, second);
	assert_true(check_run(first, synth_kernel(g), &findings, NULL));
	assert_int_equal(findings.count, 1);
	assert_string_equal(findings.list[0].check, "pgtables_bytes");
	findings_free(&findings);
	census_free(first);
	census_free(second);
	synth_free(g);
}

/* An unreadable table keeps its place, its owner and its page's facts. */
static void test_unreadable(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm[2];
	struct census_row row;
	struct census *c;
	pfn_t pmd;

	(void)state;
	synth_populate(g, 2, mm);
	pmd = synth_table(g, mm[1], VA, 1);
	synth_unreadable(g, pmd);
	c = util_census(g, NULL);
	row = util_row(c, pmd);
	assert_false(row.readable);
	assert_int_equal(row.level, 1);
	assert_true(row.parent >= 0);
	assert_int_equal(census_mms(c)->mms[row.owner].at, mm[1]);
	assert_int_equal(row.page->recorded, mm[1]);
	row = util_row(c, synth_table(g, mm[1], 0x7ffffffff000, 0));
	assert_int_equal(row.verdict, VERDICT_MATCH);
	census_free(c);
	synth_free(g);
}

static void test_kernel_mms(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm[2], efi;
	struct census *c;
	struct census_row row;

	(void)state;
	synth_populate(g, 2, mm);
	efi = synth_efi_mm(g);
	/* Nobody keeps a kernel mm's book. */
	synth_set(g, efi, "mm_struct", "pgtables_bytes.counter", 12345);
	synth_map(g, efi, 0x10000000, 0, SYNTH_ANY_FRAME, X86_PTE_W);
	/* A kernel mm may have a kernel half of its own. */
	synth_entry_set(g, synth_pgd(g, efi), 300,
			pfn_to_gpa(synth_orphan(g, efi, 2)) | TABLE_FLAGS);
	c = util_census(g, NULL);
	util_assert_fine(g, c);
	row = util_row(c, synth_table(g, efi, 0x10000000, 0));
	assert_int_equal(row.verdict, VERDICT_KERNEL);
	assert_string_equal(row.why, "own mm");
	assert_int_equal(census_mms(c)->mms[row.owner].at, efi);
	row = util_row(c, synth_pgd(g, synth_init_mm(g)));
	assert_int_equal(row.verdict, VERDICT_KERNEL);
	assert_true(row.kernel_half);
	census_free(c);
	synth_free(g);
}

/* One kernel table linked over many slots is linked often, and fine. */
static void test_many_links(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	struct census *c;
	pfn_t pmd, pte;

	(void)state;
	synth_populate(g, 2, NULL);
	pmd = synth_table(g, 0, 0xffffff0000000000ull, 1);
	pte = synth_table(g, 0, 0xffffff0000000000ull, 0);
	for (unsigned i = 1; i < 512; i++)
		synth_entry_set(g, pmd, i, pfn_to_gpa(pte) | X86_PTE_P | X86_PTE_W);
	c = util_census(g, NULL);
	util_assert_fine(g, c);
	assert_int_equal(util_row(c, pte).links, 512);
	assert_int_equal(util_row(c, pte).verdict, VERDICT_KERNEL);
	census_free(c);
	synth_free(g);
}

/* Sharers by the hundred: sets stay sets, books stay right. */
static void test_many_sharers(void **state)
{
	enum { SHARERS = 300 };
	struct synth_options o = { .frames = 16384 };
	struct synth_guest *g = synth_new(&o);
	gva_t mm[SHARERS];
	uint32_t owners[SHARERS];
	struct census_row row;
	struct census *c;
	gva_t va = 0x8040000000ull;

	(void)state;
	synth_populate(g, SHARERS, mm);
	synth_map(g, mm[0], va, 1, SYNTH_ANY_FRAME, X86_PTE_W);
	for (unsigned i = 1; i < SHARERS; i++)
		synth_share_pmd(g, mm[0], mm[i], va);
	c = util_census(g, NULL);
	util_assert_fine(g, c);
	row = util_row(c, synth_table(g, mm[0], va, 1));
	assert_int_equal(row.verdict, VERDICT_SHARED);
	assert_int_equal(row.links, SHARERS);
	assert_int_equal(census_owners(c, (size_t)census_find(c, row.pfn, 1), owners, SHARERS),
			 SHARERS);
	for (unsigned i = 1; i < SHARERS; i++)
		assert_true(owners[i] > owners[i - 1]);
	census_free(c);
	synth_free(g);
}

/*
 * Wherever the budget runs out, what was met by then has owners that exist: also
 * tables of several owners, whose level's turn never came.
 */
static void test_budget(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm[MMS], va = 0x8040000000ull;
	size_t tables, orphans = 0;
	struct findings findings;
	struct census *c;

	(void)state;
	synth_populate(g, MMS, mm);
	synth_map(g, mm[0], va, 1, SYNTH_ANY_FRAME, X86_PTE_W);
	synth_share_pmd(g, mm[0], mm[1], va);
	c = util_census(g, NULL);
	tables = census_tables(c);
	census_free(c);
	for (uint64_t budget = 1; budget < tables; budget++) {
		struct census_options o = { .budget = budget };

		c = util_census(g, &o);
		assert_non_null(census_incomplete(c));
		assert_non_null(strstr(census_incomplete(c), "budget"));
		for (size_t i = 0; i < census_tables(c); i++) {
			uint32_t owners[MMS + 2];
			size_t count = census_owners(c, i, owners, MMS + 2);

			assert_in_range(count, 0, MMS + 2);
			for (size_t n = 0; n < count; n++)
				assert_in_range(owners[n], 0, census_mms(c)->mm_count - 1);
		}
		/* What was not walked to is no leak. */
		assert_true(check_run(c, synth_kernel(g), &findings, NULL));
		for (size_t i = 0; i < findings.count; i++)
			if (!strcmp(findings.list[i].check, "orphan"))
				assert_int_equal(findings.list[i].severity, SEVERITY_WARNING);
		orphans += util_count_findings(&findings, "orphan");
		findings_free(&findings);
		census_free(c);
	}
	assert_true(orphans > 0);
	synth_free(g);
}

/* An orphan that hangs together says its level; one in limbo is no finding. */
static void test_orphan_levels(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm[2];
	struct census *c;
	pfn_t pud, pmd, pte;

	(void)state;
	synth_populate(g, 2, mm);
	pud = synth_orphan(g, mm[0], 2);
	pte = synth_orphan(g, mm[0], 0);
	pmd = synth_orphan(g, mm[0], 1);
	synth_entry_set(g, pud, 5, pfn_to_gpa(pmd) | TABLE_FLAGS);
	synth_entry_set(g, pmd, 6, pfn_to_gpa(pte) | TABLE_FLAGS);
	synth_entry_set(g, pte, 7, pfn_to_gpa(synth_frame(g)) | TABLE_FLAGS);
	c = util_census(g, NULL);
	assert_int_equal(util_row(c, pud).level, 2);
	assert_int_equal(util_row(c, pmd).level, 1);
	assert_int_equal(util_row(c, pte).level, 0);
	assert_int_equal(util_row(c, pte).entries[PT_LEAF], 1);
	assert_int_equal(util_row(c, pmd).entries[PT_TABLE], 1);
	assert_int_equal(util_row(c, pud).owner, -1);
	assert_int_equal(util_count(c, VERDICT_ORPHAN), 3);
	census_free(c);
	synth_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound_guests),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_scramble),
		cmocka_unit_test(test_systematic_mismatch),
		cmocka_unit_test(test_inference),
		cmocka_unit_test(test_circles),
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_settle_moved),
		cmocka_unit_test(test_settle_same),
		cmocka_unit_test(test_settle_book),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_kernel_mms),
		cmocka_unit_test(test_many_links),
		cmocka_unit_test(test_many_sharers),
		cmocka_unit_test(test_budget),
		cmocka_unit_test(test_orphan_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
