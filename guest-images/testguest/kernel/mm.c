/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mm.c - the life of an mm_struct. mm_users counts tasks: the last one frees the
 * user half. mm_count counts all users as one, and borrowers (kernel threads, idle
 * CPUs): the last one lets the PGD go. mmlist and pgd_list hold the same mms, both
 * under pgd_lock.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

enum { KERNEL_HALF = PT_ENTRIES / 2 };

struct mm_struct init_mm = {
	.pgd = init_top_pgt,
	.mm_users = { 2 },
	.mm_count = { 1 },
	.mmlist = LIST_HEAD_INIT(init_mm.mmlist),
};

struct mm_struct *mm_alloc(void)
{
	struct mm_struct *mm = kmalloc(sizeof(*mm));
	struct page *pgd = NULL;

	if (mm)
		pgd = pti_on ? alloc_pair() : alloc_page();
	if (!pgd) {
		kfree(mm);
		return NULL;
	}
	atomic_set(&mm->mm_users, 1);
	atomic_set(&mm->mm_count, 1);
	mm->pgd = page_to_virt(pgd);
	mm->mmap_base = MMAP_BASE;
	pt_construct(pgd, mm, pt_top());

	/* Neither a new kernel entry nor a look from outside may fall in between. */
	spin_lock(&pgd_lock);
	spin_lock(&mm->page_table_lock);
	copy_words(mm->pgd + KERNEL_HALF, init_mm.pgd + KERNEL_HALF, KERNEL_HALF);
	list_add_tail(&mm->mmlist, &init_mm.mmlist);
	list_add_tail(&pgd->lru, &pgd_list);
	book_linked(pgd, mm, pt_top(), 0);
	if (pti_on) {
		pti_make(mm);
		book_user_pgd(pgd + 1, mm);
	}
	spin_unlock(&mm->page_table_lock);
	spin_unlock(&pgd_lock);
	return mm;
}

static bool mm_is_lost(const struct mm_struct *mm)
{
	return READ_ONCE(mm->flags) >> MMF_LOST & 1;
}

static void exit_mmap(struct mm_struct *mm)
{
	struct vm_area_struct *vma, *next;
	struct mmu_gather gather;
	bool lost = mm_is_lost(mm);

	spin_lock(&mm->mmap_lock);
	gather_init(&gather, mm);
	for (vma = mm->mmap; vma; vma = vma->vm_next)
		shm_unshare_pmd(vma, !lost);
	if (lost)
		exit_mmap_lost(mm, &gather);
	else
		zap_range(&gather, 0, user_last(), 0, user_last());
	vma = mm->mmap;
	mm->mmap = NULL;
	gather_finish(&gather);
	/* A table failed just now, so the walk stopped above it: find what is left. */
	if (!lost && mm_is_lost(mm)) {
		gather_init(&gather, mm);
		exit_mmap_lost(mm, &gather);
		gather_finish(&gather);
	}
	for (; vma; vma = next) {
		next = vma->vm_next;
		vma_free(vma);
	}
	spin_unlock(&mm->mmap_lock);
}

static void mm_free_pgd(struct mm_struct *mm)
{
	struct page *pgd = virt_to_page(mm->pgd);

	spin_lock(&pgd_lock);
	spin_lock(&mm->page_table_lock);
	list_del(&mm->mmlist);
	list_del(&pgd->lru);
	book_limbo(pgd);
	if (pti_on)
		book_free(pgd + 1);
	spin_unlock(&mm->page_table_lock);
	spin_unlock(&pgd_lock);
	/* The mm_struct goes with its PGD, after all tables that name it. */
	pgd->pt_next = NULL;
	limbo_add(pgd, &pgd->pt_next);
}

void mmget(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_users);
}

void mmgrab(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_count);
}

void mmdrop(struct mm_struct *mm)
{
	if (atomic_dec_and_test(&mm->mm_count))
		mm_free_pgd(mm);
}

void mmput(struct mm_struct *mm)
{
	if (!atomic_dec_and_test(&mm->mm_users))
		return;
	exit_mmap(mm);
	mmdrop(mm);
}

uint64_t mm_cr3(struct mm_struct *mm)
{
	if (mm_is_lost(mm))
		mm = &init_mm;
	return virt_to_phys(mm->pgd);
}

static bool fork_vmas(struct mm_struct *mm, struct mm_struct *old)
{
	for (struct vm_area_struct *vma = old->mmap; vma; vma = vma->vm_next) {
		struct vm_area_struct *copy = vma_new(mm, vma->vm_start, vma->vm_end,
						      vma->vm_flags);

		if (!copy)
			return false;
		copy->vm_pgoff = vma->vm_pgoff;
		copy->vm_file = vma->vm_file;
		vma_insert(copy);
		if (vma->vm_shared_pmd ? shm_share_pmd(copy) : copy_range(mm, old, vma))
			return false;
	}
	return true;
}

struct mm_struct *mm_fork(struct mm_struct *old)
{
	struct mm_struct *mm = mm_alloc();
	bool done;

	if (!mm)
		return NULL;
	spin_lock(&old->mmap_lock);
	spin_lock(&mm->mmap_lock);
	mm->mmap_base = old->mmap_base;
	done = fork_vmas(mm, old);
	/* The parent's writable entries are not any more. */
	flush_tlb_mm(old);
	spin_unlock(&mm->mmap_lock);
	spin_unlock(&old->mmap_lock);
	if (!done) {
		mmput(mm);
		return NULL;
	}
	return mm;
}

void mm_meminfo(struct mm_struct *mm, struct meminfo *info)
{
	*info = (struct meminfo){
		.free_pages = READ_ONCE(nr_free_pages),
		.limbo_tables = READ_ONCE(nr_limbo),
		.slab_pages = READ_ONCE(nr_slab_pages),
		.slab_objects = READ_ONCE(nr_slab_objects),
		.tables = READ_ONCE(nr_tables),
		.poisoned = READ_ONCE(nr_poisoned),
		.swap_used = READ_ONCE(nr_swap_used),
		.pgtables_bytes = (uint64_t)atomic64_read(&mm->pgtables_bytes),
	};
}
