/* SPDX-License-Identifier: GPL-2.0-only */
/* vma.c - an mm's list of mapped ranges, sorted by address; hold mmap_lock. */
#include "guest-images/testguest/kernel/mm_internal.h"

/* The VMA that holds va, or NULL. */
struct vm_area_struct *vma_find(struct mm_struct *mm, gva_t va)
{
	struct vm_area_struct *vma = mm->mmap;

	while (vma && vma->vm_end <= va)
		vma = vma->vm_next;
	return vma && vma->vm_start <= va ? vma : NULL;
}

unsigned long vma_flags_of_prot(unsigned prot)
{
	return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_READ | VM_WRITE : 0) |
	       (prot & PROT_EXEC ? VM_READ | VM_EXEC : 0);
}

unsigned long vma_prot(unsigned long flags)
{
	unsigned long nx = flags & VM_EXEC ? 0 : X86_PTE_NX;

	return flags & VM_ACCESS ? X86_PTE_P | X86_PTE_U | X86_PTE_A | nx :
				   X86_PTE_PROTNONE | X86_PTE_A | nx;
}

struct vm_area_struct *vma_new(struct mm_struct *mm, gva_t start, gva_t end, unsigned long flags)
{
	struct vm_area_struct *vma = kmalloc(sizeof(*vma));

	if (!vma)
		return NULL;
	vma->vm_start = start;
	vma->vm_end = end;
	vma->vm_mm = mm;
	vma->vm_flags = flags;
	vma->vm_page_prot = vma_prot(flags);
	list_init(&vma->shared);
	return vma;
}

void vma_insert(struct vm_area_struct *vma)
{
	struct vm_area_struct **link = &vma->vm_mm->mmap;

	while (*link && (*link)->vm_start < vma->vm_start)
		link = &(*link)->vm_next;
	vma->vm_next = *link;
	*link = vma;
	if (vma->vm_file)
		shm_link(vma);
}

/* Of a VMA that is on no mm's list any more. */
void vma_free(struct vm_area_struct *vma)
{
	if (vma->vm_file)
		shm_unlink(vma);
	kfree(vma);
}

/* The upper part is a new VMA; the lower one keeps its struct. */
bool vma_split_at(struct mm_struct *mm, gva_t at)
{
	struct vm_area_struct *vma = vma_find(mm, at), *upper;

	if (!vma || vma->vm_start == at)
		return true;
	upper = vma_new(mm, at, vma->vm_end, vma->vm_flags);
	if (!upper)
		return false;
	/* Parts of a range that shared its PMD table do not share. */
	shm_unshare_pmd(vma, true);
	upper->vm_pgoff = vma->vm_pgoff + ((at - vma->vm_start) >> PAGE_SHIFT);
	upper->vm_file = vma->vm_file;
	vma->vm_end = at;
	vma_insert(upper);
	return true;
}
