/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * books.c - the inventory of table pages (inventory.h), the ground truth of the
 * tests. Each row is written where the table is linked, unlinked, shared or
 * freed, while the lock that covers the table's entry is held; nothing here
 * looks at a page table, and a planted bug does not change what is written.
 */
#include "guest-images/testguest/kernel/mm_internal.h"

static struct books books;
static struct book *rows;

void books_init(gpa_t at, uint64_t count)
{
	gpa_t gpa = virt_to_phys(&books);

	rows = phys_to_virt(at);
	books = (struct books){ BOOKS_MAGIC, at, count };
	doorbell(DOORBELL_BOOKS, (uint32_t)gpa, (uint32_t)(gpa >> 32), 0, 0);
}

static struct book *row_of(const struct page *table)
{
	return &rows[page_to_pfn(table)];
}

static void book_open(struct page *table)
{
	row_of(table)->seq++;
	barrier();
}

static void book_close(struct page *table)
{
	barrier();
	row_of(table)->seq++;
}

void book_linked(struct page *table, struct mm_struct *mm, unsigned level, gva_t va)
{
	struct book *row = row_of(table);

	book_open(table);
	row->mm[0] = (uint64_t)mm;
	row->va = pt_make_canonical(pt_format, va);
	row->level = (uint8_t)level;
	row->state = BOOK_LINKED;
	book_close(table);
}

void book_user_pgd(struct page *pgd, struct mm_struct *mm)
{
	row_of(pgd)->user_pgd = 1;
	book_linked(pgd, mm, pt_top(), 0);
}

void book_share(struct page *table, struct mm_struct *mm)
{
	struct book *row = row_of(table);

	book_open(table);
	for (unsigned i = 0; i < BOOK_OWNERS_MAX; i++) {
		if (!row->mm[i]) {
			row->mm[i] = (uint64_t)mm;
			break;
		}
	}
	book_close(table);
}

/* The owners close up. */
void book_unshare(struct page *table, struct mm_struct *mm)
{
	struct book *row = row_of(table);
	unsigned to = 0;

	book_open(table);
	for (unsigned i = 0; i < BOOK_OWNERS_MAX; i++) {
		uint64_t owner = row->mm[i];

		row->mm[i] = 0;
		if (owner && owner != (uint64_t)mm)
			row->mm[to++] = owner;
	}
	book_close(table);
}

static void book_state(struct page *table, enum book_state state)
{
	book_open(table);
	row_of(table)->state = (uint8_t)state;
	book_close(table);
}

void book_limbo(struct page *table)
{
	book_state(table, BOOK_LIMBO);
}

static void row_clear(struct book *row)
{
	row->state = BOOK_FREE;
	for (unsigned i = 0; i < BOOK_OWNERS_MAX; i++)
		row->mm[i] = 0;
	row->va = 0;
	row->level = 0;
	row->user_pgd = 0;
}

void book_free(struct page *table)
{
	book_open(table);
	row_clear(row_of(table));
	book_close(table);
}

/* The row is being written from before the destructor runs until after. */
void book_destruct(struct page *table)
{
	struct book *row = row_of(table);

	book_open(table);
	pt_destruct(table);
	if (page_test(table, PG_hwpoison))
		row->state = BOOK_LOST;
	else
		row_clear(row);
	book_close(table);
}
