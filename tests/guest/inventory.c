// SPDX-License-Identifier: GPL-2.0-only
/*
 * inventory.c - is the census equal to the guest's own books?
 *
 *	inventory GUEST [CHURN-PAUSES]
 *
 * Every frame, level, owner and address; no more, no fewer. At rest there is
 * nothing to excuse. With CHURN-PAUSES the guest is stopped that often in the
 * middle of its work: then rows may be in flight, each for a reason that is
 * looked up here again (a held lock, a row being written, another second look).
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/lib/live_guest.h"
#include "tests/lib/tap.h"
#include "walker/check/check.h"

struct tally {
	uint64_t linked, limbo, rows;
	uint64_t in_flight, unjustified, wrong;
	char first_wrong[200], first_unjustified[200];
};

/* One stop of the guest: what its books said, and two censuses. */
struct stop {
	struct book *books;
	uint64_t book_count;
	struct census *first, *second;	/* second: NULL at rest */
	const struct pt_format *format;
};

static void text_of_book(const struct book *b, char *out, size_t size)
{
	snprintf(out, size, "state %u level %u va 0x%llx mm 0x%llx,0x%llx seq %u", b->state,
		 b->level, (unsigned long long)b->va, (unsigned long long)b->mm[0],
		 (unsigned long long)b->mm[1], b->seq);
}

static void tell(char *to, size_t size, pfn_t pfn, const char *what, const struct book *b,
		 const struct census_row *row)
{
	char book[120] = "none", census[64] = "none";

	if (to[0])
		return;
	if (b)
		text_of_book(b, book, sizeof(book));
	if (row)
		snprintf(census, sizeof(census), "level %u va 0x%llx %s", row->level,
			 (unsigned long long)row->va, verdict_name(row->verdict));
	snprintf(to, size, "pfn 0x%llx: %s; book: %s; census: %s", (unsigned long long)pfn, what,
		 book, census);
}

/* NULL if the row says what the book says, else what differs. */
static const char *difference(const struct census *census, size_t index,
			      const struct census_row *row, const struct book *b)
{
	struct owner_set found, expected;

	if (b->state == BOOK_FREE)
		return "not a table";
	if (b->state == BOOK_LIMBO)
		return row->verdict == VERDICT_ORPHAN ? NULL : "in limbo, yet no orphan";
	if (b->state == BOOK_LOST)
		return row->readable ? "quarantined, yet read" : NULL;
	if (row->level != b->level)
		return "level";
	if (row->va != b->va)
		return "va";
	owners_of_row(census, index, &found);
	owners_of_book(b, &expected);
	if (!owners_equal(&found, &expected))
		return "owner";
	if ((row->verdict == VERDICT_PTI_USER) != (b->user_pgd != 0) &&
	    row->verdict != VERDICT_IN_FLIGHT)
		return "PTI's user PGD";
	return NULL;
}

static bool mm_is_locked(const struct census *census, gva_t at)
{
	const struct kernel_mms *mms = census_mms(census);
	int64_t index = kernel_mm_find(mms, at);

	return index >= 0 && mms->mms[index].locked;
}

/* The lock of the table that the books name as the parent: it covers the row's entry. */
static bool parent_is_locked(const struct stop *s, const struct book *b)
{
	const struct pt_format *f = s->format;
	uint64_t span = b->level + 1u < f->levels ? pt_span(f, b->level + 1u) * 512 : 0;

	for (pfn_t pfn = 0; span && pfn < s->book_count; pfn++) {
		const struct book *above = &s->books[pfn];
		struct census_row row;
		int64_t found;

		if (above->state != BOOK_LINKED || above->level != b->level + 1 ||
		    above->mm[0] != b->mm[0] || b->va - above->va >= span)
			continue;
		found = census_find(s->first, pfn, above->level);
		if (found < 0)
			continue;
		census_row(s->first, (size_t)found, &row);
		if (row.page && row.page->ptl)
			return true;
	}
	return false;
}

static bool book_is_moving(const struct stop *s, const struct book *b)
{
	if (b->seq & 1 || parent_is_locked(s, b))
		return true;
	for (size_t i = 0; i < BOOK_OWNERS_MAX; i++)
		if (b->mm[i] && mm_is_locked(s->first, b->mm[i]))
			return true;
	return false;
}

/* Looks for the reason of an in-flight row where the census should have found it. */
static bool is_justified(const struct stop *s, const struct census_row *row)
{
	const struct book *b = row->pfn < s->book_count ? &s->books[row->pfn] : NULL;
	struct census_row above = *row, later;
	int64_t again;

	if (b && book_is_moving(s, b))
		return true;
	for (;;) {
		if (above.page && above.page->ptl)
			return true;
		if (above.owner >= 0 && census_mms(s->first)->mms[above.owner].locked)
			return true;
		if (above.parent < 0)
			break;
		census_row(s->first, (size_t)above.parent, &above);
	}
	again = s->second ? census_find(s->second, row->pfn, row->level) : -1;
	if (again < 0)
		return s->second != NULL;
	census_row(s->second, (size_t)again, &later);
	return !verdict_is_sound(later.verdict) || later.va != row->va ||
	       later.parent < 0 || b == NULL || difference(s->second, (size_t)again, &later, b) ||
	       b->state != BOOK_LINKED;
}

static void compare(const struct stop *s, struct tally *t)
{
	size_t rows = census_tables(s->first);
	uint8_t *seen = calloc(s->book_count, 1);

	for (size_t i = 0; i < rows; i++) {
		struct census_row row;
		const struct book *b;
		const char *what;

		census_row(s->first, i, &row);
		t->rows++;
		b = row.pfn < s->book_count ? &s->books[row.pfn] : NULL;
		if (b)
			seen[row.pfn] = 1;
		if (row.verdict == VERDICT_IN_FLIGHT) {
			t->in_flight++;
			if (!is_justified(s, &row)) {
				t->unjustified++;
				tell(t->first_unjustified, sizeof(t->first_unjustified), row.pfn,
				     row.why ? row.why : "no reason", b, &row);
			}
			continue;
		}
		what = b ? difference(s->first, i, &row, b) : "beyond the books";
		if (!what && row.verdict != VERDICT_ORPHAN && !verdict_is_sound(row.verdict) &&
		    b->state != BOOK_LOST)
			what = "verdict";
		if (!what)
			continue;
		if (s->second && b && book_is_moving(s, b)) {
			t->in_flight++;
			continue;
		}
		t->wrong++;
		tell(t->first_wrong, sizeof(t->first_wrong), row.pfn, what, b, &row);
	}
	for (pfn_t pfn = 0; pfn < s->book_count; pfn++) {
		const struct book *b = &s->books[pfn];

		t->linked += b->state == BOOK_LINKED;
		t->limbo += b->state == BOOK_LIMBO;
		if (seen[pfn] || b->state == BOOK_FREE || b->state == BOOK_LOST)
			continue;
		if (s->second && book_is_moving(s, b)) {
			t->in_flight++;
			continue;
		}
		t->wrong++;
		tell(t->first_wrong, sizeof(t->first_wrong), pfn, "missing in the census", b, NULL);
	}
	free(seen);
}

static void stop_free(struct stop *s)
{
	free(s->books);
	census_free(s->first);
	if (s->second)
		census_free(s->second);
}

static void at_rest(struct live_guest *g)
{
	struct tally t = { 0 };
	struct stop s = { .format = kernel_space(g->kernel)->decode.format };
	struct findings findings = { 0 };
	struct err e = { 0 };

	live_pause(g);
	s.books = live_books(g, &s.book_count);
	s.first = live_census(g->kernel);
	compare(&s, &t);
	tap(t.wrong == 0, "report equals the guest's books", "%llu of %llu rows differ: %s",
	    (unsigned long long)t.wrong, (unsigned long long)t.rows, t.first_wrong);
	tap(t.in_flight == 0, "nothing is in flight at rest", "%llu rows",
	    (unsigned long long)t.in_flight);
	tap(t.linked >= 400, "the guest has at least 400 table pages", "it has %llu",
	    (unsigned long long)t.linked);
	tap(!census_incomplete(s.first), "the census is complete", "%s",
	    census_incomplete(s.first));
	if (!check_run(s.first, g->kernel, &findings, &e))
		snprintf(e.message, sizeof(e.message), "the checks could not run");
	tap(!e.message[0] && findings.count == 0, "no findings on a sound guest", "%zu: %s %s",
	    findings.count, e.message, findings.count ? findings.list[0].message : "");
	tap_note("%llu rows, %llu linked, %llu in limbo", (unsigned long long)t.rows,
		 (unsigned long long)t.linked, (unsigned long long)t.limbo);
	findings_free(&findings);
	live_resume(g);
	stop_free(&s);
}

static void in_churn(struct live_guest *g, unsigned pauses)
{
	struct tally t = { 0 };
	uint64_t seed = 0x70746d6d, most = 0;

	for (unsigned i = 0; i < pauses; i++) {
		struct stop s = { .format = kernel_space(g->kernel)->decode.format };
		uint64_t before = t.in_flight;

		usleep((useconds_t)(1000 + live_random(&seed) % 20000));
		live_pause(g);
		s.books = live_books(g, &s.book_count);
		s.first = live_census(g->kernel);
		live_resume(g);
		usleep(5000);
		live_pause(g);
		s.second = live_census(g->kernel);
		live_resume(g);
		census_settle(s.first, s.second);
		compare(&s, &t);
		if (t.in_flight - before > most)
			most = t.in_flight - before;
		stop_free(&s);
	}
	tap(t.wrong == 0, "in churn all but rows in flight equal the books",
	    "%llu of %llu rows: %s", (unsigned long long)t.wrong, (unsigned long long)t.rows,
	    t.first_wrong);
	tap(t.unjustified == 0, "every row in flight has its reason", "%llu of %llu have none: %s",
	    (unsigned long long)t.unjustified, (unsigned long long)t.in_flight,
	    t.first_unjustified);
	tap(t.in_flight * 10 <= t.rows, "few rows are in flight", "%llu of %llu",
	    (unsigned long long)t.in_flight, (unsigned long long)t.rows);
	tap_note("%u pauses, %llu rows, %llu in flight (at most %llu in one), %llu in limbo",
		 pauses, (unsigned long long)t.rows, (unsigned long long)t.in_flight,
		 (unsigned long long)most, (unsigned long long)t.limbo);
}

int main(int argc, char **argv)
{
	struct live_guest g;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: inventory GUEST [CHURN-PAUSES]\n");
		return 2;
	}
	live_open(&g, argv[1]);
	if (argc > 2)
		in_churn(&g, (unsigned)strtoul(argv[2], NULL, 0));
	else
		at_rest(&g);
	live_close(&g);
	return tap_status();
}
