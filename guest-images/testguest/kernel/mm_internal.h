/* SPDX-License-Identifier: GPL-2.0-only */
/* mm_internal.h - what the memory manager's own files call of one another. */
#ifndef TESTGUEST_MM_INTERNAL_H
#define TESTGUEST_MM_INTERNAL_H

#include "guest-images/testguest/kernel/pt.h"
#include "guest-images/testguest/inventory.h"

/* page_alloc.c: single frames lie below the first, 2 MiB pages at or above the second. */
pfn_t page_high_water(void);
pfn_t page_huge_low(void);
/* Gives [first, end) to the allocator; in order of address. */
void page_alloc_span(pfn_t first, pfn_t end);

/* books.c: hold the lock that covers the table's entry. */
void books_init(gpa_t rows, uint64_t count);
void book_linked(struct page *table, struct mm_struct *mm, unsigned level, gva_t va);
void book_user_pgd(struct page *pgd, struct mm_struct *mm);
void book_share(struct page *table, struct mm_struct *mm);
void book_unshare(struct page *table, struct mm_struct *mm);
void book_limbo(struct page *table);
void book_free(struct page *table);
/* Runs the destructor; the row says free, or lost, from the same moment. */
void book_destruct(struct page *table);

/* rmap.c: which entries map a page or hold a swap slot. place: table page, index. */
bool rmap_add(struct page *page, const struct page *table, unsigned index);
bool rmap_remove(struct page *page, const struct page *table, unsigned index);
/* Takes one mapping by `table` off the page; false: there is none. */
bool rmap_remove_any(struct page *page, const struct page *table);
/* The n-th table that maps the page, or NULL. */
struct page *rmap_table(struct page *page, unsigned n);

static inline int page_mapcount(const struct page *page)
{
	return atomic_read(&page->_mapcount) + 1;
}

/* Pages and tables that leave an mm together, after one TLB flush. */
struct mmu_gather {
	struct mm_struct *mm;
	struct page *pages;		/* data pages without references left */
	struct page *tables, **tables_end;
	bool flush;
};

void gather_init(struct mmu_gather *gather, struct mm_struct *mm);
/* Takes one reference off a data page. */
void gather_put(struct mmu_gather *gather, struct page *page);
void gather_table(struct mmu_gather *gather, struct page *table);
/* Flushes, frees the pages, hands the tables to limbo. */
void gather_finish(struct mmu_gather *gather);
void flush_tlb_mm(struct mm_struct *mm);
void flush_tlb_page(struct mm_struct *mm, gva_t va);

/* zap.c */
/* Takes the page or swap slot out of a leaf entry's books. Garbage is left alone. */
void zap_leaf(struct mmu_gather *gather, const struct page *table, unsigned level, unsigned index,
	      uint64_t raw);
void zap_table(struct mmu_gather *gather, struct page *table, unsigned level);
/* Unmaps [first, last]; frees tables whose whole span lies in [floor, ceiling]. */
void zap_range(struct mmu_gather *gather, gva_t first, gva_t last, gva_t floor, gva_t ceiling);

/* limbo.c: tables on a pt_next chain */
void limbo_add(struct page *first, struct page **end);

/* swap.c: slots are frames of a reserved area; an entry's type is 0 */
enum { SWAP_SLOTS = 256 };
#define SWAP_EXCLUSIVE	X86_PTE_PWT
/* _refcount of a slot's page: entries that hold it. */
void swap_init(pfn_t first);
struct page *swap_page_of(uint64_t raw);	/* NULL: garbage */
uint64_t swap_entry(const struct page *slot);
struct page *swap_alloc(void);
void swap_put(struct page *slot);
pfn_t swap_first(void);
extern uint64_t nr_swap_used;

/* vma.c */
struct vm_area_struct *vma_find(struct mm_struct *mm, gva_t va);
struct vm_area_struct *vma_new(struct mm_struct *mm, gva_t start, gva_t end, unsigned long flags);
void vma_insert(struct vm_area_struct *vma);
/* Cuts the VMA that holds `at` in two there, if there is one; false: no memory. */
bool vma_split_at(struct mm_struct *mm, gva_t at);
void vma_free(struct vm_area_struct *vma);
unsigned long vma_prot(unsigned long flags);
unsigned long vma_flags_of_prot(unsigned prot);

/* shm.c */
struct shm *shm_get(long id);
bool shm_is_huge(const struct shm *shm);
uint64_t shm_size(const struct shm *shm);
struct page *shm_page(struct shm *shm, uint64_t index);	/* makes it on first use */
void shm_link(struct vm_area_struct *vma);
void shm_unlink(struct vm_area_struct *vma);
/*
 * Gives a VMA that may share its PMD table one: another mapping's, or its own new
 * one for others to share. 0 or -ENOMEM.
 */
int shm_share_pmd(struct vm_area_struct *vma);
/*
 * Leaves the PMD table that vma shares; the link goes too if its PUD table may be
 * read. Without another user the table stays linked, and is the mm's own from now on.
 */
void shm_unshare_pmd(struct vm_area_struct *vma, bool clear_link);
/* All mms that use a shared PMD table; returns how many. Found by the file's mappings. */
unsigned shm_sharers(struct page *table, struct mm_struct **mms, unsigned max);

static inline gva_t user_last(void)
{
	return (1ull << (pt_format->va_bits - 1)) - 1;
}

/* copy.c: fork's copy of what src has mapped in vma; hold both mmap_locks */
int copy_range(struct mm_struct *dst, struct mm_struct *src, struct vm_area_struct *vma);

/* sync.c */
void sync_kernel_range(gva_t first, gva_t last);

/* pti.c */
extern bool pti_on;
void pti_set(const struct pt_pos *pos, uint64_t raw);
void pti_make(struct mm_struct *mm);

/* memory_failure.c: frees what an mm had without reading what is lost. */
void exit_mmap_lost(struct mm_struct *mm, struct mmu_gather *gather);

/* bugs.c: each does what is right unless bug=NAME asks otherwise */
void bugs_init(void);
struct mm_struct *bug_owner(struct mm_struct *mm, unsigned level);
struct page *bug_new_table(struct mm_struct *mm, unsigned level);
bool bug_no_ctor(struct mm_struct *mm, unsigned level);
bool bug_stays_linked(struct mm_struct *mm, unsigned level);
int64_t bug_count_times(struct mm_struct *mm);
bool bug_skips_sync(struct mm_struct *mm);
bool bug_never_frees(struct page *table);
bool bug_keeps_owner(struct page *table);
bool bug_holds_back(struct page *table);
bool bug_pins_mm(struct mm_struct *mm);

#endif
