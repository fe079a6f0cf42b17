/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * swap.c - the swap device: a reserved stretch of frames, one slot each. A slot's
 * struct page counts the entries that hold it (_refcount), as a page's counts its mappings.
 * Entries are laid out as in Linux 6.1: type in bits 59-63, offset inverted in
 * bits 9-58, the exclusive mark in bit 3.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

enum { SWAP_TYPE_BITS = 5, SWAP_OFFSET_SHIFT = 14 };

static pfn_t first_slot;
static struct page *free_slots;
static unsigned fresh_slot;
static spinlock_t swap_lock;
uint64_t nr_swap_used;

void swap_init(pfn_t first)
{
	first_slot = first;
}

pfn_t swap_first(void)
{
	return first_slot;
}

uint64_t swap_entry(const struct page *slot)
{
	uint64_t offset = page_to_pfn(slot) - first_slot;

	return ~offset << SWAP_OFFSET_SHIFT >> SWAP_TYPE_BITS;
}

struct page *swap_page_of(uint64_t raw)
{
	uint64_t offset = ~raw << SWAP_TYPE_BITS >> SWAP_OFFSET_SHIFT;

	if (raw >> (64 - SWAP_TYPE_BITS) || offset >= SWAP_SLOTS)
		return NULL;
	return pfn_to_page(first_slot + offset);
}

struct page *swap_alloc(void)
{
	struct page *slot;

	spin_lock(&swap_lock);
	slot = free_slots;
	if (slot)
		free_slots = slot->pt_next;
	else if (fresh_slot < SWAP_SLOTS)
		slot = pfn_to_page(first_slot + fresh_slot++);
	if (slot) {
		slot->_mapcount.counter = -1;
		slot->_refcount.counter = 1;
		nr_swap_used++;
	}
	spin_unlock(&swap_lock);
	return slot;
}

/* Gives a slot back that no entry holds any more. */
void swap_put(struct page *slot)
{
	spin_lock(&swap_lock);
	slot->pt_next = free_slots;
	free_slots = slot;
	nr_swap_used--;
	spin_unlock(&swap_lock);
}
