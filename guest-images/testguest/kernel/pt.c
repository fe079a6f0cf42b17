/* SPDX-License-Identifier: GPL-2.0-only */
/* pt.c - making, linking and unlinking page tables; see pt.h for the protocol. */
#include "guest-images/testguest/kernel/pt.h"
#include "guest-images/testguest/kernel/mm_internal.h"

uint64_t nr_tables;

void pt_construct(struct page *page, struct mm_struct *mm, unsigned level)
{
	page->pmd_huge_pte = NULL;
	page->pt_level = level;
	page->pt_share_count.counter = 0;
	page->ptl.slock = 0;
	page->pt_mm = bug_owner(mm, level);
	page->page_type = PAGE_TYPE_TABLE_WORD;
	__atomic_add_fetch(&nr_tables, 1, __ATOMIC_RELAXED);
}

/* The owner goes before the page does: its word is page->mapping's next. */
void pt_destruct(struct page *page)
{
	page->pt_mm = NULL;
	page->pt_level = 0;
	page->private = 0;	/* share count and lock */
	page->page_type = PAGE_TYPE_NONE_WORD;
	__atomic_sub_fetch(&nr_tables, 1, __ATOMIC_RELAXED);
}

struct page *pt_new(struct mm_struct *mm, unsigned level)
{
	struct page *page = bug_new_table(mm, level);

	if (page)
		return page;
	page = alloc_page();
	if (page && !bug_no_ctor(mm, level))
		pt_construct(page, mm, level);
	return page;
}

bool pt_down(struct pt_pos *pos, gva_t va)
{
	struct page *child = pt_child(pos->level, pt_get(pos));

	if (!child)
		return false;
	pos->table = page_to_virt(child);
	pos->level--;
	pos->index = pt_slot(pos->level, va);
	return true;
}

bool pt_walk(const struct mm_struct *mm, gva_t va, unsigned level, struct pt_pos *pos)
{
	*pos = pt_root_pos(mm, va);
	while (pos->level > level)
		if (!pt_down(pos, va))
			return false;
	return true;
}

int pt_walk_alloc(struct mm_struct *mm, gva_t va, unsigned level, struct pt_pos *pos)
{
	*pos = pt_root_pos(mm, va);
	while (pos->level > level) {
		if (pt_down(pos, va))
			continue;
		if (pt_get(pos))
			return -EFAULT;
		if (pt_alloc(mm, pos, va))
			return -ENOMEM;
		if (!pt_down(pos, va))
			return -EFAULT;
	}
	return 0;
}

void pt_set(struct mm_struct *mm, const struct pt_pos *pos, uint64_t raw)
{
	if (pos->level == pt_top() && mm != &init_mm)
		pti_set(pos, raw);
	WRITE_ONCE(pos->table[pos->index], raw);
}

void pt_clear(struct mm_struct *mm, const struct pt_pos *pos)
{
	pt_set(mm, pos, 0);
}

void pt_populate(struct mm_struct *mm, const struct pt_pos *pos, struct page *table, gva_t va)
{
	gpa_t gpa = page_to_gpa(table);

	book_linked(table, mm, pos->level - 1, va & ~(pt_size(pos->level) - 1));
	if (pos->level <= PT_ACCOUNT_LEVELS && mm != &init_mm)
		atomic64_add(&mm->pgtables_bytes, (int64_t)PAGE_SIZE * bug_count_times(mm));
	pt_set(mm, pos, gpa | (mm == &init_mm ? PT_TABLE_KERNEL : PT_TABLE_USER));
}

void pt_unlink(struct mm_struct *mm, const struct pt_pos *pos, struct page *table)
{
	if (!bug_stays_linked(mm, pos->level))
		pt_clear(mm, pos);
	if (pos->level <= PT_ACCOUNT_LEVELS && mm != &init_mm)
		atomic64_add(&mm->pgtables_bytes, -(int64_t)PAGE_SIZE);
	book_limbo(table);
}

int pt_alloc(struct mm_struct *mm, const struct pt_pos *pos, gva_t va)
{
	struct page *table = pt_new(mm, pos->level - 1);
	spinlock_t *lock;
	bool linked = false;

	if (!table)
		return -ENOMEM;
	/* The table's contents and struct page are visible before a link to it is. */
	barrier();
	lock = pt_lock_of(mm, pos);
	spin_lock(lock);
	if (!pt_get(pos)) {
		pt_populate(mm, pos, table, va);
		linked = true;
	}
	spin_unlock(lock);
	if (!linked) {
		pt_destruct(table);
		free_page(table);
	} else if (mm == &init_mm && pos->level == pt_top()) {
		sync_kernel_range(va, va);
	}
	return 0;
}
