/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * visited.h - the set of (table, level) pairs that a walk has been to.
 *
 * A guest may point a table at itself. A frame that is met as a table of the
 * same level again need not be walked again, so a walk visits each frame once
 * per level at most, whatever the guest wrote.
 *
 * Used by the cursor and the walk; the census keeps one over all its walks.
 */
#ifndef PTMM_VISITED_H
#define PTMM_VISITED_H

#include "arch/arch.h"

/* Zeroed is an empty set without a limit. */
struct pt_visited {
	uint64_t *slots;
	size_t slot_count;	/* 0 or a power of two */
	size_t count;
	size_t limit;		/* of members; 0: none but memory */
};

enum pt_visit {
	PT_VISIT_NEW,
	PT_VISIT_AGAIN,
	PT_VISIT_FULL,		/* the limit is reached */
	PT_VISIT_NO_MEMORY,
};

/* gpa: the table's first byte, a multiple of 8. */
enum pt_visit pt_visited_add(struct pt_visited *, gpa_t, unsigned level);
bool pt_visited_has(const struct pt_visited *, gpa_t, unsigned level);
/* Forgets the members, keeps memory and limit. */
void pt_visited_clear(struct pt_visited *);
void pt_visited_free(struct pt_visited *);

#endif
