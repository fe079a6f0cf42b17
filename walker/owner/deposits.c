// SPDX-License-Identifier: GPL-2.0-only
/*
 * deposits.c - PTE tables that wait in a PMD table's struct page.
 *
 * For every anonymous huge page Linux sets a PTE table aside, for the day when
 * the huge page is split. pmd_huge_pte in the PMD table's struct page names the
 * first one; the rest hang on a circular list through `lru`. No entry leads to
 * them, but they belong to the mm, and pgtables_bytes counts them.
 */
#include "walker/owner/census_impl.h"

struct deposits {
	struct census *c;
	struct err *e;
	struct member lru;
	gva_t memmap;		/* struct page of frame `first` */
	pfn_t first;
	uint32_t size;
	uint64_t budget;	/* steps along lists that are left */
};

static bool page_to_pfn(const struct deposits *d, gva_t page, pfn_t *pfn)
{
	gva_t back;

	/* The memmap is linear; what comes out is checked the other way round. */
	*pfn = d->first + (uint64_t)((int64_t)(page - d->memmap) / (int64_t)d->size);
	return kernel_page_at(d->c->kernel, *pfn, &back, NULL) && back == page;
}

/* Marks one deposited table; false only where memory ran out. */
static bool deposit_mark(struct deposits *d, const struct row *pmd, pfn_t pfn, bool *fresh)
{
	struct census *c = d->c;
	int64_t frame = frame_number(&c->map, pfn);
	uint32_t owner = pmd->owner, at;
	struct page_facts facts;

	*fresh = false;
	if (frame < 0)
		return true;
	at = c->map.row[frame] - 1;
	if (at == NO_ROW) {
		if (!row_new(c, pfn, frame, 0, &at, d->e))
			return false;
		if (kernel_page(c->kernel, pfn, &facts, NULL)) {
			uint32_t index;

			if (!facts_intern(&c->facts, &facts, &index, d->e))
				return false;
			c->rows[at].facts = index;
		}
	} else if (c->rows[at].origin != ROW_UNREACHED) {
		return true;
	}
	c->rows[at].origin = ROW_DEPOSIT;
	c->rows[at].owner = owner;
	*fresh = true;
	return true;
}

static bool list_walk(struct deposits *d, uint32_t pmd, gva_t page)
{
	bool fresh = true;

	while (page && fresh && d->budget) {
		uint64_t next;
		pfn_t pfn;

		d->budget--;
		if (!page_to_pfn(d, page, &pfn))
			return true;
		if (!deposit_mark(d, &d->c->rows[pmd], pfn, &fresh))
			return false;
		if (!kernel_read(d->c->kernel, page + d->lru.offset, &next, sizeof(next), NULL))
			return true;
		page = next ? next - d->lru.offset : 0;
	}
	return true;
}

bool census_deposits(struct census *c, struct err *e)
{
	const struct profile *profile = kernel_profile(c->kernel);
	struct deposits d = { .c = c, .e = e, .budget = c->map.frames };
	uint32_t count = c->count;

	if (!profile_member(profile, "page", "lru", &d.lru, NULL) ||
	    !profile_sizeof(profile, "page", &d.size, NULL) || !d.size ||
	    !c->machine->region_count)
		return true;
	d.first = gpa_to_pfn(c->machine->regions[0].first);
	if (!kernel_page_at(c->kernel, d.first, &d.memmap, NULL))
		return true;
	for (uint32_t at = 0; at < count; at++) {
		const struct row *r = &c->rows[at];
		const struct page_facts *facts = row_facts(c, r);

		if (r->level != 1 || r->origin != ROW_REACHED || !facts || !facts->deposit)
			continue;
		/* On other pages the word means something else. */
		if (facts->type != PAGE_TYPE_TABLE)
			continue;
		if (!list_walk(&d, at, facts->deposit))
			return false;
	}
	return true;
}
