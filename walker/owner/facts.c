// SPDX-License-Identifier: GPL-2.0-only
/*
 * facts.c - a dictionary of what struct pages say.
 *
 * Most tables of one mm have equal facts, so a row keeps a number instead.
 */
#include <stdlib.h>
#include <string.h>

#include "walker/owner/census_impl.h"

/* Without padding that could differ between equal facts. */
static void facts_clean(struct page_facts *to, const struct page_facts *from)
{
	memset(to, 0, sizeof(*to));
	to->flags = from->flags;
	to->page_type = from->page_type;
	to->type = from->type;
	to->refcount = from->refcount;
	to->mapcount = from->mapcount;
	to->recorded = from->recorded;
	to->deposit = from->deposit;
	to->ptl = from->ptl;
	to->share_count = from->share_count;
	to->reserved = from->reserved;
	to->hwpoison = from->hwpoison;
}

static uint32_t facts_hash(const struct page_facts *f)
{
	uint64_t word[sizeof(*f) / 8], hash = 0x9e3779b97f4a7c15ull;

	_Static_assert(sizeof(*f) % 8 == 0, "facts are whole words");
	memcpy(word, f, sizeof(word));
	for (size_t i = 0; i < sizeof(*f) / 8; i++)
		hash = (hash ^ word[i]) * 0xff51afd7ed558ccdull, hash ^= hash >> 32;
	return (uint32_t)hash;
}

static bool facts_rehash(struct facts *d, struct err *e)
{
	uint32_t room = d->hash_room ? d->hash_room * 2 : 1024;
	uint32_t *hash = calloc(room, sizeof(*hash));

	if (!hash)
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for page facts");
	for (uint32_t i = 0; i < d->count; i++) {
		uint32_t at = facts_hash(&d->list[i]) & (room - 1);

		while (hash[at])
			at = (at + 1) & (room - 1);
		hash[at] = i + 1;
	}
	free(d->hash);
	d->hash = hash;
	d->hash_room = room;
	return true;
}

bool facts_intern(struct facts *d, const struct page_facts *facts, uint32_t *index,
		  struct err *e)
{
	struct page_facts clean;
	uint32_t at;

	if ((uint64_t)d->count * 2 >= d->hash_room && !facts_rehash(d, e))
		return false;
	facts_clean(&clean, facts);
	at = facts_hash(&clean) & (d->hash_room - 1);
	for (; d->hash[at]; at = (at + 1) & (d->hash_room - 1)) {
		if (!memcmp(&d->list[d->hash[at] - 1], &clean, sizeof(clean))) {
			*index = d->hash[at] - 1;
			return true;
		}
	}
	if (!array_grow((void **)&d->list, d->count, &d->room, sizeof(*d->list), e))
		return false;
	memcpy(&d->list[d->count], &clean, sizeof(clean));
	*index = d->count++;
	d->hash[at] = d->count;
	return true;
}

void facts_free(struct facts *d)
{
	free(d->list);
	free(d->hash);
}

const struct page_facts *row_facts(const struct census *c, const struct row *r)
{
	return r->facts == NO_FACTS ? NULL : &c->facts.list[r->facts];
}
