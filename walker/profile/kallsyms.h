/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kallsyms.h - the symbol table that a kernel carries for its own messages.
 *
 * scripts/kallsyms.c writes it into .rodata; every table below starts at a
 * multiple of 8 (since 7.0 also of 4):
 *
 *   num_syms      u32
 *   names         per symbol: its length in bytes (since 6.1 in two bytes, the first
 *                 with bit 7 set, if above 127) and that many token numbers; what
 *                 they spell is a letter for the type and then the name
 *   markers       u32 per 256 symbols: where in names that symbol starts
 *   seqs_of_names 3 bytes per symbol, since 6.2; here in 6.2 and 6.3, at the end since
 *   token_table   256 NUL-terminated strings
 *   token_index   256 u16: where in token_table each starts
 *   offsets       i32 per symbol, sorted by address; with relative_base (u64) behind.
 *                 Up to 6.3 these two come before num_syms. Since 7.0 an offset counts from
 *                 its own place and there is no relative_base.
 *
 * Nothing of this is trusted: all counts are bounded by the image.
 */
#ifndef PTMM_PROFILE_KALLSYMS_H
#define PTMM_PROFILE_KALLSYMS_H

#include "walker/profile/symbols.h"

/* The image's bytes, as they lie from `base` up. */
struct kallsyms_bytes {
	const uint8_t *bytes;
	size_t size;
	gva_t base;
};

enum kallsyms_form {
	KALLSYMS_PER_CPU,	/* >= 0: absolute (per-CPU); else relative_base - 1 - offset */
	KALLSYMS_RELATIVE,	/* relative_base + unsigned offset */
	KALLSYMS_OWN_PLACE,	/* the offset's own address + offset */
};

/* Where the tables are: offsets into the bytes. */
struct kallsyms_place {
	uint32_t count;
	size_t names, names_size;
	size_t markers;
	size_t token_table, token_table_size;
	size_t token_index;
	size_t offsets;
	enum kallsyms_form form;
	uint64_t relative_base;
	uint32_t stext;		/* number of the symbol _stext */
};

/* By its shape alone, beginning with the token table's. */
bool kallsyms_find(struct kallsyms_place *, const struct kallsyms_bytes *, struct err *);

/*
 * From where names, token_table, token_index and (if already known, else 0)
 * offsets start, as VMCOREINFO says. relative_base: NULL if there is none.
 */
bool kallsyms_at(struct kallsyms_place *, const struct kallsyms_bytes *, uint32_t count,
		 size_t names, size_t token_table, size_t token_index, size_t offsets,
		 const uint64_t *relative_base, struct err *);

/* All symbols, sealed. */
struct symbols *kallsyms_decode(const struct kallsyms_place *, const struct kallsyms_bytes *,
				struct err *);

#endif
