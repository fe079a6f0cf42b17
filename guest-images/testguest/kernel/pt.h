/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pt.h - the writing half of the generic page-table API: level-indexed, one code
 * path for 4 and 5 levels. Every writer of the guest's page tables uses it.
 *
 * Level 0 is the bottom. An entry's place is a table and an index; its value is
 * the raw word, read once by pt_get(). The protocol for a new table: allocate and
 * construct, make that visible, take the lock that covers the entry, populate if
 * the entry is still none, else give the page back.
 */
#ifndef TESTGUEST_PT_H
#define TESTGUEST_PT_H

#include "guest-images/testguest/kernel/mm.h"

/* Levels with a lock per table; above them mm->page_table_lock. */
#define PT_SPLIT_LOCK_LEVELS	2u
/* Levels that mm->pgtables_bytes counts. */
#define PT_ACCOUNT_LEVELS	3u
#define PT_ENTRIES		512u

#define PT_TABLE_KERNEL	(X86_PTE_P | X86_PTE_W | X86_PTE_A | X86_PTE_D)
#define PT_TABLE_USER	(PT_TABLE_KERNEL | X86_PTE_U)

/* The place of an entry. */
struct pt_pos {
	uint64_t *table;
	unsigned level;
	unsigned index;
};

static inline unsigned pt_top(void)
{
	return pt_format->levels - 1u;
}

static inline unsigned pt_shift(unsigned level)
{
	return pt_format->level[level].shift;
}

static inline uint64_t pt_size(unsigned level)
{
	return 1ull << pt_shift(level);
}

static inline unsigned pt_slot(unsigned level, gva_t va)
{
	return (unsigned)(va >> pt_shift(level)) & (PT_ENTRIES - 1);
}

static inline uint64_t pt_get(const struct pt_pos *pos)
{
	return READ_ONCE(pos->table[pos->index]);
}

/* Last address that the entry's span shares with the range that ends at last. */
static inline gva_t pt_entry_last(unsigned level, gva_t va, gva_t last)
{
	gva_t end = va | (pt_size(level) - 1);

	return end < last ? end : last;
}

static inline bool pt_is_leaf(unsigned level, uint64_t raw)
{
	return raw & X86_PTE_P && (level == 0 || raw & X86_PTE_PSE);
}

/* Not present for the CPU, yet a page is mapped here (PROT_NONE). */
static inline bool pt_is_protnone(uint64_t raw)
{
	return (raw & (X86_PTE_P | X86_PTE_PROTNONE)) == X86_PTE_PROTNONE;
}

static inline bool pt_is_swap(unsigned level, uint64_t raw)
{
	return level == 0 && raw && !(raw & (X86_PTE_P | X86_PTE_PROTNONE));
}

/*
 * Frame of a present or PROT_NONE leaf; PROT_NONE ones store it inverted, so that
 * a CPU with the L1 terminal fault cannot read through them.
 */
static inline pfn_t pt_leaf_pfn(unsigned level, uint64_t raw)
{
	uint64_t word = raw & X86_PTE_P ? raw : ~raw;

	return (word & X86_PTE_ADDR & ~(pt_size(level) - 1)) >> PAGE_SHIFT;
}

/*
 * The table that an entry points to. NULL: not a table, not in RAM, or its frame
 * is lost and must not be read.
 */
static inline struct page *pt_child(unsigned level, uint64_t raw)
{
	pfn_t pfn = (raw & X86_PTE_ADDR) >> PAGE_SHIFT;
	struct page *page;

	if (!(raw & X86_PTE_P) || level == 0 || raw & X86_PTE_PSE || pfn >= max_pfn)
		return NULL;
	page = pfn_to_page(pfn);
	return page_test(page, PG_hwpoison) ? NULL : page;
}

static inline struct pt_pos pt_root_pos(const struct mm_struct *mm, gva_t va)
{
	unsigned top = pt_top();

	return (struct pt_pos){ mm->pgd, top, pt_slot(top, va) };
}

/* The lock that covers the entry at pos. */
static inline spinlock_t *pt_lock_of(struct mm_struct *mm, const struct pt_pos *pos)
{
	if (pos->level < PT_SPLIT_LOCK_LEVELS)
		return &virt_to_page(pos->table)->ptl;
	return &mm->page_table_lock;
}

/* Steps to va's entry one level down; false: no table there. */
bool pt_down(struct pt_pos *pos, gva_t va);
/* To va's entry at `level`, or as far down as there are tables; true: got there. */
bool pt_walk(const struct mm_struct *mm, gva_t va, unsigned level, struct pt_pos *pos);
/* The same, making what is missing. 0, -ENOMEM, or -EFAULT: something else is in the way. */
int pt_walk_alloc(struct mm_struct *mm, gva_t va, unsigned level, struct pt_pos *pos);

/* Makes the table below pos, unless another CPU was faster. */
int pt_alloc(struct mm_struct *mm, const struct pt_pos *pos, gva_t va);
/* Links a constructed table at pos and counts it; hold the entry's lock. */
void pt_populate(struct mm_struct *mm, const struct pt_pos *pos, struct page *table, gva_t va);
/* Unlinks the table below pos; hold the entry's lock. It then waits for a flush: gather_table(). */
void pt_unlink(struct mm_struct *mm, const struct pt_pos *pos, struct page *table);
/* Writes an entry; hold its lock. With PTI a PGD's entry goes into both PGDs. */
void pt_set(struct mm_struct *mm, const struct pt_pos *pos, uint64_t raw);
void pt_clear(struct mm_struct *mm, const struct pt_pos *pos);

/* A constructed table for this level, linked nowhere. */
struct page *pt_new(struct mm_struct *mm, unsigned level);
void pt_construct(struct page *page, struct mm_struct *mm, unsigned level);
void pt_destruct(struct page *page);

#endif
