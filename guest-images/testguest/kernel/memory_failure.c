/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memory_failure.c - an uncorrectable error in a frame. What the frame was comes
 * from its struct page; the frame is never read again and never given out again.
 *
 * A user page table: exactly its owners are killed. pt_mm names the owner; of a
 * PMD table that several mms share it names one, and the file's list of mappings
 * the others. All else that the dead processes had is freed without the lost table:
 * their tables are those that name the mm, wherever they hang, and the pages that
 * the lost table mapped are those whose record says so.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

static bool is_table(const struct page *page)
{
	return page->page_type == PAGE_TYPE_TABLE_WORD;
}

/* pt_mm is a word like any other: it must be a live mm to be followed. */
static bool mm_is_live(const struct mm_struct *want)
{
	struct mm_struct *mm;
	bool found = false;

	spin_lock(&pgd_lock);
	list_for_each_entry(mm, &init_mm.mmlist, mmlist)
		if (mm == want) {
			mmgrab(mm);
			found = true;
			break;
		}
	spin_unlock(&pgd_lock);
	return found;
}

struct victims {
	struct mm_struct *mm[BOOK_OWNERS_MAX];
	unsigned count;
};

/* Adds a live mm, with a reference. False: it is none. */
static bool victim_add(struct victims *victims, struct mm_struct *mm)
{
	for (unsigned i = 0; i < victims->count; i++)
		if (victims->mm[i] == mm)
			return true;
	if (victims->count == BOOK_OWNERS_MAX || !mm_is_live(mm))
		return false;
	victims->mm[victims->count++] = mm;
	return true;
}

static bool table_victims(struct page *table, struct victims *victims)
{
	struct mm_struct *sharers[BOOK_OWNERS_MAX];
	unsigned count = 0;

	if (atomic_read(&table->pt_share_count))
		count = shm_sharers(table, sharers, BOOK_OWNERS_MAX);
	for (unsigned i = 0; i < count; i++)
		if (!victim_add(victims, sharers[i]))
			return false;
	return victim_add(victims, table->pt_mm);
}

/* The mms whose tables map a data page. */
static bool page_victims(struct page *page, struct victims *victims)
{
	struct page *table;

	for (unsigned n = 0; (table = rmap_table(page, n)); n++)
		if (!table_victims(table, victims))
			return false;
	return true;
}

static enum mce_outcome kill_victims(struct victims *victims, bool whole_tables, pfn_t pfn)
{
	for (unsigned i = 0; whole_tables && i < victims->count; i++)
		__atomic_or_fetch(&victims->mm[i]->flags, 1ul << MMF_LOST, __ATOMIC_SEQ_CST);
	for (unsigned i = 0; i < victims->count; i++)
		kill_mm_users(victims->mm[i], pfn);
	for (unsigned i = 0; i < victims->count; i++)
		mmdrop(victims->mm[i]);
	return MCE_KILLED_OWNERS;
}

/* The table that a frame is or belongs to: PTI's user PGD goes by the kernel's. */
static struct page *table_of(struct page *page)
{
	struct page *pgd = page - 1;

	if (is_table(page))
		return page;
	if (pti_on && page_to_pfn(page) & 1 && is_table(pgd) && pgd->pt_level == pt_top() &&
	    pgd->pt_mm != &init_mm)
		return pgd;
	return NULL;
}

enum mce_outcome memory_failure(pfn_t pfn)
{
	struct victims victims = { .count = 0 };
	struct page *page, *table;

	if (pfn >= max_pfn)
		return MCE_IGNORED;
	page = pfn_to_page(pfn);
	if (__atomic_fetch_or(&page->flags, 1ul << PG_hwpoison, __ATOMIC_SEQ_CST) >>
	    PG_hwpoison & 1)
		return MCE_IGNORED;
	__atomic_add_fetch(&nr_poisoned, 1, __ATOMIC_RELAXED);

	table = table_of(page);
	if (table) {
		/* Nothing uses it any more; it will not be freed. */
		if (page_test(table, PG_limbo))
			return MCE_IGNORED;
		if (!table_victims(table, &victims))
			return MCE_PANIC;
		return kill_victims(&victims, true, pfn);
	}
	if (page_test(page, PG_reserved) || page_test(page, PG_slab))
		return MCE_PANIC;
	/* The whole of a 2 MiB page is lost with one of its frames. */
	if (pfn >= page_huge_low()) {
		page = pfn_to_page(pfn & ~(pfn_t)(HUGE_PAGES - 1));
		__atomic_or_fetch(&page->flags, 1ul << PG_hwpoison, __ATOMIC_RELAXED);
	}
	if (!atomic_read(&page->_refcount))
		return MCE_IGNORED;	/* free: the allocator skips it */
	if (!page->mapping)
		return MCE_PANIC;	/* kernel memory */
	if (!page_victims(page, &victims))
		return MCE_PANIC;
	return kill_victims(&victims, false, pfn);
}

/* What a lost table of gather->mm mapped, or held in swap, is freed. */
static void free_mapped_by(struct mmu_gather *gather, const struct page *table, struct page *page)
{
	while (page->rmap && rmap_remove_any(page, table))
		gather_put(gather, page);
}

static void free_swap_of(const struct page *table)
{
	for (unsigned i = 0; i < SWAP_SLOTS; i++) {
		struct page *slot = pfn_to_page(swap_first() + i);

		if (slot->rmap && rmap_remove_any(slot, table) &&
		    atomic_dec_and_test(&slot->_refcount))
			swap_put(slot);
	}
}

static void free_of_lost_table(struct mmu_gather *gather, const struct page *table)
{
	pfn_t pfn, high = page_high_water();

	for (pfn = 0; pfn < high; pfn++) {
		struct page *page = pfn_to_page(pfn);

		if (page->rmap && !page_test(page, PG_reserved))
			free_mapped_by(gather, table, page);
	}
	for (pfn = page_huge_low(); pfn < max_pfn; pfn += HUGE_PAGES)
		free_mapped_by(gather, table, pfn_to_page(pfn));
	free_swap_of(table);
}

/* One table of a dead mm, no longer linked to anything that is used. */
static void free_table(struct mmu_gather *gather, struct page *table)
{
	struct mm_struct *mm = gather->mm;
	unsigned level = (unsigned)table->pt_level;

	if (level == pt_top())
		return;			/* goes when the last borrower has left */
	if (page_test(table, PG_hwpoison))
		free_of_lost_table(gather, table);
	else if (level < 2)
		zap_table(gather, table, level);
	book_limbo(table);
	if (level < PT_ACCOUNT_LEVELS)
		atomic64_add(&mm->pgtables_bytes, -(int64_t)PAGE_SIZE);
	gather_table(gather, table);
}

void exit_mmap_lost(struct mm_struct *mm, struct mmu_gather *gather)
{
	struct page *pgd = virt_to_page(mm->pgd);
	pfn_t high = page_high_water();

	spin_lock(&mm->page_table_lock);
	if (!page_test(pgd, PG_hwpoison)) {
		fill_words(mm->pgd, 0, PT_ENTRIES / 2);
		if (pti_on && !page_test(pgd + 1, PG_hwpoison))
			fill_words(mm->pgd + PT_ENTRIES, 0, PT_ENTRIES / 2);
	}
	for (pfn_t pfn = 0; pfn < high; pfn++) {
		struct page *page = pfn_to_page(pfn);

		if (page->pt_mm == mm && is_table(page) && !page_test(page, PG_limbo))
			free_table(gather, page);
	}
	spin_unlock(&mm->page_table_lock);
}
