// SPDX-License-Identifier: GPL-2.0-only
/*
 * scramble.c - does what the guest recorded change an owner?
 *
 *	scramble GUEST
 *
 * In a private copy of the guest's memory every table page's pt_mm is
 * overwritten: with nothing, with garbage, with another live mm. Verdicts must
 * change; frames, levels, addresses and owners must not.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tests/lib/live_guest.h"
#include "tests/lib/private_machine.h"
#include "tests/lib/tap.h"

enum scramble { TO_NOTHING, TO_GARBAGE, TO_ANOTHER, SCRAMBLES };

static const char *const scramble_names[SCRAMBLES] = {
	"no pt_mm", "garbage as pt_mm", "another mm as pt_mm",
};

static uint64_t word_for(enum scramble how, const struct census *census,
			 const struct census_row *row, uint64_t *seed)
{
	const struct kernel_mms *mms = census_mms(census);
	uint32_t start;

	if (how == TO_NOTHING)
		return 0;
	if (how == TO_GARBAGE)
		return live_random(seed) | 1;
	start = (uint32_t)(live_random(seed) % mms->mm_count);
	for (uint32_t i = 0; i < mms->mm_count; i++) {
		uint32_t other = (start + i) % mms->mm_count;

		if ((int64_t)other != row->owner && mms->mms[other].kind == MM_USER)
			return mms->mms[other].at;
	}
	return mms->mms[mms->init_mm].at;
}

static bool scramble(struct kernel *kernel, const struct census *census, enum scramble how,
		     struct err *e)
{
	struct machine *m = kernel_machine(kernel);
	uint64_t seed = 0x5ca3b1e + (uint64_t)how;
	struct member member;

	if (!profile_member(kernel_profile(kernel), "page", "pt_mm", &member, e))
		return false;
	for (size_t i = 0; i < census_tables(census); i++) {
		struct census_row row;
		uint64_t word;
		gva_t at;
		gpa_t gpa;

		census_row(census, i, &row);
		word = word_for(how, census, &row, &seed);
		if (!kernel_page_at(kernel, row.pfn, &at, e) ||
		    !kernel_to_gpa(kernel, at + member.offset, &gpa, e) ||
		    !private_write(m, gpa, &word, sizeof(word), e))
			return false;
	}
	return true;
}

static void compare(const struct census *a, const struct census *b, const char *what)
{
	size_t rows = census_tables(a), verdicts = 0, recorded = 0, differ = 0;
	char name[80];

	for (size_t i = 0; i < rows && i < census_tables(b); i++) {
		struct owner_set owners_a, owners_b;
		struct census_row ra, rb;

		census_row(a, i, &ra);
		census_row(b, i, &rb);
		owners_of_row(a, i, &owners_a);
		owners_of_row(b, i, &owners_b);
		differ += ra.pfn != rb.pfn || ra.level != rb.level || ra.va != rb.va ||
			  ra.owner != rb.owner || ra.parent != rb.parent || ra.slot != rb.slot ||
			  !owners_equal(&owners_a, &owners_b);
		if (ra.verdict == VERDICT_MATCH) {
			recorded++;
			verdicts += rb.verdict != ra.verdict;
		}
	}
	snprintf(name, sizeof(name), "%s changes no owner", what);
	tap(differ == 0 && rows == census_tables(b), name, "%zu of %zu rows, now %zu rows", differ,
	    rows, census_tables(b));
	snprintf(name, sizeof(name), "%s changes every verdict that was match", what);
	tap(recorded > 0 && verdicts == recorded, name, "%zu of %zu", verdicts, recorded);
}

int main(int argc, char **argv)
{
	struct live_guest g;
	struct census *before;

	if (argc != 2) {
		fprintf(stderr, "usage: scramble GUEST\n");
		return 2;
	}
	live_open(&g, argv[1]);
	live_pause(&g);
	before = live_census(g.kernel);
	for (enum scramble how = 0; how < SCRAMBLES; how++) {
		struct err e = { .message = "no kernel in the copy" };
		struct machine *copy = private_machine(g.machine, &e);
		struct kernel *kernel = copy ? kernel_open(copy, g.profile, &e) : NULL;

		if (kernel && scramble(kernel, before, how, &e)) {
			struct census *after = live_census(kernel);

			compare(before, after, scramble_names[how]);
			census_free(after);
		} else {
			tap(false, scramble_names[how], "%s", e.message);
		}
		if (kernel)
			kernel_close(kernel);
		if (copy)
			machine_close(copy);
	}
	census_free(before);
	live_resume(&g);
	live_close(&g);
	return tap_status();
}
