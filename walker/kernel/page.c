// SPDX-License-Identifier: GPL-2.0-only
/*
 * page.c - what a frame's struct page says.
 *
 * The struct is copied once and judged from the copy, so that a running guest
 * cannot show two values of one word. One that is all zero was never
 * initialised (memmaps may be filled lazily) and gives no facts.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "walker/kernel/kernel_impl.h"

/* profile_member() made sure that the member lies within the struct. */
static uint64_t word_of(const uint8_t *page, const struct member *member)
{
	uint64_t word = 0;

	if (member->size == 8)
		memcpy(&word, page + member->offset, 8);
	else if (member->size == 4)
		memcpy(&word, page + member->offset, 4);
	return word;
}

static bool all_zero(const uint8_t *page, uint32_t size)
{
	return !page[0] && memcmp(page, page + 1, size - 1) == 0;
}

/*
 * The lock word of a PTE or PMD table. It is in the page, or the page points to
 * it where debugging makes locks too big.
 */
static uint32_t lock_of(const struct kernel *k, const uint8_t *page)
{
	uint32_t word = 0;
	gva_t at;

	if (!k->f.page_ptl.size)
		return 0;
	if (!k->f.page_ptl.pointer) {
		memcpy(&word, page + k->f.page_ptl.offset,
		       k->f.page_ptl.size < sizeof(word) ? k->f.page_ptl.size : sizeof(word));
		return word;
	}
	memcpy(&at, page + k->f.page_ptl.offset, sizeof(at));
	return kernel_read(k, at, &word, sizeof(word), NULL) ? word : 0;
}

bool kernel_page(const struct kernel *k, pfn_t pfn, struct page_facts *facts, struct err *err)
{
	uint8_t page[MEMMAP_PAGE_MAX];
	const struct kernel_fields *f = &k->f;

	if (!memmap_read(k->memmap, pfn, page, err))
		return false;
	if (all_zero(page, memmap_page_size(k->memmap)))
		return err_set(err, ERR_NOT_RAM, memmap_page(k->memmap, pfn),
			       "the struct page of frame 0x%" PRIx64 " was never initialised", pfn);

	*facts = (struct page_facts){
		.flags = word_of(page, &f->page_flags),
		.page_type = (uint32_t)word_of(page, &f->page_type),
		.refcount = (int32_t)word_of(page, &f->page_refcount),
		.recorded = word_of(page, &f->page_pt_mm),
	};
	facts->type = kernel_page_type(&k->types, facts->page_type, facts->flags);
	facts->reserved = facts->flags & k->flag_reserved;
	facts->hwpoison = facts->flags & k->flag_hwpoison;
	/* Counted from -1; a typed page has no mappings. */
	if (facts->type == PAGE_TYPE_NONE)
		facts->mapcount = (int32_t)((uint32_t)word_of(page, &f->page_mapcount) + 1);
	/* The words that only a constructed table has. */
	if (facts->type == PAGE_TYPE_TABLE) {
		facts->deposit = word_of(page, &f->page_deposit);
		facts->ptl = lock_of(k, page);
		/* In the word of pt_mm it is half of it; a pointer there is no count. */
		if (f->page_share_count.offset != f->page_pt_mm.offset || !(facts->recorded >> 63))
			facts->share_count = (uint32_t)word_of(page, &f->page_share_count);
	}
	return true;
}

bool kernel_page_at(const struct kernel *k, pfn_t pfn, gva_t *at, struct err *err)
{
	if (pfn >= k->frame_end)
		return err_set(err, ERR_NOT_RAM, 0, "frame 0x%" PRIx64 " has no struct page", pfn);
	*at = memmap_page(k->memmap, pfn);
	return true;
}

bool kernel_page_pfn(const struct kernel *k, gva_t at, pfn_t *pfn, struct err *err)
{
	gva_t base = memmap_page(k->memmap, 0);
	uint32_t size = memmap_page_size(k->memmap);

	if (at < base || (at - base) % size || (at - base) / size >= k->frame_end)
		return err_set(err, ERR_MALFORMED, at, "0x%" PRIx64 " is no struct page", at);
	*pfn = (at - base) / size;
	return true;
}

/*
 * A tail page has bit 0 of the word set. The rest is the head's address; in 7.2,
 * where struct page is a power of two long, it is a mask that makes a tail's
 * address the head's.
 */
bool kernel_page_head(const struct kernel *k, pfn_t pfn, pfn_t *head, struct err *err)
{
	uint8_t page[MEMMAP_PAGE_MAX];
	gva_t at = memmap_page(k->memmap, pfn);
	uint64_t word;

	*head = pfn;
	if (!memmap_read(k->memmap, pfn, page, err))
		return false;
	word = word_of(page, &k->f.page_compound);
	if (!(word & 1) || kernel_page_pfn(k, word - 1, head, NULL))
		return true;
	if (kernel_page_pfn(k, at & (word - 1), head, NULL))
		return true;
	return err_set(err, ERR_MALFORMED, at, "frame 0x%" PRIx64 " is part of a compound page "
		       "without a head: 0x%" PRIx64, pfn, word);
}

char *kernel_page_flags(const struct kernel *k, uint64_t flags, char *buf, size_t size)
{
	uint64_t named = 0;
	size_t used = 0;
	int64_t value, end = 64;
	const char *name;

	if (size)
		buf[0] = '\0';
	/* Above the flags the word holds the page's zone and node. */
	profile_enumerator(k->profile, "pageflags", "__NR_PAGEFLAGS", &end, NULL);
	/* The first name of a bit is its own; the others are aliases. */
	for (unsigned i = 0;; i++) {
		int written;

		name = profile_enumerator_at(k->profile, "pageflags", i, &value);
		if (!name)
			break;
		if (value < 0 || value >= end || value > 63 || !(flags >> value & 1) ||
		    named >> value & 1)
			continue;
		named |= 1ull << value;
		if (strncmp(name, "PG_", 3) == 0)
			name += 3;
		written = snprintf(buf + used, size - used, "%s%s", used ? " " : "", name);
		if (written < 0 || (size_t)written >= size - used)
			break;
		used += (size_t)written;
	}
	return buf;
}
