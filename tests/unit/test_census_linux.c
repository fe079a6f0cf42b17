// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_census_linux.c - what stock Linux does and a kernel that records pt_mm at
 * every level does not: sound guests of each kind, and lists that lie.
 */
#include "tests/unit/census_util.h"

#define TABLE_FLAGS (X86_PTE_P | X86_PTE_W | X86_PTE_U | X86_PTE_A | X86_PTE_D)
#define VA 0x400000ull
#define SHARED_VA 0x8040000000ull
#define LDT_SLOT (512 - 240)
#define MMS 4

static uint64_t bytes_of(struct synth_guest *g, gva_t mm)
{
	return synth_get(g, mm, "mm_struct", "pgtables_bytes.counter");
}

/* An LDT under PTI: a branch of the mm's own tables in the kernel half. */
static pfn_t add_ldt(struct synth_guest *g, gva_t mm, unsigned levels)
{
	pfn_t table = synth_pgd(g, mm);
	unsigned slot = LDT_SLOT;

	for (unsigned level = levels - 1; level > 0; level--) {
		pfn_t below = synth_orphan(g, mm, level - 1);

		synth_entry_set(g, table, slot, pfn_to_gpa(below) | TABLE_FLAGS);
		if (level == levels - 1)
			synth_entry_set(g, synth_user_pgd(g, mm), slot,
					pfn_to_gpa(below) | TABLE_FLAGS);
		if (level <= 3)
			synth_set(g, mm, "mm_struct", "pgtables_bytes.counter",
				  bytes_of(g, mm) + PT_FRAME_SIZE);
		table = below;
		slot = 0;
	}
	synth_entry_set(g, table, 0, pfn_to_gpa(synth_frame(g)) | X86_PTE_P | X86_PTE_NX);
	return table;
}

/* What FACTS of the four kernels say: which levels are typed, how a share is told. */
static const struct stock {
	const char *name;
	enum synth_types types;
	unsigned levels, typed;		/* levels; the lowest so many are typed */
	bool pti, share_apart, by_refcount, one_lock;
} stocks[] = {
	{ .name = "5.10", .types = SYNTH_TYPES_5_10, .levels = 4, .typed = 2, .by_refcount = true },
	{ .name = "5.10 pti", .types = SYNTH_TYPES_5_10, .levels = 4, .typed = 2,
	  .pti = true, .by_refcount = true },
	{ .name = "6.1", .types = SYNTH_TYPES_6_1, .levels = 5, .typed = 2 },
	{ .name = "6.1 pti", .types = SYNTH_TYPES_6_1, .levels = 4, .typed = 2, .pti = true },
	{ .name = "6.1 small", .types = SYNTH_TYPES_6_1, .levels = 4, .typed = 2,
	  .one_lock = true },
	{ .name = "6.12", .types = SYNTH_TYPES_PGTY, .levels = 5, .typed = 3, .pti = true },
	{ .name = "7.2", .types = SYNTH_TYPES_PGTY, .levels = 5, .typed = 5, .share_apart = true },
	{ .name = "7.2 pti", .types = SYNTH_TYPES_PGTY, .levels = 5, .typed = 5,
	  .pti = true, .share_apart = true },
};

static void stock_run(const struct stock *s)
{
	struct synth_options o = {
		.levels = s->levels, .types = s->types, .pti = s->pti,
		.share_apart = s->share_apart, .one_lock = s->one_lock,
		.unrecorded = (uint8_t)((1u << (s->levels - 1)) - 1),
		.untyped = (uint8_t)(0x1fu << s->typed & 0x1fu),
	};
	struct synth_guest *g = synth_new(&o);
	const struct level_agreement *at;
	struct census_row row;
	struct census *c;
	gva_t mm[MMS];
	pfn_t shared, ldt = 0;
	uint32_t owners[MMS];
	size_t levels;

	synth_populate(g, MMS, mm);
	synth_map(g, mm[0], SHARED_VA, 1, SYNTH_ANY_FRAME, X86_PTE_W);
	synth_share_pmd(g, mm[0], mm[1], SHARED_VA);
	synth_share_pmd(g, mm[0], mm[2], SHARED_VA);
	shared = synth_table(g, mm[0], SHARED_VA, 1);
	if (s->by_refcount) {
		synth_page_set(g, shared, "pt_share_count.counter", 0);
		synth_page_set(g, shared, "_refcount.counter", 3);
	}
	for (unsigned i = 0; i < 3; i++)
		synth_deposit(g, mm[2], synth_table(g, mm[2], VA, 1));
	/* What an older use of the page left: the word means nothing below the PGD. */
	synth_page_set(g, synth_table(g, mm[1], VA, 0), "pt_mm", ~0ull);
	synth_page_set(g, synth_table(g, mm[2], VA, 0), "pt_mm", mm[0]);
	if (s->pti)
		ldt = add_ldt(g, mm[3], s->levels);

	c = util_census(g, NULL);
	print_message("%s\n", s->name);
	util_assert_fine(g, c);
	at = census_recorded_at(c, &levels);
	for (size_t i = 0; i < levels; i++)
		assert_int_equal(at[i].holds, i == levels - 1);
	at = census_typed_at(c, &levels);
	for (size_t i = 0; i < levels; i++)
		assert_int_equal(at[i].holds, i < s->typed);
	assert_int_equal(util_count(c, VERDICT_MATCH), MMS);
	assert_int_equal(util_count(c, VERDICT_DEPOSITED), 3);
	assert_int_equal(util_count(c, VERDICT_SHARED), 1);
	row = util_row(c, shared);
	assert_int_equal(row.verdict, VERDICT_SHARED);
	assert_int_equal(census_owners(c, (size_t)census_find(c, shared, 1), owners, MMS), 3);
	assert_int_equal(util_row(c, synth_table(g, mm[1], VA, 0)).verdict, VERDICT_UNRECORDED);
	if (s->pti) {
		row = util_row(c, ldt);
		assert_int_equal(row.verdict, VERDICT_UNRECORDED);
		assert_int_equal(census_mms(c)->mms[row.owner].at, mm[3]);
	}
	for (unsigned i = 0; i < MMS; i++) {
		uint32_t index = (uint32_t)kernel_mm_find(census_mms(c), mm[i]);

		assert_int_equal(census_pgtables_bytes(c, index), bytes_of(g, mm[i]));
		assert_int_equal(census_disputed_bytes(c, index), 0);
		assert_true(census_mm_settled(c, index));
	}
	census_free(c);
	synth_free(g);
}

static void test_stock(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stocks) / sizeof(stocks[0]); i++)
		stock_run(&stocks[i]);
}

/* A share that the guest's own count denies is a cross-link. */
static void test_share_denied(void **state)
{
	(void)state;
	for (int apart = 0; apart < 2; apart++) {
		struct synth_options o = { .share_apart = apart, .unrecorded = 0x7 };
		struct synth_guest *g = synth_new(&o);
		struct census *c;
		gva_t mm[2];
		pfn_t pmd;

		synth_populate(g, 2, mm);
		synth_map(g, mm[0], SHARED_VA, 1, SYNTH_ANY_FRAME, X86_PTE_W);
		synth_share_pmd(g, mm[0], mm[1], SHARED_VA);
		pmd = synth_table(g, mm[0], SHARED_VA, 1);
		synth_page_set(g, pmd, "pt_share_count.counter", 2);
		c = util_census(g, NULL);
		assert_int_equal(util_row(c, pmd).verdict, VERDICT_CROSS_LINKED);
		census_free(c);
		synth_free(g);
	}
}

/* Three deposits in a PMD table; a fault in their list. */
struct lies {
	struct synth_guest *g;
	pfn_t pmd, other_pmd, pte, at[3];	/* `at` in the order of the list */
};

static gva_t lru(struct lies *l, pfn_t pfn)
{
	return synth_member(l->g, synth_page(l->g, pfn), "page", "lru");
}

static void lead(struct lies *l, unsigned from, gva_t to)
{
	gva_t node = lru(l, l->at[from]);

	synth_write(l->g, node, &to, sizeof(to));
}

static void to_itself(struct lies *l)
{
	lead(l, 0, lru(l, l->at[0]));
}

static void circle_without_first(struct lies *l)
{
	lead(l, 2, lru(l, l->at[1]));
}

static void to_linked_table(struct lies *l)
{
	lead(l, 1, lru(l, l->pte));
}

static void to_parent(struct lies *l)
{
	lead(l, 0, lru(l, l->pmd));
}

static void to_nowhere(struct lies *l)
{
	lead(l, 0, 0x1000);
}

static void to_top(struct lies *l)
{
	lead(l, 0, UINT64_MAX);
}

static void between_pages(struct lies *l)
{
	lead(l, 0, lru(l, l->at[1]) + 8);
}

static void first_is_garbage(struct lies *l)
{
	synth_page_set(l->g, l->pmd, "pmd_huge_pte", 0xdead000000000122ull);
}

static void of_two_tables(struct lies *l)
{
	synth_page_set(l->g, l->other_pmd, "pmd_huge_pte", synth_page(l->g, l->at[1]));
}

static void nothing(struct lies *l)
{
	(void)l;
}

static void test_deposit_lies(void **state)
{
	static const struct {
		void (*plant)(struct lies *);
		size_t deposited;
	} rows[] = {
		{ nothing, 3 }, { to_itself, 1 }, { circle_without_first, 3 },
		{ to_linked_table, 2 }, { to_parent, 1 }, { to_nowhere, 1 }, { to_top, 1 },
		{ between_pages, 1 }, { first_is_garbage, 0 }, { of_two_tables, 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lies l = { .g = synth_new(NULL) };
		struct census *c;
		gva_t mm[2], page;

		synth_populate(l.g, 2, mm);
		l.pmd = synth_table(l.g, mm[0], VA, 1);
		l.other_pmd = synth_table(l.g, mm[1], VA, 1);
		l.pte = synth_table(l.g, mm[1], VA, 0);
		for (unsigned n = 0; n < 3; n++)
			synth_deposit(l.g, mm[0], l.pmd);
		page = synth_page_get(l.g, l.pmd, "pmd_huge_pte");
		for (unsigned n = 0; n < 3; n++) {
			l.at[n] = (page - synth_page(l.g, 0)) / 64;
			page = synth_get(l.g, page, "page", "lru.next") -
			       (lru(&l, 0) - synth_page(l.g, 0));
		}
		rows[i].plant(&l);
		c = util_census(l.g, NULL);
		assert_int_equal(util_count(c, VERDICT_DEPOSITED), rows[i].deposited);
		assert_int_equal(util_count(c, VERDICT_ORPHAN), 3 - rows[i].deposited);
		assert_int_equal(util_row(c, l.pte).verdict, VERDICT_MATCH);
		census_free(c);
		synth_free(l.g);
	}
}

/* The book of an mm whose last user is gone may be ahead of its tables. */
static void test_exiting(void **state)
{
	(void)state;
	for (int users = 0; users < 2; users++) {
		struct synth_guest *g = synth_new(NULL);
		struct findings findings;
		struct census *c;
		gva_t mm[2];
		uint32_t index;

		synth_populate(g, 2, mm);
		synth_set(g, mm[0], "mm_struct", "mm_users.counter", (uint64_t)users);
		synth_entry_set(g, synth_table(g, mm[0], VA, 1), 2, 0);
		c = util_census(g, NULL);
		assert_true(check_run(c, synth_kernel(g), &findings, NULL));
		index = (uint32_t)kernel_mm_find(census_mms(c), mm[0]);
		assert_int_equal(census_mm_settled(c, index), users);
		assert_int_equal(util_count_findings(&findings, "pgtables_bytes"), users);
		findings_free(&findings);
		census_free(c);
		synth_free(g);
	}
}

/*
 * espfix: one branch of kernel tables linked from every slot of every level,
 * 512 times 512 paths to one PTE table.
 */
static void test_espfix(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t va = 0xffffff0000000000ull;
	pfn_t pud = synth_table(g, 0, va, 2), pmd = synth_table(g, 0, va, 1);
	pfn_t pte = synth_table(g, 0, va, 0);
	struct census *c;

	(void)state;
	synth_populate(g, 2, NULL);
	for (unsigned i = 0; i < 512; i++) {
		synth_entry_set(g, pud, i, pfn_to_gpa(pmd) | X86_PTE_P | X86_PTE_W);
		synth_entry_set(g, pmd, i, pfn_to_gpa(pte) | X86_PTE_P | X86_PTE_W);
	}
	c = util_census(g, NULL);
	util_assert_fine(g, c);
	assert_int_equal(util_row(c, pmd).links, 512);
	assert_int_equal(util_row(c, pte).links, 512);
	assert_int_equal(util_row(c, pte).verdict, VERDICT_KERNEL);
	census_free(c);
	synth_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stock),
		cmocka_unit_test(test_share_denied),
		cmocka_unit_test(test_deposit_lies),
		cmocka_unit_test(test_exiting),
		cmocka_unit_test(test_espfix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
