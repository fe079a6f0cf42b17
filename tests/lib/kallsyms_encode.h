/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kallsyms_encode.h - writes a kernel's symbol tables as its build would.
 *
 * The writing twin of walker/profile/kallsyms.c, in the order and form of each
 * generation of kernels. Used by the synthetic RAM of the profile's tests.
 */
#ifndef PTMM_TEST_KALLSYMS_ENCODE_H
#define PTMM_TEST_KALLSYMS_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct encode_symbol {
	char name[512];
	char type;
	uint64_t at;
};

struct encode_form {
	bool tables_first;	/* up to 6.3: offsets and relative_base before num_syms */
	bool seqs_early;	/* 6.2, 6.3: seqs_of_names before the token table */
	bool per_cpu;		/* absolute per-CPU symbols, others negative */
	bool own_place;		/* since 7.0: offsets count from their own place */
	bool long_names;	/* since 6.1: lengths in two bytes */
	unsigned align;
};

/* Offsets into the image. */
struct encode_place {
	size_t first, end;
	size_t offsets, relative_base, num_syms, names, names_end, markers;
	size_t token_table, token_index;
};

/* Symbols are sorted by address. Aborts where the image is too small. */
void kallsyms_encode(const struct encode_form *, const struct encode_symbol *, uint32_t count,
		     uint8_t *image, size_t image_size, uint64_t image_va, size_t at,
		     uint64_t relative_base, struct encode_place *);

#endif
