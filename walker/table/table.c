// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>

#include "walker/table/table.h"

/* A span of 64 bits and more is the whole address space. */
static uint64_t span_mask(unsigned bits)
{
	return bits >= 64 ? UINT64_MAX : (1ull << bits) - 1;
}

/* Of the slot that a table hangs in; its own where nothing is above it. */
static uint64_t slot_mask(const struct pt_format *f, struct pt_table t)
{
	if (t.level + 1u < f->levels)
		return span_mask(f->level[t.level + 1].shift);
	return span_mask(f->level[t.level].shift + (unsigned)t.shape.index_bits);
}

struct pt_table pt_root_table(const struct pt_space *s, const struct pt_root *r)
{
	const struct pt_format *f = s->decode.format;
	unsigned level = f->levels - 1u;

	return (struct pt_table) {
		.gpa = r->gpa,
		.level = (uint8_t)level,
		.shape = f->level[level].shape,
	};
}

unsigned pt_table_entries(struct pt_table t)
{
	return 1u << t.shape.index_bits;
}

uint64_t pt_table_size(struct pt_table t)
{
	return 1ull << (t.shape.index_bits + t.shape.entry_lg2);
}

gpa_t pt_entry_place(struct pt_table t, unsigned index)
{
	return t.gpa + ((gpa_t)index << t.shape.entry_lg2);
}

unsigned pt_table_index(const struct pt_format *f, struct pt_table t, gva_t va)
{
	return (unsigned)((va & slot_mask(f, t)) >> f->level[t.level].shift);
}

bool pt_table_in_ram(const struct machine *m, struct pt_table t)
{
	gpa_t last = t.gpa + (pt_table_size(t) - 1);

	/* No entry may straddle two frames, and visited.h wants multiples of 8. */
	if (last < t.gpa || t.gpa & 7)
		return false;
	for (pfn_t pfn = gpa_to_pfn(t.gpa); pfn <= gpa_to_pfn(last); pfn++)
		if (!machine_has_frame(m, pfn))
			return false;
	return true;
}

bool pt_read(struct machine *m, const struct pt_decode *d, struct pt_table t, unsigned index,
	     struct pt_entry *entry, struct err *e)
{
	gpa_t at = pt_entry_place(t, index);
	const uint8_t *view;

	if (index >= pt_table_entries(t))
		return err_set(e, ERR_USAGE, t.gpa, "a table of %u entries has no entry %u",
			       pt_table_entries(t), index);
	if (at & ((1ull << t.shape.entry_lg2) - 1))
		return err_set(e, ERR_NOT_RAM, at, "no entry can stand at 0x%" PRIx64, at);
	view = machine_view(m, at, e);
	if (!view)
		return false;
	entry->raw = pt_load(d->format, t.shape, view + at % PT_FRAME_SIZE);
	entry->at = at;
	entry->index = (uint16_t)index;
	entry->level = t.level;
	if (!machine_unview(m, at, view))
		return err_set(e, ERR_UNREADABLE, at, "the frame of 0x%" PRIx64 " was lost", at);
	return true;
}

enum pt_kind pt_entry_kind(const struct pt_decode *d, struct pt_entry e)
{
	return d->format->entry_kind(d, e.level, e.raw);
}

gpa_t pt_entry_addr(const struct pt_decode *d, struct pt_entry e)
{
	return d->format->entry_addr(d, e.level, e.raw);
}

unsigned pt_entry_rights(const struct pt_decode *d, struct pt_entry e)
{
	return d->format->entry_rights(d, e.level, e.raw);
}

bool pt_child(const struct pt_decode *d, struct pt_entry e, struct pt_table *below)
{
	const struct pt_format *f = d->format;

	/* A format that calls an entry of level 0 a table is not believed. */
	if (e.level == 0 || f->entry_kind(d, e.level, e.raw) != PT_TABLE)
		return false;
	below->level = (uint8_t)(e.level - 1);
	below->gpa = f->entry_addr(d, e.level, e.raw);
	below->shape = f->child_shape ? f->child_shape(d, e.level, e.raw) :
					f->level[below->level].shape;
	return true;
}

gva_t pt_entry_first(const struct pt_format *f, unsigned level, gva_t va)
{
	return va & ~span_mask(f->level[level].shift);
}

gva_t pt_entry_end(const struct pt_format *f, unsigned level, gva_t va)
{
	return va | span_mask(f->level[level].shift);
}

gva_t pt_table_first(const struct pt_format *f, struct pt_table t, gva_t va)
{
	uint64_t mask = slot_mask(f, t);

	/*
	 * A table that spans both halves of a sign-extended space starts at 0,
	 * whichever half va is in.
	 */
	if (f->va_signed && mask >= span_mask(f->va_bits))
		return 0;
	return va & ~mask;
}

gva_t pt_slot_first(const struct pt_format *f, struct pt_table t, gva_t table, unsigned index)
{
	return pt_make_canonical(f, table + ((gva_t)index << f->level[t.level].shift));
}

bool pt_next(const struct pt_format *f, unsigned level, gva_t *va)
{
	gva_t end = pt_entry_end(f, level, *va);
	gva_t next;

	if (end == UINT64_MAX)
		return false;
	next = end + 1;
	if (!pt_canonical(f, next)) {
		next = pt_make_canonical(f, next);
		/* An unsigned space ends here: its next address would be 0 again. */
		if (next <= *va)
			return false;
	}
	*va = next;
	return true;
}

bool pt_clip_canonical(const struct pt_format *f, gva_t *first, gva_t *last)
{
	uint64_t low = span_mask(f->va_signed ? f->va_bits - 1u : f->va_bits);

	if (*first > *last)
		return false;
	if (!pt_canonical(f, *first)) {
		if (!f->va_signed)
			return false;
		*first = ~low;
	}
	if (!pt_canonical(f, *last))
		*last = low;
	return *first <= *last;
}

const char *pt_kind_name(enum pt_kind kind)
{
	static const char *const names[PT_KINDS] = {
		[PT_NONE] = "none",
		[PT_TABLE] = "table",
		[PT_LEAF] = "leaf",
		[PT_HUGE] = "huge",
		[PT_PROTNONE] = "protnone",
		[PT_SWAP] = "swap",
		[PT_BAD] = "bad",
	};

	return (unsigned)kind < PT_KINDS ? names[kind] : "unknown";
}
