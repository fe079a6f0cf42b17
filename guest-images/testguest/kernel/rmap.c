/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rmap.c - which entries map a page. page->rmap is 0, or the only entry that maps
 * it (odd: table's frame, index, and bit 0), or a chain of such words. It is what
 * tells, when a table's contents are lost, which pages and swap slots it held.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

struct rmap_node {
	unsigned long place;
	struct rmap_node *next;
};

static spinlock_t rmap_lock;

static unsigned long place_of(const struct page *table, unsigned index)
{
	return page_to_pfn(table) << 10 | index << 1 | 1;
}

static pfn_t place_pfn(unsigned long place)
{
	return place >> 10;
}

static struct rmap_node *chain(const struct page *page)
{
	return page->rmap & 1 ? NULL : (struct rmap_node *)page->rmap;
}

/* Hold rmap_lock. */
static bool chain_push(struct page *page, unsigned long place)
{
	struct rmap_node *node = kmalloc(sizeof(*node));

	if (!node)
		return false;
	node->place = place;
	node->next = chain(page);
	page->rmap = (unsigned long)node;
	return true;
}

bool rmap_add(struct page *page, const struct page *table, unsigned index)
{
	unsigned long place = place_of(table, index), only;
	bool done = true;

	spin_lock(&rmap_lock);
	only = page->rmap;
	if (!only) {
		page->rmap = place;
	} else if (only & 1) {
		/* The chain's first node needs a second one, or the page stays as it was. */
		done = chain_push(page, only);
		if (done && !chain_push(page, place)) {
			kfree((void *)page->rmap);
			page->rmap = only;
			done = false;
		}
	} else {
		done = chain_push(page, place);
	}
	if (done)
		atomic_inc(&page->_mapcount);
	spin_unlock(&rmap_lock);
	return done;
}

/* A chain of one goes back to being a single word. */
static void chain_shorten(struct page *page)
{
	struct rmap_node *node = chain(page);

	if (node && !node->next) {
		page->rmap = node->place;
		kfree(node);
	}
}

/* Takes off the first place of which (place & mask) == want. Hold rmap_lock. */
static bool chain_take(struct page *page, unsigned long want, unsigned long mask)
{
	struct rmap_node *node, **link;

	if (page->rmap & 1) {
		if ((page->rmap & mask) != want)
			return false;
		page->rmap = 0;
		return true;
	}
	link = (struct rmap_node **)&page->rmap;
	while ((node = *link)) {
		if ((node->place & mask) == want) {
			*link = node->next;
			kfree(node);
			chain_shorten(page);
			return true;
		}
		link = &node->next;
	}
	return false;
}

static bool take(struct page *page, unsigned long want, unsigned long mask)
{
	bool found;

	if (!page->rmap)
		return false;
	spin_lock(&rmap_lock);
	found = page->rmap && chain_take(page, want, mask);
	if (found)
		atomic_add(&page->_mapcount, -1);
	spin_unlock(&rmap_lock);
	return found;
}

bool rmap_remove(struct page *page, const struct page *table, unsigned index)
{
	return take(page, place_of(table, index), ~0ul);
}

bool rmap_remove_any(struct page *page, const struct page *table)
{
	return take(page, page_to_pfn(table) << 10, ~1023ul);
}

struct page *rmap_table(struct page *page, unsigned n)
{
	struct rmap_node *node;
	unsigned long place = 0;

	spin_lock(&rmap_lock);
	if (page->rmap & 1) {
		place = n == 0 ? page->rmap : 0;
	} else {
		for (node = chain(page); node && n; n--)
			node = node->next;
		place = node ? node->place : 0;
	}
	spin_unlock(&rmap_lock);
	return place ? pfn_to_page(place_pfn(place)) : NULL;
}
