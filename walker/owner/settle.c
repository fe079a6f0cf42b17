// SPDX-License-Identifier: GPL-2.0-only
/*
 * settle.c - what a second look says about the first.
 *
 * A paused guest may have been stopped between any two instructions. What was
 * half-way then is different after it ran on a little; a real fault stays.
 */
#include <stdlib.h>

#include "walker/owner/census_impl.h"

static gva_t owner_at(const struct census *c, const struct row *r, uint32_t i, uint32_t *count)
{
	const uint32_t *owners = owners_of(c, r, count);

	return i < *count ? c->mms.mms[owners[i]].at : 0;
}

static bool same_owners(const struct census *a, const struct row *x,
			const struct census *b, const struct row *y)
{
	uint32_t n, m;

	owner_at(a, x, 0, &n);
	owner_at(b, y, 0, &m);
	if (n != m)
		return false;
	/* Owners are sorted by index, and mms by address: so are these. */
	for (uint32_t i = 0; i < n; i++)
		if (owner_at(a, x, i, &m) != owner_at(b, y, i, &m))
			return false;
	return true;
}

static void row_unsettle(struct census *c, struct row *r)
{
	uint32_t count;
	const uint32_t *owners = owners_of(c, r, &count);

	r->verdict = VERDICT_IN_FLIGHT;
	r->why = WHY_SECOND_LOOK;
	for (uint32_t i = 0; i < count; i++)
		c->book[owners[i]].unsettled = true;
}

static bool is_fine(enum verdict v)
{
	return v == VERDICT_MATCH || v == VERDICT_KERNEL || v == VERDICT_PTI_USER ||
	       v == VERDICT_SHARED || v == VERDICT_DEPOSITED || v == VERDICT_UNRECORDED;
}

static bool differs(const struct census *first, const struct row *r, const struct census *second)
{
	uint32_t at = row_of_frame(second, r->pfn);
	const struct row *s = at == NO_ROW ? NULL : &second->rows[at];

	if (!s || s->level != r->level)
		return true;
	/* A lock that is held now says nothing against what was fine then. */
	if (s->verdict == VERDICT_IN_FLIGHT && is_fine(r->verdict))
		return false;
	return s->verdict != r->verdict || !same_owners(first, r, second, s);
}

/* An entry's fault that a second look does not see again was half-way. */
static void anomalies_settle(struct census *first, const struct census *second)
{
	struct anomalies *a = &first->anomalies;
	size_t kept = 0;

	for (size_t i = 0; i < a->count; i++) {
		const struct anomaly *x = &a->list[i];

		if (second->anomalies.dropped ||
		    bsearch(x, second->anomalies.list, second->anomalies.count, sizeof(*x),
			    anomaly_by_place))
			a->list[kept++] = *x;
	}
	a->count = kept;
}

/* Unsigned, since the guest may say any number of bytes. */
static uint64_t book_error(const struct census *c, uint32_t mm)
{
	return (uint64_t)c->mms.mms[mm].pgtables_bytes - c->book[mm].counted;
}

void census_settle(struct census *first, const struct census *second)
{
	for (uint32_t i = 0; i < first->count; i++) {
		struct row *r = &first->rows[i];

		if (r->verdict != VERDICT_IN_FLIGHT && differs(first, r, second))
			row_unsettle(first, r);
	}
	for (uint32_t mm = 0; mm < first->mms.mm_count; mm++) {
		int64_t again = kernel_mm_find(&second->mms, first->mms.mms[mm].at);

		/* A book that is off by as much at both looks is off. */
		if (again < 0 ||
		    book_error(first, mm) != book_error(second, (uint32_t)again))
			first->book[mm].unsettled = true;
	}
	anomalies_settle(first, second);
}
