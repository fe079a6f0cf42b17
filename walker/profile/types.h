/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * types.h - a kernel's types, from BTF.
 *
 * The other part of a profile. The bytes may come from an ELF section or from
 * guest memory and are not trusted: type graphs may have cycles, members may
 * lie outside their struct, names may be anything.
 */
#ifndef PTMM_TYPES_H
#define PTMM_TYPES_H

#include "walker/profile/profile.h"

/* The bytes are copied. */
struct types *types_from_btf(const void *bytes, size_t size, struct err *);
void types_free(struct types *);

bool types_member(const struct types *, const char *type, const char *path, struct member *,
		  struct err *);
bool types_sizeof(const struct types *, const char *type, uint32_t *size, struct err *);
/* enumeration NULL: any enumeration, the first that has the name. */
bool types_enumerator(const struct types *, const char *enumeration, const char *name,
		      int64_t *value, struct err *);
const char *types_enumerator_at(const struct types *, const char *enumeration, unsigned index,
				int64_t *value);

#endif
