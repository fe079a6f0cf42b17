// SPDX-License-Identifier: GPL-2.0-only
/*
 * bugs.c - does every bug planted in the guest give what it should, and no more?
 *
 *	bugs GUEST BUG		the guest was started with bug=BUG
 *	bugs --list		the names of the table below
 *
 * The sets are exact: the verdicts beyond those of a sound guest, the findings'
 * checks, and the verdict of the table page that the guest says it hit.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/lib/live_guest.h"
#include "tests/lib/tap.h"
#include "walker/check/check.h"

#define SET(verdict) (1u << VERDICT_##verdict)
enum { FINDINGS_LISTED = 8, TEXT = 160 };

struct bug {
	const char *name;
	unsigned verdicts;		/* a bit per enum verdict */
	const char *findings;		/* ids, sorted, a blank between */
	unsigned hit;			/* verdicts that the row hit may have */
};

static const struct bug bugs[] = {
	{ "wrong_pt_mm", SET(MISMATCH), "mismatch", SET(MISMATCH) },
	{ "no_ctor", SET(UNTYPED), "untyped", SET(UNTYPED) },
	{ "no_clear_on_free", SET(STALE), "stale", SET(STALE) },
	{ "freed_but_linked", SET(UNTYPED), "untyped", SET(UNTYPED) },
	{ "cross_link", SET(CROSS_LINKED), "cross-linked", SET(CROSS_LINKED) },
	{ "orphan", SET(ORPHAN), "orphan", SET(ORPHAN) },
	{ "self_map", 0, "self_map", SET(MATCH) },
	{ "beyond_ram", 0, "beyond_ram", SET(MATCH) },
	{ "reserved_bits", 0, "bad_entry", SET(MATCH) },
	{ "pgtables_bytes_off", 0, "pgtables_bytes", SET(MATCH) },
	{ "kernel_half_differs", 0, "kernel_half", SET(MATCH) },
};

static void verdicts_text(unsigned set, char *out, size_t size)
{
	size_t used = 0;

	snprintf(out, size, "none");
	for (unsigned v = 0; v < VERDICTS; v++)
		if (set >> v & 1 && used < size)
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "",
						 verdict_name((enum verdict)v));
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The checks that found something, sorted, each once. */
static void findings_text(const struct findings *findings, char *out, size_t size)
{
	const char *ids[FINDINGS_LISTED];
	size_t count = 0, used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < findings->count; i++) {
		size_t known = 0;

		while (known < count && strcmp(ids[known], findings->list[i].check))
			known++;
		if (known == count && count < FINDINGS_LISTED)
			ids[count++] = findings->list[i].check;
	}
	qsort(ids, count, sizeof(ids[0]), by_text);
	for (size_t i = 0; i < count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? " " : "", ids[i]);
}

/* A census of a guest at rest: what is in flight is gone when one looks again. */
static struct census *census_at_rest(struct live_guest *g)
{
	struct census *census = NULL;

	for (int tries = 0; tries < 20; tries++) {
		bool at_rest = true;

		live_pause(g);
		census = live_census(g->kernel);
		for (size_t i = 0; i < census_tables(census); i++) {
			struct census_row row;

			census_row(census, i, &row);
			at_rest = at_rest && row.verdict != VERDICT_IN_FLIGHT;
		}
		if (at_rest)
			return census;
		census_free(census);
		live_resume(g);
		usleep(50000);
	}
	printf("not ok bug: the guest comes to rest - always in flight\n");
	exit(1);
}

/*
 * The verdicts of rows that are not sound. Orphans that the guest's books have in
 * limbo are sound as well, but for the row that the bug is about.
 */
static unsigned unsound(struct live_guest *g, const struct census *census, pfn_t hit)
{
	uint64_t book_count;
	struct book *books = live_books(g, &book_count);
	unsigned set = 0;

	for (size_t i = 0; i < census_tables(census); i++) {
		struct census_row row;

		census_row(census, i, &row);
		if (verdict_is_sound(row.verdict) ||
		    (row.verdict == VERDICT_ORPHAN && row.pfn != hit && row.pfn < book_count &&
		     books[row.pfn].state == BOOK_LIMBO))
			continue;
		set |= 1u << row.verdict;
	}
	free(books);
	return set;
}

static void compare(struct live_guest *g, const struct census *census, const struct bug *bug)
{
	char found[TEXT], expected[TEXT], name[TEXT];
	struct findings findings = { 0 };
	struct guest_event event = { 0 };
	bool planted = live_event(g, DOORBELL_BUG, &event);
	unsigned set = unsound(g, census, event.arg[0]);
	struct err e = { 0 };
	int64_t hit;

	verdicts_text(set, found, sizeof(found));
	verdicts_text(bug->verdicts, expected, sizeof(expected));
	snprintf(name, sizeof(name), "bug=%s: verdicts", bug->name);
	tap(set == bug->verdicts, name, "expected %s, found %s", expected, found);

	snprintf(name, sizeof(name), "bug=%s: findings", bug->name);
	if (!check_run(census, g->kernel, &findings, &e)) {
		tap(false, name, "%s", e.message);
		return;
	}
	findings_text(&findings, found, sizeof(found));
	tap(!strcmp(found, bug->findings), name, "expected %s, found %s", bug->findings, found);
	for (size_t i = 0; i < findings.count && i < FINDINGS_LISTED; i++)
		tap_note("%s: %s", findings.list[i].check, findings.list[i].message);
	findings_free(&findings);

	snprintf(name, sizeof(name), "bug=%s: the table page that was hit", bug->name);
	if (!planted) {
		tap(false, name, "the guest planted nothing");
		return;
	}
	hit = census_find(census, event.arg[0], -1);
	if (hit >= 0) {
		struct census_row row;

		census_row(census, (size_t)hit, &row);
		tap(bug->hit >> row.verdict & 1, name, "pfn 0x%x is %s", event.arg[0],
		    verdict_name(row.verdict));
	} else {
		tap(bug->hit == 0, name, "pfn 0x%x is not in the census", event.arg[0]);
	}
}

int main(int argc, char **argv)
{
	size_t count = sizeof(bugs) / sizeof(bugs[0]), i = 0;
	struct census *census;
	struct live_guest g;

	if (argc == 2 && !strcmp(argv[1], "--list")) {
		for (; i < count; i++)
			printf("%s\n", bugs[i].name);
		return 0;
	}
	while (argc == 3 && i < count && strcmp(bugs[i].name, argv[2]))
		i++;
	if (argc != 3 || i == count) {
		fprintf(stderr, "usage: bugs GUEST BUG | --list\n");
		return 2;
	}
	live_open(&g, argv[1]);
	census = census_at_rest(&g);
	compare(&g, census, &bugs[i]);
	live_resume(&g);
	census_free(census);
	live_close(&g);
	return tap_status();
}
