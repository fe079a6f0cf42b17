/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * copy.c - fork's copy of a range: one recursion over the levels, leaves of every
 * level, PROT_NONE leaves and swap entries. Private writable leaves lose their
 * write bit in both, for copy-on-write. Shared mappings are not copied: they come
 * back by faults.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

struct copy {
	struct mm_struct *dst, *src;
};

/* Hold both entries' locks. */
static int copy_entry(struct copy *copy, const struct pt_pos *to, const struct pt_pos *from)
{
	uint64_t raw = pt_get(from), shared;
	struct page *page;

	if (pt_is_swap(from->level, raw)) {
		page = swap_page_of(raw);
		shared = raw & ~SWAP_EXCLUSIVE;
	} else if (pt_is_leaf(from->level, raw) || pt_is_protnone(raw)) {
		pfn_t pfn = pt_leaf_pfn(from->level, raw);

		page = pfn < max_pfn ? pfn_to_page(pfn) : NULL;
		shared = raw & ~X86_PTE_W;
		if (page && page_test(page, PG_reserved)) {	/* of the program's image */
			pt_set(copy->dst, to, shared);
			return 0;
		}
	} else {
		return 0;
	}
	/* A page that nobody counts here, or whose frame failed, is not passed on. */
	if (!page || !page->rmap || page_test(page, PG_hwpoison))
		return 0;
	if (!rmap_add(page, virt_to_page(to->table), to->index))
		return -ENOMEM;
	atomic_inc(&page->_refcount);
	if (page_test(page, PG_anon_exclusive))
		__atomic_and_fetch(&page->flags, ~(1ul << PG_anon_exclusive), __ATOMIC_RELAXED);
	if (shared != raw)
		pt_set(copy->src, from, shared);
	pt_set(copy->dst, to, shared);
	return 0;
}

/* Entries [i, end) of one table that are leaves; the child's table has the same place. */
static int copy_leaves(struct copy *copy, uint64_t *table, unsigned level, size_t i, size_t end,
		       gva_t va)
{
	struct pt_pos to, from = { table, level, 0 };
	spinlock_t *to_lock, *from_lock;
	int err = pt_walk_alloc(copy->dst, va, level, &to);

	if (err)
		return err;
	to_lock = pt_lock_of(copy->dst, &to);
	from_lock = pt_lock_of(copy->src, &from);
	spin_lock(to_lock);
	spin_lock(from_lock);
	while (!err && (i = find_word(table, i, end)) < end) {
		to.index = from.index = (unsigned)i++;
		err = copy_entry(copy, &to, &from);
	}
	spin_unlock(from_lock);
	spin_unlock(to_lock);
	return err;
}

static int copy_level(struct copy *copy, uint64_t *table, unsigned level, gva_t first, gva_t last)
{
	gva_t base = first & ~((pt_size(level) << 9) - 1);
	size_t i = pt_slot(level, first), end = pt_slot(level, last) + 1ul;
	int err = 0;

	while (!err && (i = find_word(table, i, end)) < end) {
		gva_t va = base + (i << pt_shift(level));
		gva_t va_last = va + (pt_size(level) - 1);
		uint64_t raw = READ_ONCE(table[i]);
		struct page *child = pt_child(level, raw);

		if (level == 0) {
			err = copy_leaves(copy, table, 0, i, end, va);
			break;
		}
		if (child)
			err = copy_level(copy, page_to_virt(child), level - 1,
					 va < first ? first : va, va_last > last ? last : va_last);
		else if (level == 1)
			err = copy_leaves(copy, table, level, i, i + 1, va);
		i++;
	}
	return err;
}

int copy_range(struct mm_struct *dst, struct mm_struct *src, struct vm_area_struct *vma)
{
	struct copy copy = { dst, src };

	if (vma->vm_flags & VM_SHARED)
		return 0;
	return copy_level(&copy, src->pgd, pt_top(), vma->vm_start, vma->vm_end - 1);
}
