// SPDX-License-Identifier: GPL-2.0-only
/* profile.c - a profile is symbols and types, each from its own source. */
#include <stdlib.h>
#include <string.h>

#include "walker/profile/profile_impl.h"

enum { PROFILE_SOURCES_MAX = 4 };

struct profile {
	struct symbols *symbols;
	struct types *types;
	struct profile_place place;
	const char *sources[PROFILE_SOURCES_MAX];
	size_t source_count;
};

bool profile_add_source(struct profile *p, const char *source, struct err *err)
{
	char *copy;

	if (p->source_count == PROFILE_SOURCES_MAX)
		return true;
	copy = strdup(source);
	if (!copy)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory");
	p->sources[p->source_count++] = copy;
	return true;
}

struct profile *profile_from_parts(struct symbols *symbols, const char *symbols_from,
				   struct types *types, const char *types_from, struct err *err)
{
	struct profile *p = calloc(1, sizeof(*p));

	if (!p) {
		err_set(err, ERR_NO_MEMORY, 0, "out of memory");
		symbols_free(symbols);
		types_free(types);
		return NULL;
	}
	p->symbols = symbols;
	p->types = types;
	if (!profile_add_source(p, symbols_from, err) ||
	    !profile_add_source(p, types_from, err)) {
		profile_free(p);
		return NULL;
	}
	return p;
}

void profile_set_place(struct profile *p, const struct profile_place *place)
{
	p->place = *place;
}

bool profile_phys_base(const struct profile *p, uint64_t *phys_base)
{
	*phys_base = p->place.phys_base;
	return p->place.known;
}

bool profile_kaslr_offset(const struct profile *p, uint64_t *offset)
{
	*offset = p->place.kaslr_offset;
	return p->place.known && p->place.kaslr_known;
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	symbols_free(p->symbols);
	types_free(p->types);
	for (size_t i = 0; i < p->source_count; i++)
		free((char *)(uintptr_t)p->sources[i]);
	free(p);
}

bool profile_symbol(const struct profile *p, const char *name, gva_t *address, struct err *err)
{
	return symbols_find(p->symbols, name, address, err);
}

bool profile_has_symbol(const struct profile *p, const char *name)
{
	gva_t ignored;

	return symbols_find(p->symbols, name, &ignored, NULL);
}

const char *profile_symbol_at(const struct profile *p, gva_t va, uint64_t *offset)
{
	return symbols_at(p->symbols, va, offset);
}

bool profile_member(const struct profile *p, const char *type, const char *member,
		    struct member *out, struct err *err)
{
	return types_member(p->types, type, member, out, err);
}

bool profile_has_member(const struct profile *p, const char *type, const char *member)
{
	struct member ignored;

	return types_member(p->types, type, member, &ignored, NULL);
}

bool profile_sizeof(const struct profile *p, const char *type, uint32_t *size, struct err *err)
{
	return types_sizeof(p->types, type, size, err);
}

bool profile_enumerator(const struct profile *p, const char *enumeration, const char *name,
			int64_t *value, struct err *err)
{
	return types_enumerator(p->types, enumeration, name, value, err);
}

const char *profile_enumerator_at(const struct profile *p, const char *enumeration,
				  unsigned index, int64_t *value)
{
	return types_enumerator_at(p->types, enumeration, index, value);
}

const char *const *profile_sources(const struct profile *p, size_t *count)
{
	*count = p->source_count;
	return p->sources;
}
