// SPDX-License-Identifier: GPL-2.0-only
/*
 * bench_guest.c - figures on a real guest: `bench_guest NAME`. One translation
 * through the library against a plain C loop on the same mapped RAM, and the
 * census against summing the same table pages in the same order.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vmm/target.h"
#include "walker/owner/owner.h"
#include "walker/table/translate.h"

enum { ROUNDS = 400, ADDRESSES_MAX = 4096 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void row(const char *name, double value, const char *unit, const char *aim)
{
	printf("{\"name\":\"%s\",\"value\":%.2f,\"unit\":\"%s\",\"aim\":%s}\n", name, value,
	       unit, aim);
}

struct query {
	struct pt_space space;
	gva_t va;
};

static const uint64_t *frame(struct machine *machine, gpa_t gpa)
{
	return machine_view(machine, gpa, NULL);
}

/* What the fastest loop that could be written by hand for 4 levels does. */
static gpa_t plain_translate(struct machine *machine, gpa_t root, gva_t va, unsigned levels)
{
	gpa_t table = root;

	for (int level = (int)levels - 1; level >= 0; level--) {
		const uint64_t *t = frame(machine, table);
		unsigned shift = 12 + 9 * (unsigned)level;
		uint64_t raw;

		if (!t)
			return 0;
		raw = t[(va >> shift) & 511];
		if (!(raw & X86_PTE_P))
			return 0;
		if (!level || (raw & X86_PTE_PSE))
			return (raw & X86_PTE_ADDR & ~((1ull << shift) - 1)) |
			       (va & ((1ull << shift) - 1));
		table = raw & X86_PTE_ADDR;
	}
	return 0;
}

static size_t collect(const struct census *census, const struct kernel *kernel,
		      struct query *queries)
{
	const struct kernel_mms *mms = census_mms(census);
	size_t count = 0;

	for (size_t i = 0; i < census_tables(census) && count < ADDRESSES_MAX; i++) {
		struct census_row r;

		census_row(census, i, &r);
		if (r.level || r.kernel_half || r.owner < 0 || !r.readable)
			continue;
		x86_space_of_pgd(&queries[count].space, mms->mms[r.owner].pgd,
				 kernel_space(kernel));
		queries[count++].va = r.va;
	}
	return count;
}

static void bench_translate(struct machine *machine, const struct query *queries, size_t count)
{
	uint64_t sum = 0, plain_sum = 0;
	double t0, t1, t2;

	t0 = now();
	for (int k = 0; k < ROUNDS; k++)
		for (size_t i = 0; i < count; i++) {
			struct pt_translation tr;

			pt_translate(machine, &queries[i].space, queries[i].va, PT_MODE_ANY, &tr);
			sum += tr.result == PT_MAPPED ? tr.gpa : 0;
		}
	t1 = now();
	for (int k = 0; k < ROUNDS; k++)
		for (size_t i = 0; i < count; i++)
			plain_sum += plain_translate(machine, queries[i].space.root[0].gpa,
					queries[i].va,
					queries[i].space.decode.format->levels);
	t2 = now();
	row("walk of one address", (t1 - t0) * 1e9 / (ROUNDS * (double)count), "ns", "null");
	row("walk of one address, plain C loop", (t2 - t1) * 1e9 / (ROUNDS * (double)count), "ns",
	    "null");
	if (sum != plain_sum)
		fprintf(stderr, "bench_guest: the two loops disagree\n");
}

static void bench_census(const struct kernel *kernel, const struct census *census)
{
	struct machine *machine = kernel_machine(kernel);
	size_t tables = census_tables(census);
	uint64_t sum = 0;
	double t0, t1, t2;

	t0 = now();
	for (int k = 0; k < ROUNDS; k++)
		for (size_t i = 0; i < tables; i++) {
			const uint64_t *words;
			struct census_row r;

			census_row(census, i, &r);
			words = frame(machine, pfn_to_gpa(r.pfn));
			for (int w = 0; words && w < 512; w++)
				sum += words[w] & 1;
		}
	t1 = now();
	for (int k = 0; k < ROUNDS; k++)
		census_free(census_take(kernel, NULL, NULL));
	t2 = now();
	row("raw read floor of this guest's tables", (t1 - t0) * 1e9 / (ROUNDS * (double)tables),
	    "ns/table", "null");
	row("census of this guest, facts and verdicts included",
	    (t2 - t1) * 1e9 / (ROUNDS * (double)tables), "ns/table", "null");
	if (!sum)
		fprintf(stderr, "bench_guest: no entry is present\n");
}

int main(int argc, char **argv)
{
	static struct query queries[ADDRESSES_MAX];
	struct census *census;
	struct target target;
	struct err err;
	size_t count;

	if (argc != 2 || !target_open(&target, argv[1], NULL, &err)) {
		fprintf(stderr, "bench_guest: %s\n", argc == 2 ? err.message : "which guest?");
		return 1;
	}
	target.machine->ops->pause(target.machine, &err);
	census = census_take(target.kernel, NULL, &err);
	if (!census) {
		fprintf(stderr, "bench_guest: %s\n", err.message);
		return 1;
	}
	count = collect(census, target.kernel, queries);
	bench_translate(target.machine, queries, count);
	bench_census(target.kernel, census);
	census_free(census);
	target_close(&target);
	return 0;
}
