/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * profile_impl.h - what the files of walker/profile share; nobody else includes it.
 */
#ifndef PTMM_PROFILE_IMPL_H
#define PTMM_PROFILE_IMPL_H

#include "walker/profile/symbols.h"
#include "walker/profile/types.h"

/* Where a running kernel was put. */
struct profile_place {
	bool known;
	bool kaslr_known;
	uint64_t phys_base;
	uint64_t kaslr_offset;
};

void profile_set_place(struct profile *, const struct profile_place *);
/* The name is copied. */
bool profile_add_source(struct profile *, const char *source, struct err *);

/* elf.c: the halves of profile_from_elf(). */
struct symbols *symbols_from_elf(const void *bytes, size_t size, const char *name,
				 struct err *);
struct types *types_from_elf(const void *bytes, size_t size, const char *name, struct err *);
/* What the image holds at an address; false where it holds nothing there. */
bool elf_bytes_at(const void *bytes, size_t size, gva_t va, void *to, size_t wanted);

#endif
