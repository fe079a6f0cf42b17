/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * walk.h - visiting a range of addresses, table by table.
 *
 * The operations are like those of the kernel's pagewalk. For each root that
 * serves part of [first, last], in the order of the space's list:
 *
 *	table_enter  the root table, then down at every PT_TABLE entry
 *	entry        each entry that is not empty, in the order of addresses;
 *	             for a table: before what is below it
 *	hole         each longest run of empty entries of one table
 *	unwalked     a part that could not be walked: broken, unreadable, visited
 *	             already, or beyond the budget. Never hidden, never fatal
 *	table_leave  when the table's part of the range is done
 *
 * The spans of holes, of unwalked parts, of entries that are no tables and of
 * tables that an operation skipped tile the canonical part of the range.
 *
 * A guest is hostile: a walk enters each (table, level) once, and no more tables
 * than its budget allows.
 */
#ifndef PTMM_WALK_H
#define PTMM_WALK_H

#include "walker/table/cursor.h"

enum pt_action {
	PT_CONTINUE,
	PT_SKIP,	/* by entry: do not go down; by table_enter: and no table_leave either */
	PT_STOP,	/* end the walk now; no more calls */
};

/*
 * Any may be NULL, which means PT_CONTINUE. The cursor tells where the walk
 * stands: c->level, c->step[] by level (the path), c->rights of the entry, c->root.
 * first and last are always cut to the range; c->step[t.level].va is the
 * address of a table's first entry.
 */
struct pt_walk_ops {
	enum pt_action (*table_enter)(void *ctx, const struct pt_cursor *c, struct pt_table t);
	enum pt_action (*table_leave)(void *ctx, const struct pt_cursor *c, struct pt_table t);
	enum pt_action (*entry)(void *ctx, const struct pt_cursor *c, struct pt_entry e,
				enum pt_kind kind, gva_t first, gva_t last);
	enum pt_action (*hole)(void *ctx, const struct pt_cursor *c, unsigned level,
			       gva_t first, gva_t last);
	/*
	 * t: the table that could not be entered, or (PT_WAY_UNREADABLE) read.
	 * Unreadable tables are entered and left, too: their place is known.
	 */
	enum pt_action (*unwalked)(void *ctx, const struct pt_cursor *c, struct pt_table t,
				   enum pt_way why, gva_t first, gva_t last);
};

struct pt_walk {
	struct machine *machine;
	const struct pt_space *space;
	gva_t first, last;		/* inclusive; need not be canonical */
	uint8_t mode;			/* roots that serve one of these; 0: PT_MODE_ANY */
	const struct pt_walk_ops *ops;
	void *ctx;
	/*
	 * NULL: a set for each root, so that the kernel half is walked below
	 * both roots of page-table isolation. Else the caller's, which goes on
	 * from walk to walk.
	 */
	struct pt_visited *visited;
	uint64_t budget;		/* tables to enter; 0: four per frame of RAM */

	/* Results. */
	uint64_t tables;		/* entered */
	bool stopped;			/* an operation said PT_STOP */
	bool budget_spent;		/* something was unwalked for want of budget */
};

/* False: first is above last, or there is no memory for the visited set. */
bool pt_walk(struct pt_walk *, struct err *);

const char *pt_way_name(enum pt_way);	/* "outside-ram", "again" */

#endif
