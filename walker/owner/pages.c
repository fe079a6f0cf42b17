// SPDX-License-Identifier: GPL-2.0-only
/*
 * pages.c - one pass over the memmap: the facts of every row, and the typed
 * pages that no root reaches.
 *
 * The pass reads one word of each struct page in place, in the order of memory;
 * only pages that matter are read in full.
 */
#include <string.h>

#include "walker/owner/census_impl.h"

/* What a page's type word means, learnt from the kernel's own reading of it. */
#define MEANINGS 256
#define FRAME_MASK ((uint64_t)PT_FRAME_SIZE - 1)

struct pages {
	struct census *c;
	struct err *e;
	struct member type;
	uint32_t size;			/* of struct page */
	struct { uint32_t word; bool known, table; } meaning[MEANINGS];
	const uint8_t *view;		/* of the frame of the memmap at hand */
	gva_t view_va;
	gpa_t view_at;
	gva_t page;			/* struct page of `pfn`, if it follows on from the last */
};

static void view_drop(struct pages *p)
{
	if (p->view)
		machine_unview(p->c->machine, p->view_at, p->view);
	p->view = NULL;
}

/* The type word of a frame's struct page; false where the memmap has none. */
static bool type_word(struct pages *p, pfn_t pfn, uint32_t *word)
{
	const struct kernel *k = p->c->kernel;
	gva_t at = p->page + p->type.offset;
	gpa_t gpa;

	/* Struct pages follow one another within a frame of the memmap at least. */
	if (!p->view || (at & ~FRAME_MASK) != p->view_va) {
		view_drop(p);
		if (!kernel_page_at(k, pfn, &p->page, NULL))
			return false;
		at = p->page + p->type.offset;
		if (!kernel_to_gpa(k, at, &gpa, NULL))
			return false;
		p->view = machine_view(p->c->machine, gpa, NULL);
		if (!p->view)
			return false;
		p->view_va = at & ~FRAME_MASK;
		p->view_at = gpa;
	}
	if ((at & FRAME_MASK) > PT_FRAME_SIZE - sizeof(*word))
		return false;
	memcpy(word, p->view + (at & FRAME_MASK), sizeof(*word));
	return !machine_lost(p->c->machine, p->view_at);
}

static bool may_be_table(struct pages *p, pfn_t pfn, uint32_t word)
{
	unsigned at = (word ^ word >> 8 ^ word >> 16 ^ word >> 24) % MEANINGS;
	struct page_facts facts;

	if (p->meaning[at].known && p->meaning[at].word == word)
		return p->meaning[at].table;
	/* Pages that were never initialised have no facts: their word is no type. */
	p->meaning[at].table = kernel_page(p->c->kernel, pfn, &facts, NULL) &&
			       facts.type == PAGE_TYPE_TABLE;
	p->meaning[at].word = word;
	p->meaning[at].known = true;
	return p->meaning[at].table;
}

/* Reads a page's facts into its row. */
static bool facts_take(struct census *c, uint32_t row, pfn_t pfn, struct err *e)
{
	struct page_facts facts;
	uint32_t index;

	if (!kernel_page(c->kernel, pfn, &facts, NULL))
		return true;
	if (!facts_intern(&c->facts, &facts, &index, e))
		return false;
	c->rows[row].facts = index;
	return true;
}

static bool page_visit(struct pages *p, pfn_t pfn, uint64_t frame)
{
	struct census *c = p->c;
	uint32_t row = c->map.row[frame] - 1, word;
	bool seen = c->pages_typed && type_word(p, pfn, &word);
	struct page_facts facts;

	if (row != NO_ROW)
		return facts_take(c, row, pfn, p->e);
	if (!seen || !may_be_table(p, pfn, word))
		return true;
	if (!kernel_page(c->kernel, pfn, &facts, NULL) || facts.type != PAGE_TYPE_TABLE)
		return true;
	/* Its level is not known yet: see orphans.c. */
	if (!row_new(c, pfn, (int64_t)frame, 0, &row, p->e))
		return false;
	c->rows[row].origin = ROW_UNREACHED;
	return facts_take(c, row, pfn, p->e);
}

bool census_pages(struct census *c, struct err *e)
{
	const struct profile *profile = kernel_profile(c->kernel);
	struct pages p = { .c = c, .e = e };
	bool ok = true;

	int64_t limbo;

	/* Not Linux's: a kernel may flag the tables that wait for their grace period. */
	if (profile_enumerator(profile, "pageflags", "PG_limbo", &limbo, NULL) && limbo >= 0 &&
	    limbo < 64)
		c->limbo_flag = 1ull << limbo;
	c->pages_typed = profile_member(profile, "page", "page_type", &p.type, NULL) &&
			 profile_sizeof(profile, "page", &p.size, NULL) && p.size > 0 &&
			 p.size <= PT_FRAME_SIZE && p.type.offset < p.size;
	if (!c->pages_typed)
		census_note(c, "struct page has no page_type: orphans were not looked for");
	for (size_t i = 0; ok && i < c->machine->region_count; i++) {
		pfn_t first = gpa_to_pfn(c->machine->regions[i].first);
		pfn_t last = gpa_to_pfn(c->machine->regions[i].last);

		view_drop(&p);
		for (pfn_t pfn = first; ok && pfn <= last; pfn++) {
			ok = page_visit(&p, pfn, c->map.base[i] + (pfn - first));
			p.page += p.size;
		}
	}
	view_drop(&p);
	return ok;
}
