// SPDX-License-Identifier: GPL-2.0-only
/* struct pages: types in three encodings, facts, flags, and memmaps with holes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/buffer_machine.h"
#include "tests/lib/synth_internal.h"
#include "walker/kernel/kernel_impl.h"

static struct page_facts facts_of(struct synth_guest *g, pfn_t pfn)
{
	struct page_facts facts;
	struct err err = { 0 };

	if (!kernel_page(synth_kernel(g), pfn, &facts, &err))
		fail_msg("%s", err.message);
	return facts;
}

static void expect_no_facts(struct synth_guest *g, pfn_t pfn, enum err_code code)
{
	struct page_facts facts;
	struct err err = { 0 };

	assert_false(kernel_page(synth_kernel(g), pfn, &facts, &err));
	assert_int_equal(err.code, code);
}

static void test_types(void **state)
{
	static const struct {
		enum synth_types types;
		uint32_t word;
		enum page_type expected;
	} rows[] = {
		{ SYNTH_TYPES_PGTY, 0xf2000000, PAGE_TYPE_TABLE },
		{ SYNTH_TYPES_PGTY, 0xf2000123, PAGE_TYPE_TABLE },
		{ SYNTH_TYPES_PGTY, 0xf0000000, PAGE_TYPE_BUDDY },
		{ SYNTH_TYPES_PGTY, 0xf5000000, PAGE_TYPE_SLAB },
		{ SYNTH_TYPES_PGTY, 0xf3000000, PAGE_TYPE_OTHER },
		{ SYNTH_TYPES_PGTY, 0xffffffff, PAGE_TYPE_NONE },
		{ SYNTH_TYPES_PGTY, 0, PAGE_TYPE_NONE },
		{ SYNTH_TYPES_PGTY, 5, PAGE_TYPE_NONE },
		/* The word of an older kernel is no table here. */
		{ SYNTH_TYPES_PGTY, 0xfffffdff, PAGE_TYPE_NONE },
		{ SYNTH_TYPES_6_1, 0xfffffdff, PAGE_TYPE_TABLE },
		{ SYNTH_TYPES_6_1, 0xffffff7f, PAGE_TYPE_BUDDY },
		{ SYNTH_TYPES_6_1, 0xfffffeff, PAGE_TYPE_OTHER },
		{ SYNTH_TYPES_6_1, 0xffffffff, PAGE_TYPE_NONE },
		{ SYNTH_TYPES_6_1, 0, PAGE_TYPE_NONE },
		{ SYNTH_TYPES_6_1, 0xf2000000, PAGE_TYPE_TABLE },
		{ SYNTH_TYPES_6_1, 0xfffffbff, PAGE_TYPE_OTHER },
		{ SYNTH_TYPES_5_10, 0xfffffbff, PAGE_TYPE_TABLE },
		{ SYNTH_TYPES_5_10, 0xfffffdff, PAGE_TYPE_OTHER },
		{ SYNTH_TYPES_5_10, 0xfffffffe, PAGE_TYPE_NONE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct synth_options o = { .types = rows[i].types };
		struct synth_guest *g = synth_new(&o);
		pfn_t pfn = synth_frame(g);

		synth_page_set(g, pfn, "page_type", rows[i].word);
		if (facts_of(g, pfn).type != rows[i].expected)
			fail_msg("row %zu: type %d", i, facts_of(g, pfn).type);
		assert_int_equal(facts_of(g, pfn).page_type, rows[i].word);
		synth_free(g);
	}
}

/* Of 6.10, whose bits are in BTF, and of 6.11, which moved them. */
static void test_types_between(void **state)
{
	static const struct page_types v6_10 = {
		.base = 0xf0000000, .table = 0x200, .buddy = 0x80,
	};
	static const struct page_types v6_11 = {
		.base = 0x80000000, .table = 0x10000000, .buddy = 0x40000000, .slab = 0x02000000,
	};

	(void)state;
	assert_int_equal(kernel_page_type(&v6_10, 0xfffffdff, 0), PAGE_TYPE_TABLE);
	assert_int_equal(kernel_page_type(&v6_11, 0xefffffff, 0), PAGE_TYPE_TABLE);
	assert_int_equal(kernel_page_type(&v6_11, 0xbfffffff, 0), PAGE_TYPE_BUDDY);
	assert_int_equal(kernel_page_type(&v6_11, 0xfdffffff, 0), PAGE_TYPE_SLAB);
	assert_int_equal(kernel_page_type(&v6_11, 0xffffffff, 0), PAGE_TYPE_NONE);
	assert_int_equal(kernel_page_type(&v6_11, 0x00000001, 0), PAGE_TYPE_NONE);
}

static void test_facts(void **state)
{
	struct synth_options o = { .share_apart = true };
	struct synth_guest *g = synth_new(&o);
	gva_t mm = synth_mm(g), other = synth_mm(g);
	pfn_t pte = synth_table(g, mm, 0x400000, 0), pmd = synth_table(g, mm, 0x400000, 1);
	pfn_t deposited = synth_deposit(g, mm, pmd), plain = synth_frame(g);
	struct page_facts f;
	pfn_t pfn;

	(void)state;
	f = facts_of(g, pte);
	assert_int_equal(f.type, PAGE_TYPE_TABLE);
	assert_int_equal(f.recorded, mm);
	assert_int_equal(f.refcount, 1);
	assert_int_equal(f.mapcount, 0);
	assert_int_equal(f.ptl, 0);
	assert_false(f.reserved || f.hwpoison);
	synth_page_set(g, pte, "ptl.val.counter", 1);
	assert_int_equal(facts_of(g, pte).ptl, 1);

	f = facts_of(g, pmd);
	assert_int_equal(f.deposit, synth_page(g, deposited));
	assert_true(kernel_page_pfn(synth_kernel(g), f.deposit, &pfn, NULL));
	assert_int_equal(pfn, deposited);
	assert_int_equal(f.share_count, 0);
	synth_share_pmd(g, mm, other, 0x400000);
	assert_int_equal(facts_of(g, pmd).share_count, 1);
	assert_int_equal(facts_of(g, pmd).recorded, mm);

	/* The same words of a page that is no table mean something else. */
	synth_page_set(g, plain, "mapping", 0x1234);
	synth_page_set(g, plain, "index", ~0ull);
	synth_page_set(g, plain, "_mapcount.counter", 4);
	synth_page_set(g, plain, "_refcount.counter", 6);
	f = facts_of(g, plain);
	assert_int_equal(f.type, PAGE_TYPE_NONE);
	assert_int_equal(f.mapcount, 5);
	assert_int_equal(f.refcount, 6);
	assert_int_equal(f.recorded, 0x1234);
	assert_int_equal(f.ptl, 0);
	assert_int_equal(f.share_count, 0);
	assert_int_equal(f.deposit, 0);

	f = facts_of(g, synth_pgd(g, synth_init_mm(g)));
	assert_true(f.reserved);
	assert_int_equal(f.recorded, 0);
	synth_page_flag(g, plain, "PG_hwpoison", true);
	assert_true(facts_of(g, plain).hwpoison);
	synth_free(g);
}

/*
 * Where the share count is half of the owner's word, an owner is no count, and
 * what an older use of the page left in the other half does not matter.
 */
static void test_share_in_word(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	gva_t mm = synth_mm(g), other = synth_mm(g);
	pfn_t pmd = synth_table(g, mm, 0x400000, 1);

	(void)state;
	assert_int_equal(facts_of(g, pmd).recorded, mm);
	assert_int_equal(facts_of(g, pmd).share_count, 0);
	synth_share_pmd(g, mm, other, 0x400000);
	assert_int_equal(facts_of(g, pmd).recorded, 1);
	assert_int_equal(facts_of(g, pmd).share_count, 1);
	synth_page_set(g, pmd, "pt_mm", 0x1234500000001ull);
	assert_int_equal(facts_of(g, pmd).share_count, 1);
	synth_free(g);
}

/* A tail says where its head is: by address, or by a mask where that is what it holds. */
static void test_compound(void **state)
{
	(void)state;
	for (int pgty = 0; pgty < 2; pgty++) {
		struct synth_options o = { .types = pgty ? SYNTH_TYPES_PGTY : SYNTH_TYPES_6_1 };
		struct synth_guest *g = synth_new(&o);
		const char *member = pgty ? "compound_info" : "compound_head";
		const struct kernel *k = synth_kernel(g);
		struct err err = { 0 };
		pfn_t head;

		assert_true(kernel_page_head(k, 2048, &head, &err));
		assert_int_equal(head, 2048);
		synth_page_set(g, 2055, member, synth_page(g, 2048) | 1);
		assert_true(kernel_page_head(k, 2055, &head, &err));
		assert_int_equal(head, 2048);
		/* Pages of 64 bytes, 8 of them: 9 bits. */
		synth_page_set(g, 2055, member, (UINT64_MAX << 9) | 1);
		assert_true(kernel_page_head(k, 2055, &head, &err));
		assert_int_equal(head, 2048);
		synth_page_set(g, 2055, member, 1);
		assert_false(kernel_page_head(k, 2055, &head, &err));
		assert_int_equal(err.code, ERR_MALFORMED);
		synth_page_set(g, 2055, member, 0x1001);
		assert_false(kernel_page_head(k, 2055, &head, &err));
		assert_false(kernel_page_head(k, 1 << 30, &head, &err));
		assert_int_equal(err.code, ERR_NOT_RAM);
		synth_free(g);
	}
}

static void test_flags(void **state)
{
	struct synth_guest *g = synth_new(NULL);
	const struct kernel *k = synth_kernel(g);
	char text[64], shorter[8];

	(void)state;
	assert_string_equal(kernel_page_flags(k, 0, text, sizeof(text)), "");
	/* Bit 13 has only an alias; bit 63 is the page's node. */
	assert_string_equal(kernel_page_flags(k, 1 << 12 | 1 << 4 | 1 << 13 | 1ull << 63, text,
					      sizeof(text)), "dirty reserved anon_exclusive");
	kernel_page_flags(k, UINT64_MAX, shorter, sizeof(shorter));
	assert_int_equal(strnlen(shorter, sizeof(shorter)), sizeof(shorter) - 1);
	synth_free(g);
}

static void test_no_facts(void **state)
{
	struct synth_options o = { .hole_first = 3000, .hole_end = 3100 };
	struct synth_guest *g = synth_new(&o);
	static const uint8_t zero[64];
	gva_t unmapped = synth_page(g, 64 * 10), poisoned = synth_page(g, 64 * 20);
	gva_t outside = synth_page(g, 64 * 30), at;
	pfn_t pfn;

	(void)state;
	synth_write(g, synth_page(g, 2500), zero, sizeof(zero));
	synth_entry_set(g, synth_table(g, 0, unmapped, 0), synth_index(g, 0, unmapped), 0);
	synth_entry_set(g, synth_table(g, 0, outside, 0), synth_index(g, 0, outside),
			0x7f00000063ull);
	expect_no_facts(g, 2500, ERR_NOT_RAM);		/* never initialised */
	expect_no_facts(g, 3050, ERR_NOT_RAM);		/* of the hole: zero too */
	expect_no_facts(g, 64 * 10 + 63, ERR_NOT_RAM);	/* memmap not mapped */
	expect_no_facts(g, 64 * 30 + 5, ERR_NOT_RAM);	/* memmap outside RAM */
	expect_no_facts(g, 4096, ERR_NOT_RAM);
	expect_no_facts(g, UINT64_MAX, ERR_NOT_RAM);
	expect_no_facts(g, 1ull << 58, ERR_NOT_RAM);
	facts_of(g, 64 * 10 - 1);
	facts_of(g, 64 * 20);
	/* A memmap frame may be lost after it was translated. */
	synth_unreadable(g, gpa_to_pfn(synth_gpa(g, poisoned)));
	expect_no_facts(g, 64 * 20, ERR_UNREADABLE);
	facts_of(g, 64 * 21);

	assert_false(kernel_page_at(synth_kernel(g), 4096, &at, NULL));
	assert_true(kernel_page_at(synth_kernel(g), 5, &at, NULL));
	assert_int_equal(at, synth_page(g, 5));
	assert_false(kernel_page_pfn(synth_kernel(g), at + 1, &pfn, NULL));
	assert_false(kernel_page_pfn(synth_kernel(g), at - 64 * 6, &pfn, NULL));
	assert_false(kernel_page_pfn(synth_kernel(g), synth_page(g, 4095) + 64, &pfn, NULL));
	synth_free(g);
}

/* One struct page per 80 bytes: some lie across two frames. */
static void test_pages_across_frames(void **state)
{
	struct machine *m = buffer_machine_simple(64 * PT_FRAME_SIZE);
	struct pt_space space = {
		.decode = { .format = &pt_x86_4level, .soft = &pt_soft_linux_x86, .maxphyaddr = 40,
			    .nx = true },
		.roots = 1,
		.root = { { .gpa = 0, .last = UINT64_MAX, .mode = PT_MODE_ANY } },
	};
	const gva_t base = 0xffffea0000000000ull;
	struct memmap *map = memmap_new(m, &space, base, 80, 200, NULL);

	(void)state;
	/* The memmap's frames are mapped backwards: 9, 8, 7, 6. */
	for (unsigned level = 3; level; level--) {
		unsigned index = pt_index(&pt_x86_4level, level, base);

		buffer_machine_set(m, (3 - level) * PT_FRAME_SIZE + 8 * index,
				   ((4 - level) * PT_FRAME_SIZE) | 0x63);
	}
	for (unsigned i = 0; i < 4; i++)
		buffer_machine_set(m, 3 * PT_FRAME_SIZE + 8 * i,
				   ((9ull - i) * PT_FRAME_SIZE) | 0x63);
	for (unsigned i = 0; i < 4 * PT_FRAME_SIZE; i++)
		*(uint8_t *)buffer_machine_at(m, (9 - i / PT_FRAME_SIZE) * PT_FRAME_SIZE +
					      i % PT_FRAME_SIZE) = (uint8_t)(i / 80);
	for (pfn_t pfn = 0; pfn < 200; pfn++) {
		uint8_t page[MEMMAP_PAGE_MAX];

		assert_true(memmap_read(map, pfn, page, NULL));
		for (unsigned i = 0; i < 80; i++)
			assert_int_equal(page[i], (uint8_t)pfn);
	}
	memmap_free(map);
	assert_null(memmap_new(m, &space, base, 0, 200, NULL));
	assert_null(memmap_new(m, &space, base, 4096, 200, NULL));
	assert_null(memmap_new(m, &space, UINT64_MAX - 64, 64, 200, NULL));
	machine_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_types_between),
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_share_in_word),
		cmocka_unit_test(test_compound),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_no_facts),
		cmocka_unit_test(test_pages_across_frames),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
