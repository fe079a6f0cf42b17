// SPDX-License-Identifier: GPL-2.0-only
/* profile.c - a profile is symbols and types, each from its own source. */
#include <stdlib.h>

#include "walker/profile/symbols.h"
#include "walker/profile/types.h"

enum { PROFILE_SOURCES = 2 };

struct profile {
	struct symbols *symbols;
	struct types *types;
	const char *sources[PROFILE_SOURCES];
};

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
	p->sources[0] = symbols_from;
	p->sources[1] = types_from;
	return p;
}

void profile_free(struct profile *p)
{
	if (!p)
		return;
	symbols_free(p->symbols);
	types_free(p->types);
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
	*count = PROFILE_SOURCES;
	return p->sources;
}
