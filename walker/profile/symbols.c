// SPDX-License-Identifier: GPL-2.0-only
/* symbols.c - see symbols.h. Names are found by a hash table over one string pool. */
#include <stdlib.h>
#include <string.h>

#include "walker/profile/symbols.h"

/* A name further than this below an address says nothing about it. */
#define SYMBOL_REACH (1ull << 20)
#define NO_SYMBOL UINT32_MAX
/* Buckets looked at per symbol; about two are. More were made to collide. */
#define PROBES_MAX 64

struct symbol {
	gva_t at;
	uint64_t size;
	uint32_t name;		/* offset into the pool */
	enum symbol_binding binding;
	bool ambiguous;
};

/* The hash beside the index spares most looks at the name. */
struct bucket {
	uint32_t index;		/* into list; NO_SYMBOL: free */
	uint32_t hash;
};

struct symbols {
	struct symbol *list;
	size_t count, room;
	char *pool;
	size_t pool_used, pool_room;
	struct bucket *buckets;	/* open addressing */
	size_t bucket_mask;
};

struct symbols *symbols_new(struct err *err)
{
	struct symbols *s = calloc(1, sizeof(*s));

	if (!s)
		err_set(err, ERR_NO_MEMORY, 0, "out of memory");
	return s;
}

void symbols_free(struct symbols *s)
{
	if (!s)
		return;
	free(s->list);
	free(s->pool);
	free(s->buckets);
	free(s);
}

/* Makes room for `more` elements beyond `used`. */
static bool grow(void **array, size_t *room, size_t used, size_t more, size_t element)
{
	size_t wanted = *room ? *room : 256;
	void *grown;

	if (used + more <= *room)
		return true;
	while (wanted < used + more)
		wanted *= 2;
	grown = realloc(*array, wanted * element);
	if (!grown)
		return false;
	*array = grown;
	*room = wanted;
	return true;
}

bool symbols_add(struct symbols *s, const char *name, size_t length, gva_t at, uint64_t size,
		 enum symbol_binding binding, struct err *err)
{
	struct symbol *symbol;

	if (!length)
		return true;
	/* Offsets and indices are 32 bits wide. */
	if (s->pool_used + length + 1 > UINT32_MAX || s->count >= NO_SYMBOL / 2)
		return err_set(err, ERR_MALFORMED, 0, "too many symbols");
	if (!grow((void **)&s->list, &s->room, s->count, 1, sizeof(*s->list)) ||
	    !grow((void **)&s->pool, &s->pool_room, s->pool_used, length + 1, 1))
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory for symbols");

	symbol = &s->list[s->count++];
	*symbol = (struct symbol){
		.at = at, .size = size, .name = (uint32_t)s->pool_used, .binding = binding,
	};
	memcpy(s->pool + s->pool_used, name, length);
	s->pool[s->pool_used + length] = '\0';
	s->pool_used += length + 1;
	return true;
}

/* FNV-1a: short names, no attacker gains from collisions but a slow start. */
static uint32_t name_hash(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash;
}

static const char *symbol_name(const struct symbols *s, const struct symbol *symbol)
{
	return s->pool + symbol->name;
}

/*
 * The bucket that holds the name, or the free one where it belongs. Adds to
 * *probes how many it looked at.
 */
static struct bucket *bucket_of(const struct symbols *s, const char *name, uint32_t hash,
				uint64_t *probes)
{
	size_t i = hash & s->bucket_mask;

	while (s->buckets[i].index != NO_SYMBOL &&
	       (s->buckets[i].hash != hash ||
		strcmp(symbol_name(s, &s->list[s->buckets[i].index]), name) != 0)) {
		i = (i + 1) & s->bucket_mask;
		++*probes;
	}
	return &s->buckets[i];
}

bool symbols_seal(struct symbols *s, struct err *err)
{
	size_t buckets = 16;
	uint64_t probes = 0;

	while (buckets < 2 * s->count)
		buckets *= 2;
	s->buckets = malloc(buckets * sizeof(*s->buckets));
	if (!s->buckets)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory for symbols");
	memset(s->buckets, 0xff, buckets * sizeof(*s->buckets));
	s->bucket_mask = buckets - 1;

	for (size_t i = 0; i < s->count; i++) {
		struct symbol *symbol = &s->list[i];
		uint32_t hash = name_hash(symbol_name(s, symbol));
		struct bucket *bucket = bucket_of(s, symbol_name(s, symbol), hash, &probes);
		struct symbol *known = bucket->index == NO_SYMBOL ? NULL :
				       &s->list[bucket->index];

		if (!known || symbol->binding > known->binding)
			*bucket = (struct bucket){ .index = (uint32_t)i, .hash = hash };
		else if (symbol->binding == known->binding && symbol->at != known->at)
			known->ambiguous = true;
		if (probes > PROBES_MAX * (uint64_t)s->count)
			return err_set(err, ERR_MALFORMED, 0,
				       "the kernel's symbol names were made to collide");
	}
	return true;
}

void symbols_move(struct symbols *s, gva_t first, uint64_t by)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].at >= first)
			s->list[i].at += by;
}

size_t symbols_count(const struct symbols *s)
{
	return s->count;
}

bool symbols_find(const struct symbols *s, const char *name, gva_t *at, struct err *err)
{
	uint64_t probes = 0;
	uint32_t index = bucket_of(s, name, name_hash(name), &probes)->index;

	if (index == NO_SYMBOL)
		return err_set(err, ERR_MISSING, 0, "the kernel has no symbol %s", name);
	if (s->list[index].ambiguous)
		return err_set(err, ERR_MISSING, 0,
			       "the kernel has several symbols %s: which one is meant?", name);
	*at = s->list[index].at;
	return true;
}

/*
 * Only messages ask for this, so it goes through all symbols instead of keeping
 * a second order of them.
 */
const char *symbols_at(const struct symbols *s, gva_t va, uint64_t *offset)
{
	const struct symbol *best = NULL;

	for (size_t i = 0; i < s->count; i++) {
		const struct symbol *symbol = &s->list[i];

		if (symbol->at > va || va - symbol->at >= SYMBOL_REACH)
			continue;
		if (symbol->size && va - symbol->at >= symbol->size)
			continue;
		if (!best || symbol->at > best->at ||
		    (symbol->at == best->at && symbol->binding > best->binding))
			best = symbol;
	}
	if (!best)
		return NULL;
	if (offset)
		*offset = va - best->at;
	return symbol_name(s, best);
}
