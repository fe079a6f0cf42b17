/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inventory.h - the guest's own books of its table pages: the ground truth that
 * ptmm's reports are compared with.
 *
 * One row per frame, indexed by pfn, at the gpa that DOORBELL_BOOKS gave. A row
 * is written where a table is populated, unlinked, shared and freed, never by a
 * walk; planted bugs leave the books right (they say what should be).
 */
#ifndef PTMM_TESTGUEST_INVENTORY_H
#define PTMM_TESTGUEST_INVENTORY_H

#include <stdint.h>

#define BOOKS_MAGIC 0x736b6f6f626d7470ull	/* "ptmbooks" */
#define BOOK_OWNERS_MAX 4

enum book_state {
	BOOK_FREE,	/* not a table */
	BOOK_LINKED,	/* a table, reachable */
	BOOK_LIMBO,	/* unlinked, waiting for its grace period; still typed */
	BOOK_LOST,	/* quarantined after an uncorrectable error */
};

struct book {
	uint64_t mm[BOOK_OWNERS_MAX];	/* mm_structs; unused: 0. [0] alone unless shared */
	uint64_t va;			/* of the first entry, the same for all sharers */
	uint32_t seq;			/* odd while the row is being written */
	uint8_t level;			/* 0 = pte */
	uint8_t state;			/* enum book_state */
	uint8_t user_pgd;		/* PTI's second root of mm[0] */
	uint8_t pad[17];
};

_Static_assert(sizeof(struct book) == 64, "a row is 64 bytes");

struct books {
	uint64_t magic;
	uint64_t rows_gpa;	/* of row 0 */
	uint64_t row_count;	/* frames covered */
};

#endif
