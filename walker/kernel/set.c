// SPDX-License-Identifier: GPL-2.0-only
/* set.c - a set of guest addresses: open addressing, grown at three quarters. */
#include <stdlib.h>

#include "walker/kernel/kernel_impl.h"

static gva_t *slot_of(gva_t *slots, size_t mask, gva_t va)
{
	/* Objects are aligned, so the low bits say little: multiply them up. */
	size_t i = (size_t)(va * 0x9e3779b97f4a7c15ull >> 20) & mask;

	while (slots[i] && slots[i] != va)
		i = (i + 1) & mask;
	return &slots[i];
}

static bool set_grow(struct gva_set *set)
{
	size_t room = set->slots ? (set->mask + 1) * 2 : 256;
	gva_t *slots = calloc(room, sizeof(*slots));

	if (!slots)
		return false;
	for (size_t i = 0; set->slots && i <= set->mask; i++)
		if (set->slots[i])
			*slot_of(slots, room - 1, set->slots[i]) = set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->mask = room - 1;
	return true;
}

bool gva_set_add(struct gva_set *set, gva_t va, bool *fresh)
{
	gva_t *slot;

	*fresh = false;
	if (!va)
		return true;
	if ((!set->slots || set->used >= (set->mask + 1) / 4 * 3) && !set_grow(set))
		return false;
	slot = slot_of(set->slots, set->mask, va);
	if (!*slot) {
		*slot = va;
		set->used++;
		*fresh = true;
	}
	return true;
}

void gva_set_free(struct gva_set *set)
{
	free(set->slots);
	*set = (struct gva_set){ 0 };
}
