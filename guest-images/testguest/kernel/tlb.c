/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tlb.c - flushing, and what must wait for a flush: pages and tables that leave an
 * mm are gathered, the TLBs of the CPUs that may hold them are flushed once, then
 * the pages are free and the tables go to limbo.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

static void flush_all(void *arg)
{
	(void)arg;
	write_cr3(read_cr3());
}

static void flush_one(void *arg)
{
	invlpg((gva_t)arg);
}

/*
 * The cleared entries are visible before the mask is read: a CPU that is not in it
 * yet sets its bit before it loads CR3, so it sees them when it walks.
 */
static uint32_t cpus_of(const struct mm_struct *mm)
{
	smp_mb();
	return READ_ONCE(mm->cpumask);
}

void flush_tlb_mm(struct mm_struct *mm)
{
	uint32_t mask = cpus_of(mm);

	if (mask)
		smp_call_mask(mask, flush_all, NULL);
}

/* invlpg also drops the paging-structure caches, and with PTI entry reloads CR3. */
void flush_tlb_page(struct mm_struct *mm, gva_t va)
{
	uint32_t mask = cpus_of(mm);

	if (mask)
		smp_call_mask(mask, flush_one, (void *)va);
}

void gather_init(struct mmu_gather *gather, struct mm_struct *mm)
{
	gather->mm = mm;
	gather->pages = NULL;
	gather->tables = NULL;
	gather->tables_end = &gather->tables;
	gather->flush = false;
}

void gather_put(struct mmu_gather *gather, struct page *page)
{
	gather->flush = true;
	if (!atomic_dec_and_test(&page->_refcount))
		return;
	page->pt_next = gather->pages;
	gather->pages = page;
}

void gather_table(struct mmu_gather *gather, struct page *table)
{
	gather->flush = true;
	if (bug_never_frees(table)) {
		book_free(table);
		return;
	}
	table->pt_next = NULL;
	*gather->tables_end = table;
	gather->tables_end = &table->pt_next;
}

void gather_finish(struct mmu_gather *gather)
{
	struct page *page, *next;

	if (gather->flush)
		flush_tlb_mm(gather->mm);
	for (page = gather->pages; page; page = next) {
		next = page->pt_next;
		if (page_test(page, PG_head))
			free_huge(page);
		else
			free_page(page);
	}
	if (gather->tables)
		limbo_add(gather->tables, gather->tables_end);
}
