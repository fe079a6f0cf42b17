/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * profile.h - a guest kernel's symbols and types.
 *
 * Made from the kernel's ELF image (symbol table and .BTF), or from the guest's
 * memory alone: VMCOREINFO, kallsyms and BTF that the kernel carries. All bytes
 * come from outside and are checked.
 */
#ifndef PTMM_PROFILE_H
#define PTMM_PROFILE_H

#include "arch/arch.h"
#include "walker/err.h"

struct machine;
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
 * What the user gives where a guest's memory has not all of it, or lies. Each
 * may be NULL and replaces its part only; the bytes may go afterwards.
 */
struct profile_options {
	const void *vmlinux;	/* the kernel's ELF image: symbols, and types if it has .BTF */
	size_t vmlinux_size;
	const void *system_map;	/* the text of System.map: symbols; before vmlinux's */
	size_t system_map_size;
	const void *btf;	/* raw BTF, or an ELF image with .BTF; before vmlinux's */
	size_t btf_size;
	const void *vmcoreinfo;	/* the text of a dump's VMCOREINFO note */
	size_t vmcoreinfo_size;
};

/*
 * From a Linux guest's memory and registers; options may be NULL. Addresses
 * are those of the running kernel (KASLR). The sources are checked against each
 * other. ERR_MISSING: there is no Linux (yet), or it lacks what the message
 * says. ERR_MALFORMED: two sources contradict each other; it names both.
 */
struct profile *profile_from_machine(struct machine *, const struct profile_options *,
				     struct err *);
/* Where the kernel was put, if that is known: false for a profile from ELF alone. */
bool profile_phys_base(const struct profile *, uint64_t *);
bool profile_kaslr_offset(const struct profile *, uint64_t *);

/*
 * A profile is put together from a source of symbols and a source of types;
 * see symbols.h and types.h. Takes both over, also where it fails. Source names
 * are copied.
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
/* What was taken from where ("elf:symtab", "kallsyms:0xffffffff82a3c4f8"). */
const char *const *profile_sources(const struct profile *, size_t *count);

#endif
