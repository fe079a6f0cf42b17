// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_census_brute.c - the census against a naive walker, and against garbage.
 *
 * The walker below knows x86 tables by heart and uses neither arch/ nor the
 * library: it recurses from every root and notes who came by.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/census_util.h"

enum { FRAMES = 8192, MMS_MAX = 24 };

struct naive {
	struct synth_guest *g;
	unsigned levels;
	uint32_t owners[FRAMES];	/* bit per mm; bit 31: the kernel */
	int level[FRAMES];		/* -1: no table */
	uint64_t va[FRAMES];
	uint32_t links[FRAMES];
};

static void naive_walk(struct naive *n, uint64_t pfn, int level, uint64_t va, unsigned owner,
		       int first, int end)
{
	n->owners[pfn] |= 1u << owner;
	n->level[pfn] = level;
	n->va[pfn] = va;
	n->links[pfn]++;
	for (int i = first; i < end && level > 0; i++) {
		uint64_t entry = synth_entry(n->g, pfn, (unsigned)i);
		uint64_t below = va + ((uint64_t)i << (12 + 9 * level));

		if ((entry & 0x81) != 1)
			continue;
		if (n->levels == 4 && below >> 47)
			below |= 0xffff000000000000;
		if (n->levels == 5 && below >> 56)
			below |= 0xfe00000000000000;
		naive_walk(n, (entry & 0xffffffffff000) >> 12, level - 1, below, owner, 0, 512);
	}
}

static unsigned pick(uint64_t *seed, unsigned below)
{
	return (unsigned)(util_random(seed) % below);
}

static void random_guest(struct synth_guest *g, unsigned mms, gva_t *mm, uint64_t *seed)
{
	for (unsigned i = 0; i < mms; i++) {
		mm[i] = synth_mm(g);
		synth_task(g, mm[i], 100 + (int)i, "naive");
		for (unsigned k = pick(seed, 12); k; k--) {
			/* Different spans for huge pages, so that none is in a page's way. */
			unsigned level = pick(seed, 3);
			uint64_t r = util_random(seed);
			gva_t va = level == 2 ? 0x600000000000 + ((r % 64) << 30) :
				   level == 1 ? 0x500000000000 + ((r % 4096) << 21) :
				   (r % 8) << 39 | (r >> 8 & 7) << 30 | (r >> 16 & 511) << 21 |
				   (r >> 32 & 511) << 12;

			synth_map(g, mm[i], va, level, SYNTH_ANY_FRAME, X86_PTE_W);
		}
	}
	for (unsigned k = pick(seed, 4); mms > 1 && k; k--) {
		unsigned from = pick(seed, mms - 1), to = from + 1;
		gva_t va = 0x510000000000 + (k << 30);

		if (util_random(seed) & 1) {
			synth_map(g, mm[from], va, 1, SYNTH_ANY_FRAME, 0);
			synth_share_pmd(g, mm[from], mm[to], va);
		} else {
			/* Tables of one in another, with no reason. */
			pfn_t pmd = synth_table(g, mm[to], 0x520000000000, 1);

			synth_map(g, mm[from], va, 0, SYNTH_ANY_FRAME, 0);
			synth_entry_set(g, pmd, k, (synth_table(g, mm[from], va, 0) << 12) | 0x67);
		}
	}
}

static void compare(const struct naive *n, const struct census *c, const gva_t *mm, unsigned mms)
{
	const struct kernel_mms *all = census_mms(c);
	size_t tables = 0;

	for (size_t i = 0; i < census_tables(c); i++) {
		struct census_row row;
		uint32_t owners[MMS_MAX + 1], set = 0;
		size_t count = census_owners(c, i, owners, MMS_MAX + 1);

		census_row(c, i, &row);
		for (size_t k = 0; k < count; k++) {
			unsigned at = 0;

			while (at < mms && mm[at] != all->mms[owners[k]].at)
				at++;
			set |= 1u << (at < mms ? at : 31);
		}
		assert_int_equal(row.level, n->level[row.pfn]);
		assert_int_equal(set, n->owners[row.pfn]);
		/* A table below a shared one has one link, whoever comes by. */
		if (count == 1) {
			assert_int_equal(row.va, n->va[row.pfn]);
			assert_int_equal(row.links, n->links[row.pfn]);
		}
	}
	for (unsigned pfn = 0; pfn < FRAMES; pfn++)
		tables += n->level[pfn] >= 0;
	assert_int_equal(census_tables(c), tables);
}

static void one_guest(uint64_t seed)
{
	struct synth_options o = { .frames = FRAMES, .levels = seed & 1 ? 5 : 4 };
	struct synth_guest *g = synth_new(&o);
	struct naive *n = calloc(1, sizeof(*n));
	unsigned mms = 1 + pick(&seed, MMS_MAX);
	gva_t mm[MMS_MAX];
	struct census *c;

	assert_non_null(n);
	n->g = g;
	n->levels = o.levels;
	memset(n->level, 0xff, sizeof(n->level));
	random_guest(g, mms, mm, &seed);
	naive_walk(n, synth_pgd(g, synth_init_mm(g)), (int)o.levels - 1, 0, 31, 0, 512);
	for (unsigned i = 0; i < mms; i++)
		naive_walk(n, synth_pgd(g, mm[i]), (int)o.levels - 1, 0, i, 0, 256);
	c = util_census(g, NULL);
	compare(n, c, mm, mms);
	census_free(c);
	free(n);
	synth_free(g);
}

static void test_naive_walker(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		print_message("seed %llu\r", (unsigned long long)seed);
		one_guest(seed);
	}
}

/* Words that look like entries, so that the walk goes somewhere. */
static uint64_t wild_entry(uint64_t *seed, uint64_t frames)
{
	uint64_t r = util_random(seed);

	switch (r % 8) {
	case 0:
		return util_random(seed);
	case 1:
		return r << 20 | 1;
	case 2:
		return 0;
	default:
		return (r >> 8) % (frames + 8) << 12 | (r % 16 == 3 ? 0xe7 : 0x67);
	}
}

static void damage(struct synth_guest *g, const pfn_t *tables, size_t count, uint64_t frames,
		   uint64_t *seed)
{
	unsigned hits = 1 + pick(seed, 64);

	while (hits--) {
		uint64_t r = util_random(seed);
		pfn_t table = tables[(r >> 8) % count];
		uint64_t *host = synth_host(g, pfn_to_gpa((r & 7) ? table : (r >> 32) % frames));

		if (r >> 60 == 0) {
			for (unsigned i = 0; i < 512; i++)
				host[i] = wild_entry(seed, frames);
			continue;
		}
		host[(r >> 20) % 512] = wild_entry(seed, frames);
		/* And in its struct page. */
		host = synth_host(g, synth_gpa(g, synth_page(g, table)));
		if (r >> 59 & 1)
			host[(r >> 40) % 8] = r >> 58 & 1 ? 0xf2000000f2000000 : util_random(seed);
	}
}

/* Any bytes at all: no crash, no hang, and sums that add up. */
static void test_garbage(void **state)
{
	struct synth_options o = { .frames = 1536 };
	struct synth_guest *g = synth_new(&o);
	uint8_t *copy = malloc(o.frames * PT_FRAME_SIZE);
	pfn_t tables[512];
	size_t count, taken = 0;
	struct census *c;
	gva_t mm[6];

	(void)state;
	assert_non_null(copy);
	synth_populate(g, 6, mm);
	synth_map(g, mm[0], 0x8040000000ull, 1, SYNTH_ANY_FRAME, X86_PTE_W);
	synth_share_pmd(g, mm[0], mm[1], 0x8040000000ull);
	synth_deposit(g, mm[2], synth_table(g, mm[2], 0x400000, 1));
	c = util_census(g, NULL);
	count = census_tables(c);
	assert_true(count > 20 && count <= 512);
	for (size_t i = 0; i < count; i++) {
		struct census_row row;

		census_row(c, i, &row);
		tables[i] = row.pfn;
	}
	census_free(c);
	memcpy(copy, synth_host(g, 0), o.frames * PT_FRAME_SIZE);
	for (uint64_t seed = 1; seed <= 2000; seed++) {
		uint64_t random = seed;
		struct census *again;
		struct findings f;

		damage(g, tables, count, o.frames, &random);
		c = census_take(synth_kernel(g), NULL, NULL);
		if (c) {
			taken++;
			assert_true(census_tables(c) <= o.frames);
			for (size_t i = 0; i < census_tables(c); i++) {
				struct census_row row;

				census_row(c, i, &row);
				assert_int_equal(census_find(c, row.pfn, row.level), i);
			}
			assert_true(check_run(c, synth_kernel(g), &f, NULL));
			assert_true(f.count <= 10000);
			findings_free(&f);
			damage(g, tables, count, o.frames, &random);
			again = census_take(synth_kernel(g), NULL, NULL);
			if (again)
				census_settle(c, again);
			census_free(again);
			census_free(c);
		}
		memcpy(synth_host(g, 0), copy, o.frames * PT_FRAME_SIZE);
	}
	assert_true(taken > 1000);
	free(copy);
	synth_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_naive_walker),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
