/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * memmap.c - memory from the boot tables to the allocator: the direct map of all
 * RAM, the array of struct page, the books, the swap area. The tables made here
 * are from before the allocator runs: reserved, and no constructor ran for them.
 *
 * From the bottom: image | boot tables | free | memmap, books, swap area | free.
 * Nothing is cleared: RAM starts out zero, and a zero struct page is valid.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

enum { BOOT_TABLES_MAX = 160 };

#define LEAF (PT_TABLE_KERNEL | X86_PTE_NX)

const struct pt_format *pt_format;
uint64_t max_pfn;

/* Tables made here, for their rows in the books. */
static struct { gpa_t gpa; gva_t va; unsigned level; } made[BOOT_TABLES_MAX];
static unsigned made_count;
static gpa_t boot_next;		/* frames of boot tables come from here */

static gpa_t align_up(gpa_t gpa, uint64_t to)
{
	return (gpa + to - 1) & ~(to - 1);
}

static gpa_t boot_table(gva_t va, unsigned level)
{
	gpa_t gpa = boot_next;

	BUG_ON(made_count == BOOT_TABLES_MAX || gpa >= EARLY_MAP_SIZE);
	boot_next += PAGE_SIZE;
	made[made_count].gpa = gpa;
	made[made_count].va = va & ~((pt_size(level) << 9) - 1);
	made[made_count++].level = level;
	return gpa;
}

/* The kernel's entry for va at level, with new tables where there are none. */
static uint64_t *boot_entry(gva_t va, unsigned level)
{
	uint64_t *entry = &init_top_pgt[pt_slot(pt_top(), va)];

	for (unsigned l = pt_top(); l > level; l--) {
		if (!*entry)
			*entry = boot_table(va, l - 1) | PT_TABLE_KERNEL;
		entry = (uint64_t *)phys_to_virt(*entry & X86_PTE_ADDR) + pt_slot(l - 1, va);
	}
	return entry;
}

/* The 2 MiB at gpa with 4 KiB pages, so far as they are RAM. */
static void map_small(gpa_t gpa, gpa_t end)
{
	uint64_t *entry = boot_entry(page_offset_base + gpa, 1), *leaf;
	gpa_t table = boot_table(page_offset_base + gpa, 0);

	leaf = phys_to_virt(table);
	for (; gpa < end; gpa += PAGE_SIZE)
		*leaf++ = gpa | LEAF;
	*entry = table | PT_TABLE_KERNEL;
}

static void map_region(gpa_t first, gpa_t end)
{
	gpa_t gpa = first & ~(HUGE_SIZE - 1);

	while (gpa < end) {
		uint64_t *entry = boot_entry(page_offset_base + gpa, 1);

		/* Small pages at the very bottom and at a ragged end, as in Linux. */
		if (!gpa || end - gpa < HUGE_SIZE) {
			map_small(gpa, end - gpa < HUGE_SIZE ? end : gpa + HUGE_SIZE);
			gpa += HUGE_SIZE;
			continue;
		}
		do {
			*entry++ = gpa | LEAF | X86_PTE_PSE;
			gpa += HUGE_SIZE;
		} while (end - gpa >= HUGE_SIZE && gpa & (GIB - 1));
	}
}

static void map_memmap(gpa_t memmap, uint64_t size)
{
	for (uint64_t offset = 0; offset < size; offset += HUGE_SIZE)
		*boot_entry(vmemmap_base + offset, 1) = (memmap + offset) | LEAF | X86_PTE_PSE;
}

static void reserve(gpa_t first, gpa_t end)
{
	struct page *page = pfn_to_page(gpa_to_pfn(first)), *stop = pfn_to_page(gpa_to_pfn(end));

	for (; page < stop; page++)
		page->flags = 1ul << PG_reserved;
}

static void book_boot_tables(void)
{
	for (const struct boot_table *row = boot_tables; row->table; row++)
		if (!row->pti || pti_on)
			book_linked(virt_to_page(row->table), &init_mm, row->level, row->va);
	for (unsigned i = 0; i < made_count; i++)
		book_linked(pfn_to_page(gpa_to_pfn(made[i].gpa)), &init_mm, made[i].level,
			    made[i].va);
}

void mm_init(const struct boot_info *boot)
{
	gpa_t image_end = align_up(virt_to_phys(_end), PAGE_SIZE);
	uint64_t memmap_size, books_size;
	gpa_t memmap, books, swap, end;

	pt_format = __pgtable_l5_enabled ? &pt_x86_5level : &pt_x86_4level;
	pti_on = entry_pti;
	for (unsigned i = 0; i < boot->region_count; i++) {
		pfn_t last = gpa_to_pfn(boot->region[i].first + boot->region[i].size);

		if (last > max_pfn)
			max_pfn = last;
	}
	memmap_size = align_up(max_pfn * sizeof(struct page), PAGE_SIZE);
	books_size = align_up(max_pfn * sizeof(struct book), PAGE_SIZE);
	memmap = align_up(image_end + (16 + (max_pfn >> 18)) * PAGE_SIZE, HUGE_SIZE);
	books = memmap + memmap_size;
	swap = books + books_size;
	end = swap + SWAP_SLOTS * PAGE_SIZE;

	boot_next = image_end;
	for (unsigned i = 0; i < boot->region_count; i++)
		map_region(boot->region[i].first, boot->region[i].first + boot->region[i].size);
	map_memmap(memmap, memmap_size);
	write_cr3(read_cr3());

	reserve(0, boot_next);
	reserve(memmap, end);
	for (unsigned i = 0; i < boot->region_count; i++) {
		gpa_t first = boot->region[i].first, last = first + boot->region[i].size;

		if (image_end >= first && image_end < last) {
			if (end > last)
				panic("no room for the memmap: %lu KiB of RAM", max_pfn * 4);
			page_alloc_span(gpa_to_pfn(boot_next), gpa_to_pfn(memmap));
			page_alloc_span(gpa_to_pfn(end), gpa_to_pfn(last));
		} else if (first >= end) {
			page_alloc_span(gpa_to_pfn(first), gpa_to_pfn(last));
		}
	}
	swap_init(gpa_to_pfn(swap));
	books_init(books, max_pfn);
	book_boot_tables();
	bugs_init();
}
