/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cursor.h - a place in a tree of page tables, moved by its user.
 *
 * For those who want to pull instead of being called (walk.h is built on it).
 * It keeps no more than one step per level, so there is no recursion, and what
 * an item says of its entry comes from one read. (The entry that ends a hole is
 * read again as an item of its own.) All items of a table:
 *
 *	pt_cursor_init(&c, machine, space);
 *	c.visited = &set;
 *	if (pt_cursor_start(&c, 0, first, last) == PT_WAY_OPEN)
 *		while ((item = pt_cursor_next(&c)) != PT_ITEM_TABLE_END)
 *			... c.entry, c.kind, c.item_first, c.item_last
 *	pt_cursor_close(&c);
 *
 * and down where c.kind is PT_TABLE, and up at PT_ITEM_TABLE_END. The items of
 * one table tile the part of [first, last] that it serves; addresses that are
 * not canonical belong to no item.
 */
#ifndef PTMM_CURSOR_H
#define PTMM_CURSOR_H

#include "walker/table/table.h"
#include "walker/table/visited.h"

enum pt_item {
	PT_ITEM_ENTRY,		/* one entry that is not empty */
	PT_ITEM_HOLE,		/* a run of empty entries */
	PT_ITEM_UNREADABLE,	/* a run of entries that could not be read */
	PT_ITEM_TABLE_END,	/* the table has no more of the range */
};

/* May a table be entered? */
enum pt_way {
	PT_WAY_OPEN,
	PT_WAY_CLOSED,		/* there is none: the item is no PT_TABLE, or the range is empty */
	PT_WAY_OUTSIDE_RAM,	/* malformed: not all of it is RAM */
	PT_WAY_UNREADABLE,	/* it is RAM that cannot be read; used by walk.h */
	PT_WAY_AGAIN,		/* visited already, at this level */
	PT_WAY_BUDGET,		/* the work budget is spent */
	PT_WAY_NO_MEMORY,	/* of ours, for the visited set */
};

struct pt_cursor_step {
	struct pt_table table;
	gva_t va;		/* of the table's first entry */
	/*
	 * Entries of the range still ahead: next <= i < stop. Those that a table
	 * does not have, since it is shorter than its slot, count as empty.
	 */
	unsigned next, stop;
	struct pt_entry entry;	/* the one last read here: leads to the step below */
	unsigned rights;	/* of the entries above, accumulated */
};

struct pt_cursor {
	struct machine *machine;
	const struct pt_space *space;
	/* The user may set these before pt_cursor_start(). */
	struct pt_visited *visited;	/* NULL: bounding the work is the user's duty */
	uint64_t budget;		/* tables that may still be entered */

	unsigned root;			/* index into space->root */
	gva_t first, last;		/* canonical */
	unsigned level;			/* of the table that it is in */
	struct pt_cursor_step step[PT_LEVELS_MAX];	/* by level */

	/* The item that pt_cursor_next() moved to. */
	gva_t item_first, item_last;	/* cut to the range */
	struct pt_entry entry;		/* PT_ITEM_ENTRY */
	enum pt_kind kind;
	unsigned rights;		/* of the path, this entry included */

	gpa_t view_frame;
	const uint8_t *view;		/* of the frame last read, or NULL */
};

/* Borrows both. No visited set, no limit to the budget. */
void pt_cursor_init(struct pt_cursor *, struct machine *, const struct pt_space *);
/* Gives the view back; the cursor may be started again. */
void pt_cursor_close(struct pt_cursor *);

/*
 * Enters the table of a root, for the part of [first, last] that it serves.
 * PT_WAY_CLOSED: it serves nothing of it.
 */
enum pt_way pt_cursor_start(struct pt_cursor *, unsigned root, gva_t first, gva_t last);
/* Moves to the next item of the table that it is in. */
enum pt_item pt_cursor_next(struct pt_cursor *);
/* Enters the table that the current entry points to. Else it stays where it is. */
enum pt_way pt_cursor_down(struct pt_cursor *);
/* Back to the table above, behind the entry that led down. False at the root. */
bool pt_cursor_up(struct pt_cursor *);
/*
 * Moves, forward or back, so that the next item is the one that holds va, in
 * the lowest table of the path that serves it. False: va is out of the range.
 */
bool pt_cursor_seek(struct pt_cursor *, gva_t va);

#endif
