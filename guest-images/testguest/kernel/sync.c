/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sync.c - the kernel half is one tree, and every PGD points into it: an entry
 * that init_mm's PGD gained is copied into each PGD on pgd_list. The top level is
 * whatever the format says; nothing here knows whether it is 3 or 4.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

struct list_head pgd_list = LIST_HEAD_INIT(pgd_list);
spinlock_t pgd_lock;

void sync_kernel_range(gva_t first, gva_t last)
{
	unsigned top = pt_top();
	unsigned from = pt_slot(top, first), to = pt_slot(top, last);

	for (unsigned index = from; index <= to; index++) {
		uint64_t raw = READ_ONCE(init_mm.pgd[index]);
		struct page *page;

		if (!raw)
			continue;
		spin_lock(&pgd_lock);
		list_for_each_entry(page, &pgd_list, lru) {
			struct mm_struct *mm = page->pt_mm;
			struct pt_pos pos = { page_to_virt(page), top, index };

			/* A lost PGD is neither read nor written. */
			if (page_test(page, PG_hwpoison) || bug_skips_sync(mm))
				continue;
			spin_lock(&mm->page_table_lock);
			if (!pt_get(&pos))
				pt_set(mm, &pos, raw);
			spin_unlock(&mm->page_table_lock);
		}
		spin_unlock(&pgd_lock);
	}
}
