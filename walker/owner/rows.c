// SPDX-License-Identifier: GPL-2.0-only
/* rows.c - the rows of a census and the map from frames to them. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "walker/owner/census_impl.h"

bool array_grow(void **array, uint32_t count, uint32_t *room, size_t bytes, struct err *e)
{
	uint32_t more = *room ? *room * 2 : 256;
	void *grown;

	if (count < *room)
		return true;
	if (*room > UINT32_MAX / 2)
		return err_set(e, ERR_NO_MEMORY, 0, "more than %" PRIu32 " objects", *room);
	grown = reallocarray(*array, more, bytes);
	if (!grown)
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for the census");
	*array = grown;
	*room = more;
	return true;
}

void census_note(struct census *c, const char *fmt, ...)
{
	va_list args;

	/* The first reason is the one that explains the others. */
	if (c->incomplete[0])
		return;
	va_start(args, fmt);
	vsnprintf(c->incomplete, sizeof(c->incomplete), fmt, args);
	va_end(args);
}

bool frame_map_init(struct frame_map *map, const struct machine *m, struct err *e)
{
	map->machine = m;
	map->base = calloc(m->region_count + 1, sizeof(*map->base));
	if (!map->base)
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for the frame map");
	for (size_t i = 0; i < m->region_count; i++) {
		const struct mem_region *r = &m->regions[i];

		map->base[i] = map->frames;
		map->frames += gpa_to_pfn(r->last) - gpa_to_pfn(r->first) + 1;
	}
	/* Proportional to the RAM that the machine has, not to what the guest says. */
	map->row = calloc(map->frames + 1, sizeof(*map->row));
	if (!map->row)
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for the map of %" PRIu64
			       " frames", map->frames);
	return true;
}

void frame_map_free(struct frame_map *map)
{
	free(map->base);
	free(map->row);
}

int64_t frame_number(const struct frame_map *map, pfn_t pfn)
{
	const struct mem_region *regions = map->machine->regions;
	size_t low = 0, high = map->machine->region_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (pfn < gpa_to_pfn(regions[middle].first))
			high = middle;
		else if (pfn > gpa_to_pfn(regions[middle].last))
			low = middle + 1;
		else
			return (int64_t)(map->base[middle] + pfn -
					 gpa_to_pfn(regions[middle].first));
	}
	return -1;
}

uint32_t row_of_frame(const struct census *c, pfn_t pfn)
{
	int64_t frame = frame_number(&c->map, pfn);

	return frame < 0 ? NO_ROW : c->map.row[frame] - 1;
}

bool row_new(struct census *c, pfn_t pfn, int64_t frame, unsigned level, uint32_t *row,
	     struct err *e)
{
	if (!array_grow((void **)&c->rows, c->count, &c->room, sizeof(*c->rows), e))
		return false;
	c->rows[c->count] = (struct row){
		.pfn = pfn & ((1ull << ROW_PFN_BITS) - 1),
		.level = level & 7,
		.readable = 1,
		.parent = NO_ROW,
		.owner = OWNER_NONE,
		.facts = NO_FACTS,
	};
	*row = c->count++;
	c->map.row[frame] = c->count;
	return true;
}

void row_set_entries(struct row *r, const struct pt_scan *scan, unsigned level)
{
	r->tables = scan->count[PT_TABLE] & 0xfffu;
	r->mapped = scan->count[level ? PT_HUGE : PT_LEAF] & 0xfffu;
	r->protnone = scan->count[PT_PROTNONE] & 0xfffu;
	r->swap = scan->count[PT_SWAP] & 0xfffu;
	r->bad = scan->count[PT_BAD] & 0xfffu;
}

/*
 * By (level descending, pfn). The frame map already has the order of frames, so
 * one pass over it deals the rows out to their levels.
 */
bool rows_sort(struct census *c, struct err *e)
{
	uint32_t next[PT_LEVELS_MAX] = { 0 }, first = 0;
	struct row *sorted = calloc(c->count + 1ull, sizeof(*sorted));
	uint32_t *moved = calloc(c->count + 1ull, sizeof(*moved));

	if (!sorted || !moved) {
		free(sorted);
		free(moved);
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for sorting the census");
	}
	for (uint32_t i = 0; i < c->count; i++)
		next[c->rows[i].level]++;
	for (unsigned level = PT_LEVELS_MAX; level-- > 0;) {
		uint32_t n = next[level];

		next[level] = first;
		first += n;
	}
	for (uint64_t frame = 0; frame < c->map.frames; frame++) {
		uint32_t old = c->map.row[frame];

		if (!old)
			continue;
		moved[old - 1] = next[c->rows[old - 1].level]++;
		sorted[moved[old - 1]] = c->rows[old - 1];
		c->map.row[frame] = moved[old - 1] + 1;
	}
	for (uint32_t i = 0; i < c->count; i++)
		if (sorted[i].parent != NO_ROW)
			sorted[i].parent = moved[sorted[i].parent];
	free(c->rows);
	free(moved);
	c->rows = sorted;
	c->room = c->count + 1;
	return true;
}

gva_t row_va(const struct census *c, const struct row *r)
{
	gva_t va = 0;

	/* Levels rise on the way up, so this ends. */
	while (r->parent != NO_ROW) {
		const struct row *parent = &c->rows[r->parent];

		va += (gva_t)r->slot << c->format->level[parent->level].shift;
		r = parent;
	}
	return pt_make_canonical(c->format, va);
}
