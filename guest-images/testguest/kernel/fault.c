/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault.c - page faults: demand paging, copy-on-write, swap-in, shared objects;
 * 4 KiB and 2 MiB pages by the same code, a level apart. A new page is made
 * without locks; then, under the lock that covers the entry, it is put there only
 * if the entry is still what was looked at.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

enum { FAULT_WRITE = 2, FAULT_FETCH = 16 };	/* bits of the error code */

struct fault {
	struct mm_struct *mm;
	struct vm_area_struct *vma;
	gva_t va;			/* of the page */
	bool write;
	struct pt_pos pos;
	uint64_t raw;			/* the entry as it was looked at */
};

static bool allowed(const struct vm_area_struct *vma, uint64_t error_code)
{
	unsigned long need = error_code & FAULT_WRITE ? VM_WRITE :
			     error_code & FAULT_FETCH ? VM_EXEC : VM_READ;

	return vma->vm_flags & need;
}

/* Drops a page that found no place. */
static void page_drop(struct page *page)
{
	if (!atomic_dec_and_test(&page->_refcount))
		return;
	if (page_test(page, PG_head))
		free_huge(page);
	else
		free_page(page);
}

static struct page *anon_page(const struct fault *fault, bool clear)
{
	struct page *page;

	if (fault->pos.level)
		page = alloc_huge();
	else
		page = clear ? alloc_page() : alloc_page_dirty();
	if (page) {
		page->mapping = PAGE_MAPPING_ANON;
		page->index = fault->va >> PAGE_SHIFT;
		page->flags |= 1ul << PG_swapbacked | 1ul << PG_anon_exclusive;
	}
	return page;
}

static uint64_t leaf_of(const struct fault *fault, const struct page *page)
{
	uint64_t raw = page_to_gpa(page) | fault->vma->vm_page_prot;

	if (fault->pos.level)
		raw |= X86_PTE_PSE;
	if (fault->vma->vm_flags & VM_WRITE)
		raw |= X86_PTE_W;
	return fault->write ? raw | X86_PTE_D : raw;
}

/*
 * Puts the page into the entry and takes out what was there: `old`, a page or a
 * swap slot, or NULL. False, and nothing done: the entry changed, or no memory.
 */
static bool place(struct fault *fault, struct page *page, struct page *old)
{
	const struct page *table = virt_to_page(fault->pos.table);
	spinlock_t *lock = pt_lock_of(fault->mm, &fault->pos);
	bool done = false;

	spin_lock(lock);
	if (pt_get(&fault->pos) == fault->raw && rmap_add(page, table, fault->pos.index)) {
		pt_set(fault->mm, &fault->pos, leaf_of(fault, page));
		if (old)
			rmap_remove(old, table, fault->pos.index);
		done = true;
	}
	spin_unlock(lock);
	if (!done)
		page_drop(page);
	return done;
}

static int fault_new(struct fault *fault)
{
	struct vm_area_struct *vma = fault->vma;
	uint64_t offset = fault->va - vma->vm_start;
	struct page *page;

	if (vma->vm_flags & VM_PFNMAP && !fault->write) {
		pfn_t pfn = vma->vm_pgoff + (offset >> PAGE_SHIFT);
		spinlock_t *lock = pt_lock_of(fault->mm, &fault->pos);

		spin_lock(lock);
		if (pt_get(&fault->pos) == fault->raw)
			pt_set(fault->mm, &fault->pos, pfn_to_gpa(pfn) | vma->vm_page_prot);
		spin_unlock(lock);
		return 0;
	}
	if (vma->vm_file)
		page = shm_page(vma->vm_file, ((vma->vm_pgoff << PAGE_SHIFT) + offset) >>
						      pt_shift(fault->pos.level));
	else
		page = anon_page(fault, !(vma->vm_flags & VM_PFNMAP));
	if (!page)
		return -ENOMEM;
	if (vma->vm_flags & VM_PFNMAP)
		copy_words(page_to_virt(page),
			   phys_to_virt(pfn_to_gpa(vma->vm_pgoff + (offset >> PAGE_SHIFT))),
			   PAGE_SIZE / 8);
	place(fault, page, NULL);
	return 0;
}

static int fault_swap(struct fault *fault)
{
	struct page *slot = swap_page_of(fault->raw);
	struct page *page;

	if (!slot || !slot->rmap)
		return -EFAULT;
	page = anon_page(fault, false);
	if (!page)
		return -ENOMEM;
	copy_words(page_to_virt(page), page_to_virt(slot), PAGE_SIZE / 8);
	if (place(fault, page, slot) && atomic_dec_and_test(&slot->_refcount))
		swap_put(slot);
	return 0;
}

/* A write to a page that is mapped read-only where writing is allowed. */
static int fault_cow(struct fault *fault, struct page *old)
{
	spinlock_t *lock = pt_lock_of(fault->mm, &fault->pos);
	bool counted = !page_test(old, PG_reserved);
	struct page *page;

	spin_lock(lock);
	if (pt_get(&fault->pos) == fault->raw && counted &&
	    (fault->vma->vm_flags & VM_SHARED || page_mapcount(old) == 1)) {
		if (!(fault->vma->vm_flags & VM_SHARED))
			__atomic_or_fetch(&old->flags, 1ul << PG_anon_exclusive, __ATOMIC_RELAXED);
		pt_set(fault->mm, &fault->pos, fault->raw | X86_PTE_W | X86_PTE_D);
		spin_unlock(lock);
		flush_tlb_page(fault->mm, fault->va);
		return 0;
	}
	spin_unlock(lock);
	page = anon_page(fault, false);
	if (!page)
		return -ENOMEM;
	copy_words(page_to_virt(page), page_to_virt(old), pt_size(fault->pos.level) / 8);
	if (place(fault, page, counted ? old : NULL)) {
		flush_tlb_page(fault->mm, fault->va);
		if (counted)
			page_drop(old);
	}
	return 0;
}

static int fault_entry(struct fault *fault)
{
	unsigned level = fault->pos.level;
	pfn_t pfn;

	fault->raw = pt_get(&fault->pos);
	if (!fault->raw)
		return fault_new(fault);
	if (pt_is_swap(level, fault->raw))
		return fault_swap(fault);
	pfn = pt_leaf_pfn(level, fault->raw);
	/* PROT_NONE where the VMA says otherwise, or garbage. */
	if (!pt_is_leaf(level, fault->raw) || pfn >= max_pfn)
		return -EFAULT;
	if (fault->write && !(fault->raw & X86_PTE_W))
		return fault_cow(fault, pfn_to_page(pfn));
	/* Another CPU was faster; the TLB may still hold the old entry. */
	flush_tlb_page(fault->mm, fault->va);
	return 0;
}

/* Is the 2 MiB around va one page's worth of this VMA? */
static bool huge_fits(const struct vm_area_struct *vma, gva_t va)
{
	gva_t start = va & ~(HUGE_SIZE - 1);

	return vma->vm_flags & (VM_HUGEPAGE | VM_HUGETLB) && start >= vma->vm_start &&
	       vma->vm_end - start >= HUGE_SIZE;
}

static int fault_vma(struct fault *fault, gva_t addr)
{
	unsigned level = huge_fits(fault->vma, addr) ? 1 : 0;
	int err = fault->vma->vm_flags & VM_HUGETLB ? shm_share_pmd(fault->vma) : 0;

	if (!err)
		err = pt_walk_alloc(fault->mm, addr, level, &fault->pos);
	/* No 2 MiB pages left, or a table of small ones is there already: small ones do. */
	if (!err && level && fault->vma->vm_flags & VM_HUGEPAGE) {
		fault->va = addr & ~(HUGE_SIZE - 1);
		err = pt_child(level, pt_get(&fault->pos)) ? -ENOMEM : fault_entry(fault);
		if (err != -ENOMEM)
			return err;
		level = 0;
		err = pt_walk_alloc(fault->mm, addr, 0, &fault->pos);
	}
	fault->va = addr & ~(pt_size(level) - 1);
	return err ? err : fault_entry(fault);
}

int mm_fault(struct mm_struct *mm, gva_t addr, uint64_t error_code)
{
	struct fault fault = { .mm = mm, .write = error_code & FAULT_WRITE };
	int err = -EFAULT;

	if (addr > user_last())
		return -EFAULT;
	spin_lock(&mm->mmap_lock);
	fault.vma = vma_find(mm, addr);
	if (fault.vma && !(mm->flags >> MMF_LOST & 1) && allowed(fault.vma, error_code))
		err = fault_vma(&fault, addr);
	spin_unlock(&mm->mmap_lock);
	return err;
}
