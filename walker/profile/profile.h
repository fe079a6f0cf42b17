/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * profile.h - a guest kernel's symbols and types.
 *
 * Made from the kernel's ELF image (symbol table and .BTF); later also from the
 * guest's memory. All bytes come from outside and are checked.
 */
#ifndef PTMM_PROFILE_H
#define PTMM_PROFILE_H

#include "arch/arch.h"
#include "walker/err.h"

struct profile;

/* Where a member lies in its struct, anonymous structs and unions looked through. */
struct member {
	uint32_t offset;	/* bytes */
	uint32_t size;		/* bytes; of a bit-field: of its storage */
	uint8_t bit_offset;	/* of a bit-field, else 0 */
	uint8_t bit_size;	/* of a bit-field, else 0 */
	bool pointer;		/* what is stored there is an address */
};

/* From the bytes of an ELF64 x86-64 kernel image; the bytes may go afterwards. */
struct profile *profile_from_elf(const void *bytes, size_t size, const char *name, struct err *);
void profile_free(struct profile *);

/*
 * A profile is put together from a source of symbols and a source of types;
 * see symbols.h and types.h. Takes both over, also where it fails. Source names are
 * static strings.
 */
struct symbols;
struct types;
struct profile *profile_from_parts(struct symbols *, const char *symbols_from, struct types *,
				   const char *types_from, struct err *);

/* ERR_MISSING names the symbol or type that is not there. */
bool profile_symbol(const struct profile *, const char *name, gva_t *address, struct err *);
bool profile_has_symbol(const struct profile *, const char *name);
/* The symbol that covers an address, for text; NULL if none. */
const char *profile_symbol_at(const struct profile *, gva_t, uint64_t *offset);
/* "page", "pt_mm"; dotted paths reach into named members ("mm_count.counter"). */
bool profile_member(const struct profile *, const char *type, const char *member,
		    struct member *, struct err *);
bool profile_has_member(const struct profile *, const char *type, const char *member);
bool profile_sizeof(const struct profile *, const char *type, uint32_t *size, struct err *);
/* Value of an enumerator ("pageflags", "PG_reserved"). */
bool profile_enumerator(const struct profile *, const char *enumeration, const char *name,
			int64_t *value, struct err *);
/* The enumerators in their order, for printing flags; NULL after the last. */
const char *profile_enumerator_at(const struct profile *, const char *enumeration,
				  unsigned index, int64_t *value);
/* Static array of what was taken from where ("elf:symtab", "elf:.BTF"). */
const char *const *profile_sources(const struct profile *, size_t *count);

#endif
