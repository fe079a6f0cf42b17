// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench_census.c - what a census costs per table, against the speed of memory.
 *
 * floor    sum of the present bits over the same tables, in place
 * scan     pt_scan() over them
 * census   census_take(): mms, walk, page facts, verdicts, the scan of the memmap for
 *          orphans
 *
 * JSON lines as tests/bench/run.sh reads them: the best of several runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "tests/lib/synth_guest.h"
#include "walker/owner/owner.h"

enum { RUNS = 15, ENTRIES = 512 };

struct guest {
	const char *name;
	unsigned levels;
	uint64_t frames;
	unsigned mms;
	unsigned tables;	/* bottom tables of each mm */
	bool full;		/* all 512 entries, else one */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_census: %s\n", what);
	exit(1);
}

static struct synth_guest *guest_make(const struct guest *kind)
{
	struct synth_options o = { .levels = kind->levels, .frames = kind->frames };
	struct synth_guest *g = synth_new(&o);

	for (unsigned m = 0; m < kind->mms; m++) {
		gva_t mm = synth_mm(g);
		pfn_t page = synth_frame(g);

		synth_task(g, mm, 100 + (int)m, "bench");
		for (unsigned t = 0; t < kind->tables; t++) {
			gva_t va = 0x10000000000ull + t * 0x200000ull;
			pfn_t table = synth_table(g, mm, va, 0);

			for (unsigned i = 0; i < (kind->full ? ENTRIES : 1u); i++)
				synth_entry_set(g, table, i, pfn_to_gpa(page) | X86_PTE_P |
						X86_PTE_U | X86_PTE_A);
		}
	}
	return g;
}

static double floor_ns(const void *const *views, size_t count)
{
	static volatile uint64_t sink;
	double start = now();
	uint64_t sum = 0;

	for (size_t t = 0; t < count; t++) {
		const uint64_t *entry = views[t];

		for (unsigned i = 0; i < ENTRIES; i++)
			sum += entry[i] & 1;
	}
	sink = sum;
	(void)sink;
	return (now() - start) / (double)count;
}

static double scan_ns(const struct pt_decode *decode, const void *const *views,
		      const uint8_t *levels, size_t count)
{
	static volatile uint64_t sink;
	double start = now();
	uint64_t sum = 0;

	for (size_t t = 0; t < count; t++) {
		struct pt_scan scan;

		pt_scan(decode, levels[t], views[t], &scan);
		sum += scan.count[PT_LEAF];
	}
	sink = sum;
	(void)sink;
	return (now() - start) / (double)count;
}

static double census_ns(const struct kernel *kernel, size_t count)
{
	double start = now(), end;
	struct census *c = census_take(kernel, NULL, NULL);

	end = now();
	if (!c || census_tables(c) != count)
		die("the census differs from run to run");
	census_free(c);
	return (end - start) / (double)count;
}

static void least(double *best, double value)
{
	if (*best == 0 || value < *best)
		*best = value;
}

static void row(const struct guest *kind, size_t tables, const char *what, double value,
		const char *unit, const char *aim)
{
	printf("{\"name\":\"%s, %zu tables in %llu MiB: %s\",\"value\":%.2f,\"unit\":\"%s\","
	       "\"aim\":%s}\n", kind->name, tables, (unsigned long long)kind->frames >> 8, what,
	       value, unit, aim);
}

static void bench(const struct guest *kind)
{
	struct synth_guest *g = guest_make(kind);
	const struct kernel *kernel = synth_kernel(g);
	struct census *c = census_take(kernel, NULL, NULL);
	size_t count = c ? census_tables(c) : 0;
	const void **views = calloc(count + 1, sizeof(*views));
	uint8_t *levels = calloc(count + 1, 1);
	double floor = 0, scan = 0, census = 0;

	if (!count || !views || !levels)
		die("no census");
	for (size_t i = 0; i < count; i++) {
		struct census_row row;

		census_row(c, i, &row);
		levels[i] = row.level;
		views[i] = synth_host(g, pfn_to_gpa(row.pfn));
	}
	census_free(c);
	for (unsigned run = 0; run < RUNS; run++) {
		least(&floor, floor_ns(views, count));
		least(&scan, scan_ns(&kernel_space(kernel)->decode, views, levels, count));
		least(&census, census_ns(kernel, count));
	}
	row(kind, count, "raw floor", floor, "ns/table", "null");
	row(kind, count, "pt_scan", scan, "ns/table", "null");
	row(kind, count, "census", census, "ns/table", "null");
	row(kind, count, "census over floor", census / floor, "ratio", kind->full ? "1.3" : "null");
	free(views);
	free(levels);
	synth_free(g);
}

int main(void)
{
	static const struct guest guests[] = {
		{ "default", 4, 16384, 17, 24, true },
		{ "dense", 4, 65536, 4, 4096, true },
		{ "dense 5-level", 5, 65536, 4, 4096, true },
		{ "sparse", 4, 524288, 4, 4096, false },
		{ "many mms", 4, 131072, 10000, 1, false },
	};

	for (size_t i = 0; i < sizeof(guests) / sizeof(guests[0]); i++)
		bench(&guests[i]);
	return 0;
}
