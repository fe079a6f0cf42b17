// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "walker/table/visited.h"

/* The level goes where a table's address has zeros; no member looks like EMPTY. */
#define EMPTY UINT64_MAX
#define SLOTS_MIN 64

_Static_assert(PT_LEVELS_MAX < 7, "a level fits beside an address, and is not EMPTY's");

static uint64_t key_of(gpa_t gpa, unsigned level)
{
	return (gpa & ~7ull) | level;
}

/*
 * Where to look first. The guest chooses the keys, so where this set's memory
 * lies goes in: it cannot prepare frames that all fall on one slot.
 */
static size_t slot_of(const struct pt_visited *v, uint64_t key)
{
	uint64_t h = key ^ (uint64_t)(uintptr_t)v->slots;

	h = (h ^ h >> 33) * 0xff51afd7ed558ccdull;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ull;
	return (size_t)(h ^ h >> 33) & (v->slot_count - 1);
}

/* The slot that holds key, or the empty one where it belongs. */
static uint64_t *find(const struct pt_visited *v, uint64_t key)
{
	size_t i = slot_of(v, key);

	while (v->slots[i] != EMPTY && v->slots[i] != key)
		i = (i + 1) & (v->slot_count - 1);
	return &v->slots[i];
}

static bool grow(struct pt_visited *v)
{
	struct pt_visited bigger = *v;

	bigger.slot_count = v->slot_count ? 2 * v->slot_count : SLOTS_MIN;
	if (bigger.slot_count > SIZE_MAX / sizeof(*v->slots))
		return false;
	bigger.slots = malloc(bigger.slot_count * sizeof(*v->slots));
	if (!bigger.slots)
		return false;
	memset(bigger.slots, 0xff, bigger.slot_count * sizeof(*v->slots));
	for (size_t i = 0; i < v->slot_count; i++)
		if (v->slots[i] != EMPTY)
			*find(&bigger, v->slots[i]) = v->slots[i];
	free(v->slots);
	*v = bigger;
	return true;
}

enum pt_visit pt_visited_add(struct pt_visited *v, gpa_t gpa, unsigned level)
{
	uint64_t key = key_of(gpa, level);

	if (pt_visited_has(v, gpa, level))
		return PT_VISIT_AGAIN;
	if (v->limit && v->count >= v->limit)
		return PT_VISIT_FULL;
	/* At most half full: a search ends soon, and at all. */
	if (2 * (v->count + 1) > v->slot_count && !grow(v))
		return PT_VISIT_NO_MEMORY;
	*find(v, key) = key;
	v->count++;
	return PT_VISIT_NEW;
}

bool pt_visited_has(const struct pt_visited *v, gpa_t gpa, unsigned level)
{
	return v->count && *find(v, key_of(gpa, level)) != EMPTY;
}

void pt_visited_clear(struct pt_visited *v)
{
	if (v->count)
		memset(v->slots, 0xff, v->slot_count * sizeof(*v->slots));
	v->count = 0;
}

void pt_visited_free(struct pt_visited *v)
{
	free(v->slots);
	*v = (struct pt_visited) { 0 };
}
