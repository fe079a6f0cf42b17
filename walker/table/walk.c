// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>

#include "walker/table/walk.h"

enum { BUDGET_PER_FRAME = 4, BUDGET_MIN = 64 };

static bool stopped(struct pt_walk *w, enum pt_action action)
{
	w->stopped |= action == PT_STOP;
	return w->stopped;
}

static enum pt_action call_entry(struct pt_walk *w, const struct pt_cursor *c)
{
	if (!w->ops->entry)
		return PT_CONTINUE;
	return w->ops->entry(w->ctx, c, c->entry, c->kind, c->item_first, c->item_last);
}

static enum pt_action call_hole(struct pt_walk *w, const struct pt_cursor *c)
{
	if (!w->ops->hole)
		return PT_CONTINUE;
	return w->ops->hole(w->ctx, c, c->level, c->item_first, c->item_last);
}

static enum pt_action call_unwalked(struct pt_walk *w, const struct pt_cursor *c,
				    struct pt_table t, enum pt_way why, gva_t first, gva_t last)
{
	w->budget_spent |= why == PT_WAY_BUDGET;
	if (!w->ops->unwalked)
		return PT_CONTINUE;
	return w->ops->unwalked(w->ctx, c, t, why, first, last);
}

static enum pt_action call_enter(struct pt_walk *w, const struct pt_cursor *c)
{
	w->tables++;
	if (!w->ops->table_enter)
		return PT_CONTINUE;
	return w->ops->table_enter(w->ctx, c, c->step[c->level].table);
}

static enum pt_action call_leave(struct pt_walk *w, const struct pt_cursor *c)
{
	if (!w->ops->table_leave)
		return PT_CONTINUE;
	return w->ops->table_leave(w->ctx, c, c->step[c->level].table);
}

/* Below an entry that points to a table. False: no memory. */
static bool walk_down(struct pt_walk *w, struct pt_cursor *c)
{
	struct pt_entry entry = c->entry;
	gva_t first = c->item_first, last = c->item_last;
	enum pt_way way = pt_cursor_down(c);
	struct pt_table below;

	if (way == PT_WAY_NO_MEMORY)
		return false;
	if (way == PT_WAY_OPEN) {
		enum pt_action action = call_enter(w, c);

		if (!stopped(w, action) && action == PT_SKIP)
			pt_cursor_up(c);
		return true;
	}
	if (pt_child(&w->space->decode, entry, &below))
		stopped(w, call_unwalked(w, c, below, way, first, last));
	return true;
}

/* The root's whole span, in one piece for each canonical half. */
static void root_unwalked(struct pt_walk *w, const struct pt_cursor *c, enum pt_way why)
{
	const struct pt_format *f = w->space->decode.format;
	struct pt_table t = pt_root_table(w->space, &w->space->root[c->root]);
	gva_t low_end = c->last, high = c->first;

	if (f->va_signed && c->first >> 63 != c->last >> 63) {
		low_end = (1ull << (f->va_bits - 1)) - 1;
		high = ~low_end;
		if (stopped(w, call_unwalked(w, c, t, why, c->first, low_end)))
			return;
	}
	stopped(w, call_unwalked(w, c, t, why, high, c->last));
}

static bool walk_root(struct pt_walk *w, struct pt_cursor *c, unsigned root)
{
	enum pt_way way = pt_cursor_start(c, root, w->first, w->last);
	enum pt_action action;

	if (way == PT_WAY_CLOSED)
		return true;
	if (way == PT_WAY_NO_MEMORY)
		return false;
	if (way != PT_WAY_OPEN) {
		root_unwalked(w, c, way);
		return true;
	}
	action = call_enter(w, c);
	if (stopped(w, action) || action == PT_SKIP)
		return true;

	while (!w->stopped) {
		struct pt_table t = c->step[c->level].table;

		switch (pt_cursor_next(c)) {
		case PT_ITEM_ENTRY:
			action = call_entry(w, c);
			if (!stopped(w, action) && action == PT_CONTINUE &&
			    c->kind == PT_TABLE && !walk_down(w, c))
				return false;
			break;
		case PT_ITEM_HOLE:
			stopped(w, call_hole(w, c));
			break;
		case PT_ITEM_UNREADABLE:
			stopped(w, call_unwalked(w, c, t, PT_WAY_UNREADABLE,
						 c->item_first, c->item_last));
			break;
		case PT_ITEM_TABLE_END:
			if (!stopped(w, call_leave(w, c)) && !pt_cursor_up(c))
				return true;
			break;
		}
	}
	return true;
}

bool pt_walk(struct pt_walk *w, struct err *e)
{
	uint8_t mode = w->mode ? w->mode : PT_MODE_ANY;
	struct pt_visited own = { 0 };
	struct pt_cursor c;
	bool ok = true;

	if (w->first > w->last)
		return err_set(e, ERR_USAGE, w->first,
			       "a walk from 0x%" PRIx64 " to 0x%" PRIx64 " is no range",
			       w->first, w->last);
	w->tables = 0;
	w->stopped = w->budget_spent = false;

	pt_cursor_init(&c, w->machine, w->space);
	c.visited = w->visited ? w->visited : &own;
	c.budget = w->budget;
	if (!c.budget)
		c.budget = machine_memory(w->machine) / PT_FRAME_SIZE * BUDGET_PER_FRAME +
			   BUDGET_MIN;
	for (unsigned root = 0; ok && !w->stopped && root < w->space->roots; root++) {
		if (!(w->space->root[root].mode & mode))
			continue;
		pt_visited_clear(&own);
		ok = walk_root(w, &c, root);
	}
	pt_cursor_close(&c);
	pt_visited_free(&own);
	return ok || err_set(e, ERR_NO_MEMORY, 0, "no memory to remember the tables visited");
}

const char *pt_way_name(enum pt_way way)
{
	switch (way) {
	case PT_WAY_OPEN:
		return "open";
	case PT_WAY_CLOSED:
		return "closed";
	case PT_WAY_OUTSIDE_RAM:
		return "outside-ram";
	case PT_WAY_UNREADABLE:
		return "unreadable";
	case PT_WAY_AGAIN:
		return "again";
	case PT_WAY_BUDGET:
		return "budget";
	case PT_WAY_NO_MEMORY:
		return "no-memory";
	}
	return "unknown";
}
