/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * page_alloc.c - frames. Single pages are taken from the bottom of the RAM upward
 * and 2 MiB pages from its top downward; what comes back goes on a list per size.
 * A frame that was never given out is still zero, so only used ones are cleared.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

enum { SPANS_MAX = BOOT_REGIONS_MAX + 2 };

/* Frames never given out yet: [next, end). Sorted. */
static struct span { pfn_t next, end; } spans[SPANS_MAX];
static unsigned span_count, span_now;
static struct page *free_singles, *free_pairs, *free_huges;
static spinlock_t page_lock;
static pfn_t high_water;

uint64_t nr_free_pages, nr_poisoned;

void page_alloc_span(pfn_t first, pfn_t end)
{
	if (first >= end || span_count == SPANS_MAX)
		return;
	spans[span_count++] = (struct span){ first, end };
	nr_free_pages += end - first;
}

pfn_t page_high_water(void)
{
	return READ_ONCE(high_water);
}

/* The last span gives the 2 MiB pages. */
pfn_t page_huge_low(void)
{
	return READ_ONCE(spans[span_count - 1].end);
}

static void page_ready(struct page *page)
{
	page->mapping = NULL;
	page->index = 0;
	page->private = 0;
	page->page_type = PAGE_TYPE_NONE_WORD;	/* the same word as _mapcount -1 */
	page->_refcount.counter = 1;
}

static void list_push(struct page **list, struct page *page)
{
	page->page_type = PAGE_TYPE_NONE_WORD & ~(uint32_t)PG_buddy;
	page->pt_next = *list;
	*list = page;
}

/* Frames that failed while they were free are dropped here. */
static struct page *list_pop(struct page **list)
{
	struct page *page;

	while ((page = *list)) {
		*list = page->pt_next;
		page->pt_next = NULL;
		if (!page_test(page, PG_hwpoison))
			return page;
		nr_free_pages--;
	}
	return NULL;
}

/* `count` fresh frames of one span, the first a multiple of it. */
static struct page *span_take_from(struct span *span, unsigned count)
{
	while (span->next + count <= span->end) {
		struct page *page = pfn_to_page(span->next);

		if (span->next & (count - 1) || page_test(page, PG_hwpoison)) {
			span->next++;
			if (page_test(page, PG_hwpoison))
				nr_free_pages--;
			else
				list_push(&free_singles, page);
			continue;
		}
		span->next += count;
		if (span->next > high_water)
			high_water = span->next;
		return page;
	}
	return NULL;
}

/* What is left of a span that is too short for a pair stays for single frames. */
static struct page *span_take(unsigned count)
{
	for (unsigned i = span_now; i < span_count; i++) {
		struct page *page = span_take_from(&spans[i], count);

		if (page)
			return page;
		if (count == 1)
			span_now = i + 1;
	}
	return NULL;
}

static struct page *huge_take(void)
{
	struct span *span = &spans[span_count - 1];
	pfn_t first = (span->end - HUGE_PAGES) & ~(pfn_t)(HUGE_PAGES - 1);

	if (span->end < HUGE_PAGES || first < span->next)
		return NULL;
	/* The ragged end above a 2 MiB boundary is given up: at most once. */
	nr_free_pages -= span->end - (first + HUGE_PAGES);
	span->end = first;
	return pfn_to_page(first);
}

static struct page *page_get(bool clear)
{
	struct page *page;
	bool used;

	spin_lock(&page_lock);
	page = list_pop(&free_singles);
	if (!page)
		page = span_take(1);
	if (page)
		nr_free_pages--;
	spin_unlock(&page_lock);
	if (!page)
		return NULL;
	used = page_test(page, PG_used);
	page->flags = 1ul << PG_used;
	page_ready(page);
	if (used && clear)
		fill_words(page_to_virt(page), 0, PAGE_SIZE / 8);
	return page;
}

struct page *alloc_page(void)
{
	return page_get(true);
}

struct page *alloc_page_dirty(void)
{
	return page_get(false);
}

struct page *alloc_pair(void)
{
	struct page *page;
	bool used;

	spin_lock(&page_lock);
	page = list_pop(&free_pairs);
	if (!page)
		page = span_take(2);
	if (page)
		nr_free_pages -= 2;
	spin_unlock(&page_lock);
	if (!page)
		return NULL;
	used = page_test(page, PG_used);
	page->flags = 1ul << PG_used;
	page_ready(page);
	/* As in Linux: the second frame of a pair has no count of its own. */
	page_ready(page + 1);
	page[1]._refcount.counter = 0;
	if (used)
		fill_words(page_to_virt(page), 0, 2 * PAGE_SIZE / 8);
	return page;
}

struct page *alloc_huge(void)
{
	struct page *page;
	bool used;

	spin_lock(&page_lock);
	page = list_pop(&free_huges);
	if (!page)
		page = huge_take();
	if (page)
		nr_free_pages -= HUGE_PAGES;
	spin_unlock(&page_lock);
	if (!page)
		return NULL;
	used = page_test(page, PG_used);
	page->flags = 1ul << PG_used | 1ul << PG_head;
	page_ready(page);
	if (used)
		fill_words(page_to_virt(page), 0, HUGE_SIZE / 8);
	return page;
}

static void page_put_back(struct page **list, struct page *page, unsigned count)
{
	page->_refcount.counter = 0;
	/* A lost frame leaves the allocator for good. */
	if (page_test(page, PG_hwpoison))
		return;
	page->flags = 1ul << PG_used;
	page->mapping = NULL;
	page->rmap = 0;
	spin_lock(&page_lock);
	list_push(list, page);
	nr_free_pages += count;
	spin_unlock(&page_lock);
}

void free_page(struct page *page)
{
	page_put_back(&free_singles, page, 1);
}

/* Of a pair that lost one half the other is a single frame. */
void free_pair(struct page *page)
{
	if (page_test(page, PG_hwpoison) || page_test(page + 1, PG_hwpoison)) {
		free_page(page);
		free_page(page + 1);
	} else {
		page_put_back(&free_pairs, page, 2);
	}
}

void free_huge(struct page *page)
{
	page_put_back(&free_huges, page, HUGE_PAGES);
}
