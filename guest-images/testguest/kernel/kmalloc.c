/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kmalloc.c - small objects: a free list for each power of two from 32 to 2048
 * bytes, filled page by page; slab pages are kept. vmalloc(): kernel memory that
 * is contiguous in virtual addresses only, whose tables are made at run time.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

enum { SLAB_MIN_SHIFT = 5, SLAB_MAX_SHIFT = 11, VMALLOC_SLOTS = 16 };

static struct object { struct object *next; } *slabs[SLAB_MAX_SHIFT + 1];
static spinlock_t slab_lock;
uint64_t nr_slab_pages, nr_slab_objects;

static spinlock_t vmalloc_lock;
static unsigned vmalloc_count;

static unsigned size_shift(size_t size)
{
	return size <= 1u << SLAB_MIN_SHIFT ? SLAB_MIN_SHIFT :
	       64u - (unsigned)__builtin_clzll(size - 1);
}

/* Hold slab_lock. */
static bool slab_grow(unsigned shift)
{
	struct page *page = alloc_page_dirty();
	uint8_t *at;

	if (!page)
		return false;
	page->flags |= 1ul << PG_slab;
	page->index = shift;
	nr_slab_pages++;
	at = page_to_virt(page);
	for (size_t offset = 0; offset < PAGE_SIZE; offset += 1ul << shift) {
		struct object *object = (struct object *)(at + offset);

		object->next = slabs[shift];
		slabs[shift] = object;
	}
	return true;
}

void *kmalloc(size_t size)
{
	unsigned shift = size_shift(size);
	struct object *object = NULL;

	BUG_ON(shift > SLAB_MAX_SHIFT);
	spin_lock(&slab_lock);
	if (slabs[shift] || slab_grow(shift)) {
		object = slabs[shift];
		slabs[shift] = object->next;
		nr_slab_objects++;
	}
	spin_unlock(&slab_lock);
	if (object)
		fill_words((uint64_t *)object, 0, (1ul << shift) / 8);
	return object;
}

void kfree(void *p)
{
	struct object *object = p;
	unsigned shift;

	if (!p)
		return;
	shift = (unsigned)virt_to_page(p)->index;
	spin_lock(&slab_lock);
	object->next = slabs[shift];
	slabs[shift] = object;
	nr_slab_objects--;
	spin_unlock(&slab_lock);
}

/*
 * Areas are a whole PGD entry apart, so that the kernel half of the PGDs grows
 * while processes exist: what sync_kernel_range() is for.
 */
void *vmalloc(size_t size)
{
	gva_t base, va;
	unsigned slot;

	spin_lock(&vmalloc_lock);
	slot = vmalloc_count++;
	spin_unlock(&vmalloc_lock);
	base = vmalloc_base + ((uint64_t)(slot % VMALLOC_SLOTS) << pt_shift(pt_top())) +
	       (slot / VMALLOC_SLOTS) * GIB;
	for (va = base; va < base + size; va += PAGE_SIZE) {
		struct page *page = alloc_page();
		struct pt_pos pos;

		if (!page || pt_walk_alloc(&init_mm, va, 0, &pos))
			return NULL;
		pt_set(&init_mm, &pos, page_to_gpa(page) | PT_TABLE_KERNEL | X86_PTE_NX);
	}
	return (void *)base;
}
