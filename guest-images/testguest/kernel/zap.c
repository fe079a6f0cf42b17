/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * zap.c - unmapping: leaves of every level, and the tables that nothing needs any
 * more. What an entry says is not believed: a page or swap slot is given back only
 * if its own record (rmap.c) knows of this very entry, so the garbage in a table
 * whose frame failed cannot free anything.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

void zap_leaf(struct mmu_gather *gather, const struct page *table, unsigned level, unsigned index,
	      uint64_t raw)
{
	struct page *page;
	pfn_t pfn;

	if (pt_is_swap(level, raw)) {
		page = swap_page_of(raw);
		if (page && rmap_remove(page, table, index) &&
		    atomic_dec_and_test(&page->_refcount))
			swap_put(page);
		return;
	}
	if (!pt_is_leaf(level, raw) && !pt_is_protnone(raw))
		return;
	gather->flush = true;
	pfn = pt_leaf_pfn(level, raw);
	if (pfn >= max_pfn)
		return;
	page = pfn_to_page(pfn);
	if (!page_test(page, PG_reserved) && rmap_remove(page, table, index))
		gather_put(gather, page);
}

/* All leaves of a table that is not linked any more, or will not be. */
void zap_table(struct mmu_gather *gather, struct page *table, unsigned level)
{
	uint64_t *entries = page_to_virt(table);
	size_t i = 0;

	while ((i = find_word(entries, i, PT_ENTRIES)) < PT_ENTRIES) {
		zap_leaf(gather, table, level, (unsigned)i, entries[i]);
		i++;
	}
}

struct zap {
	struct mmu_gather *gather;
	struct mm_struct *mm;
	gva_t floor, ceiling;
};

/* Is it this mm's own table, of the level that it should be? Else it is only unlinked. */
static bool own_table(const struct zap *zap, const struct page *table, unsigned level)
{
	return table->page_type != PAGE_TYPE_TABLE_WORD ||
	       (table->pt_mm == zap->mm && table->pt_level == level);
}

static void zap_bottom(struct zap *zap, struct page *table, gva_t first, gva_t last)
{
	size_t i = pt_slot(0, first), end = pt_slot(0, last) + 1ul;
	struct pt_pos pos = { page_to_virt(table), 0, 0 };

	spin_lock(&table->ptl);
	while ((i = find_word(pos.table, i, end)) < end) {
		uint64_t raw;

		pos.index = (unsigned)i++;
		raw = pt_get(&pos);
		pt_clear(zap->mm, &pos);
		zap_leaf(zap->gather, table, 0, pos.index, raw);
	}
	spin_unlock(&table->ptl);
}

static void zap_level(struct zap *zap, uint64_t *table, unsigned level, gva_t first, gva_t last)
{
	gva_t base = first & ~((pt_size(level) << 9) - 1);
	size_t i = pt_slot(level, first), end = pt_slot(level, last) + 1ul;

	while ((i = find_word(table, i, end)) < end) {
		struct pt_pos pos = { table, level, (unsigned)i };
		gva_t va = base + (i << pt_shift(level));
		gva_t va_last = va + (pt_size(level) - 1);
		uint64_t raw = pt_get(&pos);
		struct page *child = pt_child(level, raw);
		spinlock_t *lock = pt_lock_of(zap->mm, &pos);
		bool whole = va >= zap->floor && va_last <= zap->ceiling;

		i++;
		if (child && own_table(zap, child, level - 1)) {
			gva_t from = va < first ? first : va;
			gva_t to = va_last > last ? last : va_last;

			if (level == 1)
				zap_bottom(zap, child, from, to);
			else
				zap_level(zap, page_to_virt(child), level - 1, from, to);
			if (!whole)
				continue;
			spin_lock(lock);
			pt_unlink(zap->mm, &pos, child);
			spin_unlock(lock);
			gather_table(zap->gather, child);
			continue;
		}
		if (child && !whole)
			continue;
		spin_lock(lock);
		pt_clear(zap->mm, &pos);
		if (!child)
			zap_leaf(zap->gather, virt_to_page(table), level, pos.index, raw);
		spin_unlock(lock);
	}
}

void zap_range(struct mmu_gather *gather, gva_t first, gva_t last, gva_t floor, gva_t ceiling)
{
	struct zap zap = { gather, gather->mm, floor, ceiling };

	zap_level(&zap, gather->mm->pgd, pt_top(), first, last);
}
