// SPDX-License-Identifier: GPL-2.0-only
/*
 * deposits.c - PTE tables that wait in a PMD table's struct page.
 *
 * For every anonymous huge page Linux sets a PTE table aside, for the day when
 * the huge page is split. pmd_huge_pte in the PMD table's struct page names the
 * first one; the rest hang on a circular list through `lru`. No entry leads to
 * them, but they belong to the mm, and pgtables_bytes counts them. Kernels for
 * few CPUs have no lock per table, and one such list per mm.
 */
#include "walker/owner/census_impl.h"

struct deposits {
	struct census *c;
	struct member lru;
	gva_t memmap;		/* struct page of frame `first` */
	pfn_t first;
	uint32_t size;
};

static bool page_to_pfn(const struct deposits *d, gva_t page, pfn_t *pfn)
{
	gva_t back;

	/* The memmap is linear; what comes out is checked the other way round. */
	*pfn = d->first + (uint64_t)((int64_t)(page - d->memmap) / (int64_t)d->size);
	return kernel_page_at(d->c->kernel, *pfn, &back, NULL) && back == page;
}

/*
 * A deposited table went through its constructor: it is typed, and the pass over the memmap
 * has met it. Anything else is what an old list left in the word. False where
 * the list comes back to where it was.
 */
static bool deposit_mark(struct census *c, uint32_t owner, pfn_t pfn)
{
	uint32_t at = row_of_frame(c, pfn);

	if (at == NO_ROW || c->rows[at].origin != ROW_UNREACHED)
		return false;
	c->rows[at].origin = ROW_DEPOSIT;
	c->rows[at].owner = owner;
	return true;
}

static void list_walk(struct deposits *d, uint32_t owner, gva_t page)
{
	struct census *c = d->c;
	uint64_t next;
	pfn_t pfn;

	/* Each step marks a row that no other step can, so this ends. */
	while (page_to_pfn(d, page, &pfn) && deposit_mark(c, owner, pfn) &&
	       kernel_read(c->kernel, page + d->lru.offset, &next, sizeof(next), NULL))
		page = next - d->lru.offset;
}

static void mm_lists(struct deposits *d)
{
	struct census *c = d->c;
	struct member first;
	uint64_t page;

	if (!profile_member(kernel_profile(c->kernel), "mm_struct", "pmd_huge_pte", &first, NULL))
		return;
	for (uint32_t mm = 0; mm < c->mms.mm_count; mm++)
		if (kernel_read(c->kernel, c->mms.mms[mm].at + first.offset, &page, sizeof(page),
				NULL) && page)
			list_walk(d, mm, page);
}

void census_deposits(struct census *c)
{
	const struct profile *profile = kernel_profile(c->kernel);
	struct deposits d = { .c = c };

	if (!profile_member(profile, "page", "lru", &d.lru, NULL) ||
	    !profile_sizeof(profile, "page", &d.size, NULL) || !d.size ||
	    !c->machine->region_count)
		return;
	d.first = gpa_to_pfn(c->machine->regions[0].first);
	if (!kernel_page_at(c->kernel, d.first, &d.memmap, NULL))
		return;
	for (uint32_t at = 0; at < c->count; at++) {
		const struct row *r = &c->rows[at];
		const struct page_facts *facts = row_facts(c, r);

		if (r->level != 1 || r->origin != ROW_REACHED || !facts || !facts->deposit)
			continue;
		/* On other pages the word means something else. */
		if (facts->type == PAGE_TYPE_TABLE)
			list_walk(&d, r->owner, facts->deposit);
	}
	mm_lists(&d);
}
