// SPDX-License-Identifier: GPL-2.0-only
/*
 * owners.c - who owns a row, where that is more than one.
 *
 * Nearly every table has one owner, and a row keeps its number. The second
 * owner turns it into a list; when all links into a level are known, lists
 * become sets, and equal sets are one set, which tables below inherit by number.
 */
#include <stdlib.h>
#include <string.h>

#include "walker/owner/census_impl.h"

/* Bounds on what a hostile guest can make us keep and do. */
#define NODES_MAX (1u << 24)
#define MEMBERS_MAX (1u << 26)
#define WORK_MAX (1ull << 29)

static bool node_push(struct census *c, uint32_t ref, uint32_t *head, struct err *e)
{
	struct owner_sets *o = &c->owners;

	if (o->nodes >= NODES_MAX) {
		census_note(c, "owner lists were cut at %u links", NODES_MAX);
		return true;
	}
	if (!array_grow((void **)&o->node, o->nodes, &o->node_room, sizeof(*o->node), e))
		return false;
	o->node[o->nodes].ref = ref;
	o->node[o->nodes].next = *head;
	*head = o->nodes++;
	return true;
}

bool owners_add(struct census *c, struct row *r, uint32_t ref, struct err *e)
{
	uint32_t head = NO_ROW;

	if (r->owner == OWNER_NONE) {
		r->owner = ref;
		return true;
	}
	if (r->owner == ref) {
		r->twice = 1;
		return true;
	}
	if ((r->owner & ~OWNER_INDEX) == OWNER_LIST) {
		head = r->owner & OWNER_INDEX;
		if (c->owners.node[head].ref == ref)
			return true;
	} else if (!node_push(c, r->owner, &head, e)) {
		return false;
	}
	if (!node_push(c, ref, &head, e))
		return false;
	if (head != NO_ROW)
		r->owner = OWNER_LIST | head;
	return true;
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* Sorts and drops duplicates; returns how many are left. */
static uint32_t sort_unique(uint32_t *list, uint32_t count)
{
	uint32_t kept = 0;

	qsort(list, count, sizeof(*list), by_number);
	for (uint32_t i = 0; i < count; i++) {
		if (!kept || list[kept - 1] != list[i])
			list[kept++] = list[i];
	}
	return kept;
}

static bool scratch_room(struct owner_sets *o, size_t count, struct err *e)
{
	uint32_t *grown;

	if (count <= o->scratch_room)
		return true;
	grown = reallocarray(o->scratch, count * 2, sizeof(*grown));
	if (!grown)
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for owner lists");
	o->scratch = grown;
	o->scratch_room = count * 2;
	return true;
}

static uint32_t set_hash(const uint32_t *list, uint32_t count)
{
	uint64_t hash = count;

	for (uint32_t i = 0; i < count; i++)
		hash = (hash ^ list[i]) * 0x9e3779b97f4a7c15ull, hash ^= hash >> 29;
	return (uint32_t)(hash ^ hash >> 32);
}

static bool sets_rehash(struct owner_sets *o, struct err *e)
{
	uint32_t room = o->hash_room ? o->hash_room * 2 : 256;
	uint32_t *hash = calloc(room, sizeof(*hash));

	if (!hash)
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for owner sets");
	for (uint32_t i = 0; i < o->sets; i++) {
		uint32_t at = set_hash(o->member + o->set[i].first, o->set[i].count) & (room - 1);

		while (hash[at])
			at = (at + 1) & (room - 1);
		hash[at] = i + 1;
	}
	free(o->hash);
	o->hash = hash;
	o->hash_room = room;
	return true;
}

static bool members_room(struct owner_sets *o, uint32_t count, struct err *e)
{
	uint32_t need = o->members + count, room = o->member_room ? o->member_room : 256;
	uint32_t *grown;

	if (need <= o->member_room)
		return true;
	while (room < need)
		room *= 2;
	grown = reallocarray(o->member, room, sizeof(*grown));
	if (!grown)
		return err_set(e, ERR_NO_MEMORY, 0, "out of memory for owner sets");
	o->member = grown;
	o->member_room = room;
	return true;
}

static bool set_intern(struct owner_sets *o, const uint32_t *list, uint32_t count, uint32_t *ref,
		       struct err *e)
{
	uint32_t at;

	if (o->sets * 2ull >= o->hash_room && !sets_rehash(o, e))
		return false;
	at = set_hash(list, count) & (o->hash_room - 1);
	for (; o->hash[at]; at = (at + 1) & (o->hash_room - 1)) {
		uint32_t i = o->hash[at] - 1;

		if (o->set[i].count == count &&
		    !memcmp(o->member + o->set[i].first, list, count * sizeof(*list))) {
			*ref = OWNER_SET | i;
			return true;
		}
	}
	if (!members_room(o, count, e) ||
	    !array_grow((void **)&o->set, o->sets, &o->set_room, sizeof(*o->set), e))
		return false;
	memcpy(o->member + o->members, list, count * sizeof(*list));
	o->set[o->sets].first = o->members;
	o->set[o->sets].count = count;
	o->members += count;
	*ref = OWNER_SET | o->sets++;
	o->hash[at] = o->sets;
	return true;
}

static bool owners_close_row(struct census *c, struct row *r, struct err *e)
{
	struct owner_sets *o = &c->owners;
	uint32_t refs = 0;
	uint64_t count = 0;

	for (uint32_t n = r->owner & OWNER_INDEX; n != NO_ROW; n = o->node[n].next) {
		if (!scratch_room(o, refs + 1ull, e))
			return false;
		o->scratch[refs++] = o->node[n].ref;
	}
	refs = sort_unique(o->scratch, refs);

	/* Sets sort last, so that the expansion can follow the references. */
	for (uint32_t i = 0; i < refs; i++) {
		uint32_t ref = o->scratch[i];

		count += ref & OWNER_SET ? o->set[ref & OWNER_INDEX].count : 1;
	}
	o->work += count;
	if (refs == 1 || o->work > WORK_MAX || count > MEMBERS_MAX - o->members) {
		if (refs > 1)
			census_note(c, "owner lists were cut after %llu members", WORK_MAX);
		r->owner = o->scratch[0];
		return true;
	}
	if (!scratch_room(o, refs + count, e))
		return false;
	count = 0;
	for (uint32_t i = 0; i < refs; i++) {
		uint32_t ref = o->scratch[i], *to = o->scratch + refs + count;

		if (ref & OWNER_SET) {
			uint32_t set = ref & OWNER_INDEX;

			memcpy(to, o->member + o->set[set].first,
			       o->set[set].count * sizeof(*to));
			count += o->set[set].count;
		} else {
			*to = ref;
			count++;
		}
	}
	count = sort_unique(o->scratch + refs, (uint32_t)count);
	return set_intern(o, o->scratch + refs, (uint32_t)count, &r->owner, e);
}

bool owners_close(struct census *c, uint32_t first, uint32_t end, struct err *e)
{
	for (uint32_t i = first; i < end; i++) {
		struct row *r = &c->rows[i];

		if (r->owner != OWNER_NONE && (r->owner & ~OWNER_INDEX) == OWNER_LIST &&
		    !owners_close_row(c, r, e))
			return false;
	}
	return true;
}

const uint32_t *owners_of(const struct census *c, const struct row *r, uint32_t *count)
{
	*count = 0;
	if (r->owner == OWNER_NONE)
		return NULL;
	if (r->owner & OWNER_SET) {
		*count = c->owners.set[r->owner & OWNER_INDEX].count;
		return c->owners.member + c->owners.set[r->owner & OWNER_INDEX].first;
	}
	*count = 1;
	return &r->owner;
}

void owners_free(struct owner_sets *o)
{
	free(o->node);
	free(o->set);
	free(o->member);
	free(o->hash);
	free(o->scratch);
}
