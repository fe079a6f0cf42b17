/* SPDX-License-Identifier: GPL-2.0-only */
/* mmap.c - the system calls on address ranges: mmap, munmap, mprotect, pageout. */
#include "guest-images/testguest/kernel/mm_internal.h"

static bool range_ok(gva_t addr, uint64_t len)
{
	return len && !((addr | len) & (PAGE_SIZE - 1)) && addr <= user_last() &&
	       len - 1 <= user_last() - addr;
}

/* 2 MiB pages are not cut; hold mmap_lock. */
static bool cuts_huge(struct mm_struct *mm, gva_t at)
{
	struct vm_area_struct *vma = vma_find(mm, at);

	return vma && vma->vm_start != at && at & (HUGE_SIZE - 1) &&
	       vma->vm_flags & (VM_HUGEPAGE | VM_HUGETLB);
}

/* VMAs begin at addr and end at addr + len afterwards; hold mmap_lock. */
static int isolate(struct mm_struct *mm, gva_t addr, uint64_t len)
{
	if (cuts_huge(mm, addr) || cuts_huge(mm, addr + len))
		return -EINVAL;
	return vma_split_at(mm, addr) && vma_split_at(mm, addr + len) ? 0 : -ENOMEM;
}

/* Hold mmap_lock. */
static long unmap(struct mm_struct *mm, gva_t addr, uint64_t len)
{
	struct vm_area_struct **link = &mm->mmap, *vma, *gone = NULL;
	gva_t end = addr + len, floor = 0;
	struct mmu_gather gather;
	int err = isolate(mm, addr, len);

	if (err)
		return err;
	while ((vma = *link) && vma->vm_end <= addr) {
		floor = vma->vm_end;
		link = &vma->vm_next;
	}
	while ((vma = *link) && vma->vm_start < end) {
		shm_unshare_pmd(vma, true);
		*link = vma->vm_next;
		vma->vm_next = gone;
		gone = vma;
	}
	if (!gone)
		return 0;
	gather_init(&gather, mm);
	gather.flush = true;	/* of a PMD table that is not shared any more */
	zap_range(&gather, addr, end - 1, floor, vma ? vma->vm_start - 1 : user_last());
	gather_finish(&gather);
	while ((vma = gone)) {
		gone = vma->vm_next;
		vma_free(vma);
	}
	return 0;
}

/* An address for a mapping without one; 1 GiB or 2 MiB aligned where that helps. */
static gva_t pick_address(struct mm_struct *mm, uint64_t len, bool huge)
{
	uint64_t align = len == GIB ? GIB : huge ? HUGE_SIZE : PAGE_SIZE;
	gva_t addr = (mm->mmap_base + align - 1) & ~(align - 1);

	/* One page between mappings, so that running over the end is noticed. */
	mm->mmap_base = addr + len + PAGE_SIZE;
	return addr;
}

static bool range_free(struct mm_struct *mm, gva_t addr, uint64_t len)
{
	struct vm_area_struct *vma = mm->mmap;

	while (vma && vma->vm_end <= addr)
		vma = vma->vm_next;
	return !vma || vma->vm_start >= addr + len;
}

long sys_mmap(struct mm_struct *mm, gva_t addr, uint64_t len, unsigned prot, unsigned flags,
	      long shm, uint64_t offset)
{
	unsigned long vm_flags = vma_flags_of_prot(prot);
	struct shm *file = flags & MAP_ANONYMOUS ? NULL : shm_get(shm);
	struct vm_area_struct *vma;
	long err = 0;

	len = (len + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	if (!file && !(flags & MAP_ANONYMOUS && flags & MAP_PRIVATE))
		return -EINVAL;
	if (file) {
		uint64_t unit = shm_is_huge(file) ? HUGE_SIZE : PAGE_SIZE;

		if (!(flags & MAP_SHARED) || (offset | len | addr) & (unit - 1) ||
		    offset > shm_size(file) || len > shm_size(file) - offset)
			return -EINVAL;
		vm_flags |= VM_SHARED | (shm_is_huge(file) ? VM_HUGETLB : 0);
	} else if (flags & MAP_HUGE) {
		vm_flags |= VM_HUGEPAGE;
	}

	spin_lock(&mm->mmap_lock);
	if (!(flags & MAP_FIXED) && (!addr || !range_ok(addr, len) || !range_free(mm, addr, len)))
		addr = pick_address(mm, len, vm_flags & (VM_HUGETLB | VM_HUGEPAGE));
	if (!range_ok(addr, len))
		err = -EINVAL;
	else if (flags & MAP_FIXED)
		err = unmap(mm, addr, len);
	vma = err ? NULL : vma_new(mm, addr, addr + len, vm_flags);
	if (vma) {
		vma->vm_file = file;
		vma->vm_pgoff = offset >> PAGE_SHIFT;
		vma_insert(vma);
	}
	spin_unlock(&mm->mmap_lock);
	return err ? err : vma ? (long)addr : -ENOMEM;
}

long sys_munmap(struct mm_struct *mm, gva_t addr, uint64_t len)
{
	long err;

	if (!range_ok(addr, len))
		return -EINVAL;
	spin_lock(&mm->mmap_lock);
	err = unmap(mm, addr, len);
	spin_unlock(&mm->mmap_lock);
	return err;
}

/* What walks the leaves of a range: new value of an entry, under its lock. */
struct leaf_walk {
	struct mm_struct *mm;
	struct vm_area_struct *vma;
	long changed;
	uint64_t (*leaf)(struct leaf_walk *, const struct pt_pos *, uint64_t raw);
};

static void walk_leaves(struct leaf_walk *walk, uint64_t *table, unsigned level, gva_t first,
			gva_t last)
{
	gva_t base = first & ~((pt_size(level) << 9) - 1);
	size_t i = pt_slot(level, first), end = pt_slot(level, last) + 1ul;

	while ((i = find_word(table, i, end)) < end) {
		struct pt_pos pos = { table, level, (unsigned)i };
		gva_t va = base + (i << pt_shift(level));
		gva_t va_last = va + (pt_size(level) - 1);
		uint64_t raw = pt_get(&pos), changed;
		struct page *child = pt_child(level, raw);
		spinlock_t *lock;

		i++;
		if (child) {
			walk_leaves(walk, page_to_virt(child), level - 1, va < first ? first : va,
				    va_last > last ? last : va_last);
			continue;
		}
		lock = pt_lock_of(walk->mm, &pos);
		spin_lock(lock);
		raw = pt_get(&pos);
		changed = walk->leaf(walk, &pos, raw);
		if (changed != raw) {
			pt_set(walk->mm, &pos, changed);
			walk->changed++;
		}
		spin_unlock(lock);
	}
}

/*
 * The leaf with the VMA's rights. PROT_NONE keeps the page with P clear, bit 8 set
 * and the frame number inverted. Write access comes back by a fault, which knows
 * whether the page must be copied.
 */
static uint64_t leaf_protect(struct leaf_walk *walk, const struct pt_pos *pos, uint64_t raw)
{
	uint64_t address, prot = walk->vma->vm_page_prot;
	uint64_t keep = X86_PTE_A | X86_PTE_D;

	if (!pt_is_leaf(pos->level, raw) && !pt_is_protnone(raw))
		return raw;
	if (pos->level)
		keep |= X86_PTE_PSE;
	if (walk->vma->vm_flags & VM_WRITE && raw & X86_PTE_P)
		keep |= X86_PTE_W;
	address = pfn_to_gpa(pt_leaf_pfn(pos->level, raw));
	if (!(prot & X86_PTE_P))
		address = ~address & X86_PTE_ADDR & ~(pt_size(pos->level) - 1);
	return address | prot | (raw & keep);
}

static void protect_vma(struct vm_area_struct *vma, unsigned long rights)
{
	struct leaf_walk walk = { .mm = vma->vm_mm, .vma = vma, .leaf = leaf_protect };

	shm_unshare_pmd(vma, true);
	vma->vm_flags = (vma->vm_flags & ~VM_ACCESS) | rights;
	vma->vm_page_prot = vma_prot(vma->vm_flags);
	walk_leaves(&walk, vma->vm_mm->pgd, pt_top(), vma->vm_start, vma->vm_end - 1);
}

long sys_mprotect(struct mm_struct *mm, gva_t addr, uint64_t len, unsigned prot)
{
	unsigned long rights = vma_flags_of_prot(prot);
	long err;

	if (!range_ok(addr, len))
		return -EINVAL;
	spin_lock(&mm->mmap_lock);
	err = isolate(mm, addr, len);
	for (struct vm_area_struct *vma = err ? NULL : mm->mmap; vma; vma = vma->vm_next)
		if (vma->vm_start >= addr && vma->vm_end <= addr + len)
			protect_vma(vma, rights);
	flush_tlb_mm(mm);
	spin_unlock(&mm->mmap_lock);
	return err;
}

struct pageout {
	struct leaf_walk walk;
	struct mmu_gather gather;
};

/* Swaps out an anonymous 4 KiB page that only this entry maps. */
static uint64_t leaf_pageout(struct leaf_walk *walk, const struct pt_pos *pos, uint64_t raw)
{
	struct pageout *out = container_of(walk, struct pageout, walk);
	struct page *table = virt_to_page(pos->table), *page, *slot;
	pfn_t pfn = pt_leaf_pfn(pos->level, raw);

	if (pos->level || !pt_is_leaf(0, raw) || pfn >= max_pfn)
		return raw;
	page = pfn_to_page(pfn);
	if (page->mapping != PAGE_MAPPING_ANON || page_mapcount(page) != 1 ||
	    page_test(page, PG_hwpoison))
		return raw;
	slot = swap_alloc();
	if (!slot)
		return raw;
	if (!rmap_add(slot, table, pos->index)) {
		swap_put(slot);
		return raw;
	}
	/* No CPU writes to it any more once the entry is gone from the TLBs. */
	pt_clear(walk->mm, pos);
	flush_tlb_mm(walk->mm);
	copy_words(page_to_virt(slot), page_to_virt(page), PAGE_SIZE / 8);
	if (rmap_remove(page, table, pos->index))
		gather_put(&out->gather, page);
	return swap_entry(slot) | SWAP_EXCLUSIVE;
}

long sys_pageout(struct mm_struct *mm, gva_t addr, uint64_t len)
{
	struct pageout out = { .walk = { .mm = mm, .leaf = leaf_pageout } };

	if (!range_ok(addr, len))
		return -EINVAL;
	spin_lock(&mm->mmap_lock);
	gather_init(&out.gather, mm);
	walk_leaves(&out.walk, mm->pgd, pt_top(), addr, addr + len - 1);
	gather_finish(&out.gather);
	spin_unlock(&mm->mmap_lock);
	return out.walk.changed;
}

static int map_new(struct mm_struct *mm, gva_t va, uint64_t len, unsigned long flags, pfn_t pgoff)
{
	struct vm_area_struct *vma;

	len = (len + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
	if (!range_ok(va, len))
		return -EINVAL;
	spin_lock(&mm->mmap_lock);
	vma = vma_new(mm, va, va + len, flags);
	if (vma) {
		vma->vm_pgoff = pgoff;
		vma_insert(vma);
	}
	spin_unlock(&mm->mmap_lock);
	return vma ? 0 : -ENOMEM;
}

int mm_map_frames(struct mm_struct *mm, gva_t va, gpa_t gpa, uint64_t len, unsigned prot)
{
	return map_new(mm, va, len, vma_flags_of_prot(prot) | VM_PFNMAP, gpa_to_pfn(gpa));
}

int mm_map_anon(struct mm_struct *mm, gva_t va, uint64_t len, unsigned prot)
{
	return map_new(mm, va, len, vma_flags_of_prot(prot), 0);
}
