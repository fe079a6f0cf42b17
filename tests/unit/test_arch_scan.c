// SPDX-License-Identifier: GPL-2.0-only
/* x86's fast scan equals the generic one, on every kind of table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "arch/x86/scan.h"
#include "arch/x86/x86.h"
#include "tests/unit/random_tree.h"

enum { TABLES = 20000 };

static uint64_t random_word(uint64_t *random)
{
	uint64_t word = random_next(random);

	switch (random_below(random, 10)) {
	case 0:
		return 0;
	case 1:
		return 1ull << random_below(random, 64);
	case 2:
		return word & 0x60;
	case 3:
		return word;
	case 4:
		return (word & 0x000fffffffffff7e) | 0x100;
	case 5:
		return (word & 0x3fffffff000) | 0xe7 | (1ull << random_below(random, 64));
	case 6:
		return (word & 0x3ffc0000000) | 0x10e7;
	case 7:
		return (word & 0x3ffffe00000) | 0xe7;
	default:
		return (word & 0x3fffffff000) | 0x67;
	}
}

/* Runs of equal words, as in guests, or every word another one. */
static void random_table(uint64_t *random, uint64_t *table)
{
	unsigned longest = 1u << random_below(random, 10);
	uint64_t word = 0;

	for (unsigned i = 0, left = 0; i < 512; i++) {
		if (!left) {
			word = random_word(random);
			left = 1 + random_below(random, longest);
		}
		left--;
		table[i] = word;
	}
}

static enum pt_kind other_rules(unsigned level, uint64_t raw)
{
	return raw & 2 ? PT_PROTNONE : level && (raw & 4) ? PT_NONE : PT_SWAP;
}

static const struct pt_soft other_soft = { .name = "other", .absent_kind = other_rules };

typedef void scan_function(const struct pt_decode *, unsigned, const void *, struct pt_scan *);

static void check_scan(scan_function *scan, const char *name, uint64_t seed)
{
	static const struct pt_soft *const softs[] = { NULL, &pt_soft_linux_x86, &other_soft };
	static _Alignas(64) uint64_t room[512 + 8];
	unsigned seen[PT_KINDS] = { 0 };

	for (unsigned i = 0; i < TABLES; i++) {
		uint64_t random = seed + i;
		struct pt_decode d = {
			.format = i % 2 ? &pt_x86_5level : &pt_x86_4level,
			.soft = softs[i % 3],
			.maxphyaddr = (uint8_t)(36 + random_below(&random, 17)),
			.nx = random_below(&random, 2),
			.huge_1g = random_below(&random, 2),
		};
		unsigned level = random_below(&random, d.format->levels);
		/* Tables of a dump are aligned to their entries, no more. */
		uint64_t *table = room + i % 8;
		struct pt_scan want, got;
		unsigned sum = 0;

		memset(&want, 0x11, sizeof(want));
		memset(&got, 0x22, sizeof(got));
		random_table(&random, table);
		pt_scan_generic(&d, level, table, &want);
		scan(&d, level, table, &got);
		if (memcmp(want.count, got.count, sizeof(want.count)) ||
		    memcmp(want.tables, got.tables, sizeof(want.tables)) ||
		    memcmp(want.bad, got.bad, sizeof(want.bad)))
			fail_msg("PTMM_SEED=%llu: %s at level %u differs from pt_scan_generic",
				 (unsigned long long)(seed + i), name, level);
		for (unsigned kind = 0; kind < PT_KINDS; kind++) {
			sum += got.count[kind];
			seen[kind] += got.count[kind];
		}
		assert_int_equal(sum, 512);
	}
	for (unsigned kind = 0; kind < PT_KINDS; kind++)
		assert_true(seen[kind] > 10000);
}

static void fast_scan_equals_generic(void **state)
{
	(void)state;
	check_scan(x86_scan, "x86_scan", random_seed(__func__));
}

static void plain_scan_equals_generic(void **state)
{
	(void)state;
	check_scan(x86_scan_plain, "x86_scan_plain", random_seed(__func__));
}

static void avx2_scan_equals_generic(void **state)
{
	(void)state;
#ifdef PTMM_X86_SCAN_AVX2
	if (x86_can_scan_avx2()) {
		check_scan(x86_scan_avx2, "x86_scan_avx2", random_seed(__func__));
		return;
	}
#endif
	printf("SKIP: this CPU has no AVX2\n");
	skip();
}

/* The generic scan against one entry at a time, bitmaps and all. */
static void generic_scan_counts(void **state)
{
	uint64_t random = random_seed(__func__);
	const struct pt_decode d = {
		.format = &pt_x86_4level, .soft = &pt_soft_linux_x86, .maxphyaddr = 46,
		.huge_1g = true,
	};
	static uint64_t table[512];

	(void)state;
	for (unsigned n = 0; n < 200; n++) {
		unsigned level = n % 4, count[PT_KINDS] = { 0 };
		struct pt_scan scan;

		random_table(&random, table);
		pt_scan_generic(&d, level, table, &scan);
		for (unsigned i = 0; i < 512; i++) {
			enum pt_kind kind = d.format->entry_kind(&d, level, table[i]);

			count[kind]++;
			assert_int_equal(scan.tables[i / 64] >> (i % 64) & 1, kind == PT_TABLE);
			assert_int_equal(scan.bad[i / 64] >> (i % 64) & 1, kind == PT_BAD);
		}
		for (unsigned kind = 0; kind < PT_KINDS; kind++)
			assert_int_equal(scan.count[kind], count[kind]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(generic_scan_counts),
		cmocka_unit_test(fast_scan_equals_generic),
		cmocka_unit_test(plain_scan_equals_generic),
		cmocka_unit_test(avx2_scan_equals_generic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
