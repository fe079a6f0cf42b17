// SPDX-License-Identifier: GPL-2.0-only
/*
 * types.c - types from BTF, parsed by libbpf.
 *
 * libbpf checks the sections' bounds and each type's length; type numbers,
 * names and nesting are checked here. Every descent has a depth and every
 * lookup a budget, so a type that contains itself ends with an error.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>

#include "walker/profile/types.h"

enum { TYPE_DEPTH_MAX = 32, LOOKUP_BUDGET = 1 << 16, POINTER_SIZE = 8,
       PROBES_MAX = 64 /* buckets per type; about two are looked at */ };

struct types {
	struct btf *btf;
	uint32_t *buckets;	/* type numbers by name; 0: free (0 is void) */
	uint32_t bucket_mask;
	uint32_t *enums;	/* type numbers of all enumerations */
	uint32_t enum_count;
};

static uint32_t name_hash(const char *name, size_t length)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)name[i]) * 16777619u;
	return hash;
}

/* Never NULL: a name that is not in the string section is no name. */
static const char *type_name(const struct types *t, uint32_t offset)
{
	const char *name = btf__name_by_offset(t->btf, offset);

	return name ? name : "";
}

static bool is_enum(const struct btf_type *type)
{
	return btf_kind(type) == BTF_KIND_ENUM || btf_kind(type) == BTF_KIND_ENUM64;
}

static bool is_composite(const struct btf_type *type)
{
	return btf_kind(type) == BTF_KIND_STRUCT || btf_kind(type) == BTF_KIND_UNION;
}

/*
 * The bucket of a name among the kinds that people ask for: struct, union and
 * enum tags first come first served, typedef names only where no tag has them.
 * Adds to *probes how many it looked at.
 */
static uint32_t *bucket_of(const struct types *t, const char *name, size_t length,
			   uint64_t *probes)
{
	uint32_t i = name_hash(name, length) & t->bucket_mask;

	for (; t->buckets[i]; i = (i + 1) & t->bucket_mask, ++*probes) {
		const struct btf_type *type = btf__type_by_id(t->btf, t->buckets[i]);
		const char *known = type_name(t, type->name_off);

		if (strlen(known) == length && memcmp(known, name, length) == 0)
			break;
	}
	return &t->buckets[i];
}

static void index_type(struct types *t, uint32_t id, uint64_t *probes)
{
	const struct btf_type *type = btf__type_by_id(t->btf, id);
	const struct btf_type *known;
	const char *name;
	uint32_t *bucket;

	if (is_enum(type))
		t->enums[t->enum_count++] = id;
	if (!is_composite(type) && !is_enum(type) && btf_kind(type) != BTF_KIND_TYPEDEF)
		return;
	name = type_name(t, type->name_off);
	if (!*name)
		return;
	bucket = bucket_of(t, name, strlen(name), probes);
	known = *bucket ? btf__type_by_id(t->btf, *bucket) : NULL;
	if (!known || (btf_kind(known) == BTF_KIND_TYPEDEF && btf_kind(type) != BTF_KIND_TYPEDEF))
		*bucket = id;
}

static bool index_types(struct types *t, struct err *err)
{
	uint32_t count = btf__type_cnt(t->btf);
	uint32_t buckets = 16;
	uint64_t probes = 0;

	while (buckets < 2 * (uint64_t)count && buckets < 1u << 31)
		buckets *= 2;
	t->buckets = calloc(buckets, sizeof(*t->buckets));
	t->enums = calloc((size_t)count + 1, sizeof(*t->enums));
	if (!t->buckets || !t->enums)
		return err_set(err, ERR_NO_MEMORY, 0, "out of memory for types");
	t->bucket_mask = buckets - 1;
	for (uint32_t id = 1; id < count; id++) {
		index_type(t, id, &probes);
		if (probes > PROBES_MAX * (uint64_t)count)
			return err_set(err, ERR_MALFORMED, 0, "the kernel's .BTF is malformed: "
				       "type names were made to collide");
	}
	return true;
}

struct types *types_from_btf(const void *bytes, size_t size, struct err *err)
{
	struct types *t;
	uint16_t magic = 0;

	if (size >= sizeof(magic))
		memcpy(&magic, bytes, sizeof(magic));
	if (magic != BTF_MAGIC || size > UINT32_MAX) {
		err_set(err, ERR_MALFORMED, 0, "the kernel's .BTF is malformed: bad header");
		return NULL;
	}
	t = calloc(1, sizeof(*t));
	if (!t) {
		err_set(err, ERR_NO_MEMORY, 0, "out of memory");
		return NULL;
	}
	/* It would print what it dislikes; a library does not print. */
	libbpf_set_print(NULL);
	t->btf = btf__new(bytes, (uint32_t)size);
	if (!t->btf) {
		err_set(err, ERR_MALFORMED, 0, "the kernel's .BTF is malformed");
		types_free(t);
		return NULL;
	}
	if (!index_types(t, err)) {
		types_free(t);
		return NULL;
	}
	return t;
}

void types_free(struct types *t)
{
	if (!t)
		return;
	btf__free(t->btf);
	free(t->buckets);
	free(t->enums);
	free(t);
}

/* Looks through typedefs and qualifiers; NULL: nowhere, or round in a circle. */
static const struct btf_type *type_resolve(const struct types *t, uint32_t id)
{
	for (unsigned depth = 0; depth < TYPE_DEPTH_MAX; depth++) {
		const struct btf_type *type = btf__type_by_id(t->btf, id);

		if (!type)
			return NULL;
		switch (btf_kind(type)) {
		case BTF_KIND_TYPEDEF:
		case BTF_KIND_CONST:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_RESTRICT:
		case BTF_KIND_TYPE_TAG:
			id = type->type;
			break;
		default:
			return type;
		}
	}
	return NULL;
}

static bool type_size(const struct types *t, uint32_t id, uint32_t *size)
{
	uint64_t elements = 1;

	for (unsigned depth = 0; depth < TYPE_DEPTH_MAX; depth++) {
		const struct btf_type *type = type_resolve(t, id);
		uint64_t total;

		if (!type)
			return false;
		switch (btf_kind(type)) {
		case BTF_KIND_INT:
		case BTF_KIND_FLOAT:
		case BTF_KIND_STRUCT:
		case BTF_KIND_UNION:
		case BTF_KIND_ENUM:
		case BTF_KIND_ENUM64:
			total = elements * type->size;
			break;
		case BTF_KIND_PTR:
			total = elements * POINTER_SIZE;
			break;
		case BTF_KIND_ARRAY:
			elements *= btf_array(type)->nelems;
			if (elements > UINT32_MAX)
				return false;
			id = btf_array(type)->type;
			continue;
		default:
			return false;
		}
		if (total > UINT32_MAX)
			return false;
		*size = (uint32_t)total;
		return true;
	}
	return false;
}

static const struct btf_type *find_type(const struct types *t, const char *name,
					struct err *err)
{
	uint64_t probes = 0;
	uint32_t id = *bucket_of(t, name, strlen(name), &probes);
	const struct btf_type *type = id ? type_resolve(t, id) : NULL;

	if (!type)
		err_set(err, ERR_MISSING, 0, "the kernel's BTF has no type %s", name);
	return type;
}

/* One search for one name; the path of anonymous members that led to it is added up. */
struct lookup {
	const struct types *types;
	const char *name;
	size_t length;
	unsigned budget;
	uint64_t bits;		/* from the start of the outermost struct */
	uint32_t type;		/* of what was found */
	uint8_t bit_size;
};

static bool name_is(const struct lookup *l, const char *name)
{
	return strlen(name) == l->length && memcmp(name, l->name, l->length) == 0;
}

static bool lookup_in(struct lookup *l, const struct btf_type *type, uint64_t bits,
		      unsigned depth)
{
	const struct btf_member *members = btf_members(type);

	for (unsigned i = 0; i < btf_vlen(type); i++) {
		const char *name = type_name(l->types, members[i].name_off);
		uint64_t at = bits + btf_member_bit_offset(type, i);
		const struct btf_type *below;

		if (!l->budget)
			return false;
		l->budget--;
		if (*name) {
			if (!name_is(l, name))
				continue;
			l->bits = at;
			l->type = members[i].type;
			l->bit_size = (uint8_t)btf_member_bitfield_size(type, i);
			return true;
		}
		if (depth + 1 >= TYPE_DEPTH_MAX)
			continue;
		below = type_resolve(l->types, members[i].type);
		if (below && is_composite(below) && lookup_in(l, below, at, depth + 1))
			return true;
	}
	return false;
}

/* Turns a found bit position into storage that can be read with one load. */
static bool place(const struct lookup *l, uint32_t outer, struct member *out)
{
	const struct btf_type *type = type_resolve(l->types, l->type);
	uint32_t size;
	uint64_t offset = l->bits / 8;

	if (!type || !type_size(l->types, l->type, &size))
		return false;
	*out = (struct member){ .size = size };
	if (l->bit_size) {
		if (!size || size > 8)
			return false;
		offset -= offset % size;
		/* A packed field that crosses its type's alignment starts at its byte. */
		if (l->bits - offset * 8 + l->bit_size > size * 8)
			offset = l->bits / 8;
		if (l->bits - offset * 8 + l->bit_size > size * 8)
			return false;
		out->bit_offset = (uint8_t)(l->bits - offset * 8);
		out->bit_size = l->bit_size;
	} else if (l->bits % 8) {
		return false;
	}
	if (offset > outer || size > outer - offset)
		return false;
	out->offset = (uint32_t)offset;
	out->pointer = btf_kind(type) == BTF_KIND_PTR;
	return true;
}

bool types_member(const struct types *t, const char *type_wanted, const char *path,
		  struct member *out, struct err *err)
{
	const struct btf_type *type = find_type(t, type_wanted, err);
	const struct btf_type *outer = type;
	struct lookup l = { .types = t, .budget = LOOKUP_BUDGET };

	if (!type)
		return false;
	for (const char *name = path;; name += l.length + 1) {
		l.name = name;
		l.length = strcspn(name, ".");
		if (!type || !is_composite(type) || !lookup_in(&l, type, l.bits, 0))
			return err_set(err, ERR_MISSING, 0, "type %s has no member %s",
				       type_wanted, path);
		if (!name[l.length])
			break;
		type = type_resolve(t, l.type);
	}
	if (!place(&l, outer->size, out))
		return err_set(err, ERR_MALFORMED, 0,
			       "the kernel's BTF is malformed: %s lies outside type %s",
			       path, type_wanted);
	return true;
}

bool types_sizeof(const struct types *t, const char *name, uint32_t *size, struct err *err)
{
	uint64_t probes = 0;
	uint32_t id = *bucket_of(t, name, strlen(name), &probes);

	if (!find_type(t, name, err))
		return false;
	if (!type_size(t, id, size))
		return err_set(err, ERR_MALFORMED, 0,
			       "the kernel's BTF is malformed: type %s has no size", name);
	return true;
}

/* Name and value of one enumerator; i is below the type's vlen. */
static const char *enumerator_get(const struct types *t, const struct btf_type *type, unsigned i,
				  int64_t *value)
{
	if (btf_kind(type) == BTF_KIND_ENUM) {
		const struct btf_enum *e = &btf_enum(type)[i];

		/* kflag: the enumeration is signed; without it values are u32. */
		*value = btf_kflag(type) ? e->val : (int64_t)(uint32_t)e->val;
		return type_name(t, e->name_off);
	}
	*value = (int64_t)btf_enum64_value(&btf_enum64(type)[i]);
	return type_name(t, btf_enum64(type)[i].name_off);
}

static bool enumerator_in(const struct types *t, const struct btf_type *type, const char *name,
			  int64_t *value)
{
	for (unsigned i = 0; i < btf_vlen(type); i++) {
		int64_t found;

		if (strcmp(enumerator_get(t, type, i, &found), name) != 0)
			continue;
		*value = found;
		return true;
	}
	return false;
}

const char *types_enumerator_at(const struct types *t, const char *enumeration, unsigned index,
				int64_t *value)
{
	const struct btf_type *type = find_type(t, enumeration, NULL);

	if (!type || !is_enum(type) || index >= btf_vlen(type))
		return NULL;
	return enumerator_get(t, type, index, value);
}

bool types_enumerator(const struct types *t, const char *enumeration, const char *name,
		      int64_t *value, struct err *err)
{
	if (enumeration) {
		const struct btf_type *type = find_type(t, enumeration, err);

		if (!type)
			return false;
		if (is_enum(type) && enumerator_in(t, type, name, value))
			return true;
		return err_set(err, ERR_MISSING, 0, "type %s has no enumerator %s", enumeration,
			       name);
	}
	for (uint32_t i = 0; i < t->enum_count; i++)
		if (enumerator_in(t, btf__type_by_id(t->btf, t->enums[i]), name, value))
			return true;
	return err_set(err, ERR_MISSING, 0, "the kernel's BTF has no enumerator %s", name);
}
