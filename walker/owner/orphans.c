// SPDX-License-Identifier: GPL-2.0-only
/*
 * orphans.c - the levels of tables that no root reaches.
 *
 * Some kernels record a table's level (pt_level). Linux does not, but entries
 * speak: a table all of whose present entries lead to tables is one level above
 * the highest of these. An empty table, and one that maps pages, is then taken
 * for a bottom table.
 */
#include <string.h>

#include "walker/owner/census_impl.h"

/* The level that the entries speak for. */
static unsigned level_by_entries(const struct census *c, const uint64_t *table)
{
	const struct pt_format *f = c->format;
	unsigned level = 0;

	for (unsigned i = 0; i < 1u << f->level[0].shape.index_bits; i++) {
		struct pt_shape shape = f->level[0].shape;
		uint64_t raw = pt_load(f, shape, (const uint8_t *)table +
				       ((size_t)i << shape.entry_lg2));
		enum pt_kind kind = f->entry_kind(c->decode, 1, raw);
		uint32_t child;

		if (kind == PT_NONE)
			continue;
		if (kind != PT_TABLE)
			return 0;
		child = row_of_frame(c, gpa_to_pfn(f->entry_addr(c->decode, 1, raw)));
		if (child == NO_ROW)
			return 0;
		if (c->rows[child].level + 1u > level)
			level = c->rows[child].level + 1u;
	}
	return level < f->levels ? level : 0;
}

static unsigned level_of(const struct census *c, const struct row *r, const uint64_t *table,
			 const struct member *recorded)
{
	uint64_t level = 0;
	gva_t page;

	if (r->origin == ROW_DEPOSIT)
		return 0;
	if (recorded->size && recorded->size <= sizeof(level) &&
	    kernel_page_at(c->kernel, r->pfn, &page, NULL) &&
	    kernel_read(c->kernel, page + recorded->offset, &level, recorded->size, NULL) &&
	    level < c->format->levels)
		return (unsigned)level;
	return level_by_entries(c, table);
}

void census_orphan_levels(struct census *c)
{
	_Alignas(TABLE_ALIGN) uint64_t table[PT_FRAME_SIZE / 8];
	struct member recorded = { 0 };
	bool changed = true;

	profile_member(kernel_profile(c->kernel), "page", "pt_level", &recorded, NULL);

	/* Each round settles one level more, the lowest first. */
	for (unsigned round = 0; changed && round < c->format->levels; round++) {
		changed = false;
		for (uint32_t at = 0; at < c->count; at++) {
			struct row *r = &c->rows[at];
			const void *view;
			struct pt_scan scan;
			unsigned level;

			if (r->origin != ROW_UNREACHED && (r->origin != ROW_DEPOSIT || round))
				continue;
			view = machine_view(c->machine, pfn_to_gpa(r->pfn), NULL);
			if (view)
				memcpy(table, view, sizeof(table));
			r->readable = view && machine_unview(c->machine, pfn_to_gpa(r->pfn), view);
			if (!r->readable)
				continue;
			level = level_of(c, r, table, &recorded);
			changed |= level != r->level;
			r->level = level & 7;
			pt_scan(c->decode, level, table, &scan);
			row_set_entries(r, &scan, level);
		}
	}
}
