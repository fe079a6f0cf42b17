// SPDX-License-Identifier: GPL-2.0-only
#include "walker/table/cursor.h"

static const struct pt_format *format_of(const struct pt_cursor *c)
{
	return c->space->decode.format;
}

void pt_cursor_init(struct pt_cursor *c, struct machine *m, const struct pt_space *s)
{
	*c = (struct pt_cursor) {
		.machine = m,
		.space = s,
		.budget = UINT64_MAX,
	};
}

void pt_cursor_close(struct pt_cursor *c)
{
	if (c->view)
		machine_unview(c->machine, c->view_frame, c->view);
	c->view = NULL;
}

/*
 * The place of one entry in the guest's memory, or NULL. The frame last looked
 * at stays in view: neighbours are read from it.
 */
static const void *place(struct pt_cursor *c, gpa_t at)
{
	gpa_t offset = at % PT_FRAME_SIZE;

	if (!c->view || at - offset != c->view_frame) {
		pt_cursor_close(c);
		c->view = machine_view(c->machine, at, NULL);
		c->view_frame = at - offset;
	}
	return c->view ? c->view + offset : NULL;
}

static bool is_root(const struct pt_cursor *c, struct pt_table t)
{
	return t.level + 1u == format_of(c)->levels;
}

/* Last address that a table serves; only a root may have both canonical halves. */
static gva_t table_end(const struct pt_cursor *c, const struct pt_cursor_step *s)
{
	const struct pt_format *f = format_of(c);

	if (!is_root(c, s->table))
		return pt_entry_end(f, s->table.level + 1u, s->va);
	return pt_entry_end(f, s->table.level,
			    pt_slot_first(f, s->table, s->va, pt_table_entries(s->table) - 1));
}

static enum pt_way enter(struct pt_cursor *c, struct pt_table t, gva_t va, unsigned rights)
{
	const struct pt_format *f = format_of(c);
	struct pt_cursor_step *s = &c->step[t.level];
	gva_t end;

	if (!pt_table_in_ram(c->machine, t))
		return PT_WAY_OUTSIDE_RAM;
	if (c->visited && pt_visited_has(c->visited, t.gpa, t.level))
		return PT_WAY_AGAIN;
	if (!c->budget)
		return PT_WAY_BUDGET;
	if (c->visited) {
		enum pt_visit visit = pt_visited_add(c->visited, t.gpa, t.level);

		if (visit != PT_VISIT_NEW)
			return visit == PT_VISIT_FULL ? PT_WAY_BUDGET : PT_WAY_NO_MEMORY;
	}
	c->budget--;

	*s = (struct pt_cursor_step) {
		.table = t,
		.va = pt_table_first(f, t, va),
		.rights = rights,
	};
	end = table_end(c, s);
	s->next = c->first > s->va ? pt_table_index(f, t, c->first) : 0;
	s->stop = pt_table_index(f, t, c->last < end ? c->last : end) + 1;
	c->level = t.level;
	c->kind = PT_NONE;
	return PT_WAY_OPEN;
}

enum pt_way pt_cursor_start(struct pt_cursor *c, unsigned root, gva_t first, gva_t last)
{
	const struct pt_root *r;

	if (root >= c->space->roots)
		return PT_WAY_CLOSED;
	r = &c->space->root[root];
	c->root = root;
	c->first = first > r->first ? first : r->first;
	c->last = last < r->last ? last : r->last;
	if (!pt_clip_canonical(format_of(c), &c->first, &c->last))
		return PT_WAY_CLOSED;
	return enter(c, pt_root_table(c->space, r), c->first, PT_RIGHTS_ALL);
}

/*
 * How many entries from `from` on, but before `stop`, have neighbouring
 * addresses: all, but for the hole in the middle of a sign-extended space.
 */
static unsigned run_stop(const struct pt_cursor *c, const struct pt_cursor_step *s, unsigned from)
{
	const struct pt_format *f = format_of(c);
	unsigned half = pt_table_entries(s->table) / 2;

	if (is_root(c, s->table) && from < half && half < s->stop &&
	    pt_slot_first(f, s->table, s->va, half) !=
	    pt_entry_end(f, s->table.level, pt_slot_first(f, s->table, s->va, half - 1)) + 1)
		return half;
	return s->stop;
}

/* Sets the item's addresses to the entries from `from` to before s->next. */
static void set_item(struct pt_cursor *c, const struct pt_cursor_step *s, unsigned from)
{
	const struct pt_format *f = format_of(c);

	c->item_first = pt_slot_first(f, s->table, s->va, from);
	c->item_last = pt_entry_end(f, s->table.level,
				    pt_slot_first(f, s->table, s->va, s->next - 1));
	if (c->item_first < c->first)
		c->item_first = c->first;
	if (c->item_last > c->last)
		c->item_last = c->last;
}

enum pt_item pt_cursor_next(struct pt_cursor *c)
{
	const struct pt_decode *d = &c->space->decode;
	struct pt_cursor_step *s = &c->step[c->level];
	unsigned entries = pt_table_entries(s->table);
	unsigned from = s->next;
	unsigned stop;
	const void *at;

	c->kind = PT_NONE;
	if (from >= s->stop)
		return PT_ITEM_TABLE_END;
	stop = run_stop(c, s, from);

	for (; s->next < stop; s->next++) {
		gpa_t gpa = pt_entry_place(s->table, s->next);
		uint64_t raw;
		enum pt_kind kind;

		if (s->next >= entries) {
			s->next = stop;
			break;
		}
		at = place(c, gpa);
		raw = at ? pt_load(d->format, s->table.shape, at) : 0;
		if (!at || machine_lost(c->machine, gpa)) {
			if (s->next > from)
				break;
			/* As much of the table as lies in this frame. */
			do {
				s->next++;
			} while (s->next < stop && s->next < entries &&
				 pt_entry_place(s->table, s->next) % PT_FRAME_SIZE);
			set_item(c, s, from);
			return PT_ITEM_UNREADABLE;
		}
		/* No format and no kernel means anything by a word of zeros. */
		kind = raw ? d->format->entry_kind(d, s->table.level, raw) : PT_NONE;
		if (kind == PT_NONE)
			continue;
		if (s->next > from)
			break;

		c->kind = kind;
		s->entry = c->entry = (struct pt_entry) {
			.raw = raw,
			.at = gpa,
			.index = (uint16_t)s->next,
			.level = s->table.level,
		};
		c->rights = s->rights & pt_entry_rights(d, c->entry);
		s->next++;
		set_item(c, s, from);
		return PT_ITEM_ENTRY;
	}
	set_item(c, s, from);
	return PT_ITEM_HOLE;
}

enum pt_way pt_cursor_down(struct pt_cursor *c)
{
	struct pt_table below;

	if (c->kind != PT_TABLE || !pt_child(&c->space->decode, c->entry, &below))
		return PT_WAY_CLOSED;
	return enter(c, below, c->item_first, c->rights);
}

bool pt_cursor_up(struct pt_cursor *c)
{
	c->kind = PT_NONE;
	if (c->level + 1u >= format_of(c)->levels)
		return false;
	c->level++;
	return true;
}

bool pt_cursor_seek(struct pt_cursor *c, gva_t va)
{
	const struct pt_format *f = format_of(c);
	struct pt_cursor_step *s = &c->step[c->level];

	if (va < c->first || va > c->last || !pt_canonical(f, va))
		return false;
	while (va < s->va || va > table_end(c, s)) {
		if (!pt_cursor_up(c))
			return false;
		s = &c->step[c->level];
	}
	s->next = pt_table_index(f, s->table, va);
	c->kind = PT_NONE;
	return true;
}
